import SpacetimeSATS
import SpacetimeSchema

/// Calls of reducers: typed ones in three steps, so that only the reducer itself is generic code of the caller, and
/// byte-level ones in one.
extension DatabaseCore {
    /// Locks and begins the transaction of a typed call, blocking the thread while others have the lock.
    ///
    /// - Parameter name: the reducer's name as the module wrote it. A literal: its address is the key of a cache, so
    ///   that calls after the first compare no text.
    @usableFromInline
    package func beginCall(_ name: StaticString, as caller: Caller) throws(DatabaseError) -> UInt64 {
        try acquireForWrite()
        return try beginHoldingLock(name, as: caller)
    }

    /// The same on behalf of the owner.
    @usableFromInline
    package func beginCall(_ name: StaticString) throws(DatabaseError) -> UInt64 {
        try acquireForWrite()
        return try beginHoldingLock(name)
    }

    /// ``beginCall(_:as:)`` if that needs no waiting; else 0, and the call is to wait for ``lockForWriteSuspending()`` and
    /// to begin by ``beginCallAdoptingLock(_:as:)``.
    @usableFromInline
    package func beginCallIfFree(_ name: StaticString, as caller: Caller) throws(DatabaseError) -> UInt64 {
        try acquireForWriteIfFree() ? try beginHoldingLock(name, as: caller) : 0
    }

    @usableFromInline
    package func beginCallIfFree(_ name: StaticString) throws(DatabaseError) -> UInt64 {
        try acquireForWriteIfFree() ? try beginHoldingLock(name) : 0
    }

    @usableFromInline
    package func beginCallAdoptingLock(_ name: StaticString, as caller: Caller) throws(DatabaseError) -> UInt64 {
        adoptLock()
        return try beginHoldingLock(name, as: caller)
    }

    @usableFromInline
    package func beginCallAdoptingLock(_ name: StaticString) throws(DatabaseError) -> UInt64 {
        adoptLock()
        return try beginHoldingLock(name)
    }

    @inline(__always)
    private func beginHoldingLock(_ name: StaticString, as caller: Caller) throws(DatabaseError) -> UInt64 {
        do throws(DatabaseError) {
            let slot = try reducerSlot(name)
            if slot.isPrivate, caller.identity != owner.identity { throw noSuchReducer(name.description) }
            return try beginWrite(as: caller, reducer: slot.reducer)
        } catch {
            release()
            throw error
        }
    }

    @inline(__always)
    private func beginHoldingLock(_ name: StaticString) throws(DatabaseError) -> UInt64 {
        do throws(DatabaseError) {
            let reducer = try reducerSlot(name).reducer
            if state.pointee.refusal != nil { throw writesRefused() }
            actAsOwner()
            return beginWrite(reducer: reducer)
        } catch {
            release()
            throw error
        }
    }

    /// Commits a typed call whose arguments, if the state asks for them, are in ``argumentScratch``.
    @usableFromInline @discardableResult
    package func commitCall() throws(DatabaseError) -> TxOffset {
        if keeper.keeps || liveQueries.isActive || state.pointee.failure != nil { return try commitWatchedCall() }
        // Nobody looks at what changed.
        let offset = finishUnwatchedWrite()
        release()
        return offset
    }

    @inline(never)
    private func commitWatchedCall() throws(DatabaseError) -> TxOffset {
        let end: CommitEnd
        do throws(DatabaseError) {
            end = try finishWrite(.reducer, arguments: recordedArguments)
        } catch {
            release()
            outbox.drain()
            throw error
        }
        release()
        finishCall(end)
        return end.offset
    }

    /// What is left to do after a commit, without the lock.
    @inline(__always)
    func finishCall(_ end: CommitEnd) {
        if end.delivers { outbox.drain() }
        maintainStore()
    }

    /// Undoes a typed call.
    @usableFromInline
    package func abortCall() {
        if state.pointee.rollbackWork != nil { return abortCallAndFollowUp() }
        undoWrite()
        release()
    }

    @inline(never)
    private func abortCallAndFollowUp() {
        undoWriteAndFollowUp()
        release()
        outbox.drain()
        maintainStore()
    }

    /// The scratch's bytes stay where they are until the next call under the lock writes there.
    private var recordedArguments: UnsafeRawBufferPointer {
        guard state.pointee.recordsArguments else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return argumentScratch.pointee.withUnsafeBytes { $0 }
    }

    /// Calls a reducer by name with encoded arguments, blocking the thread while others have the lock.
    ///
    /// - Throws: ``DatabaseError`` if the call was refused, else what the reducer threw, unwrapped.
    /// - Returns: the offset of the commit, or of the last one before it if nothing changed.
    @discardableResult
    package func call(_ reducer: String, arguments: [UInt8], as caller: Caller) throws -> TxOffset {
        let id = try callableReducer(reducer, by: caller)
        try acquireForWrite()
        return try runAndRelease(.reducer, reducer: id, arguments: arguments, as: caller).offset
    }

    /// Calls a reducer by its position in the schema.
    @discardableResult
    package func call(_ reducer: Int, arguments: [UInt8], as caller: Caller) throws -> TxOffset {
        guard schema.reducers.indices.contains(reducer) else { throw noSuchReducer("#\(reducer)") }
        try requireCallable(reducer, calledAs: "#\(reducer)", by: caller)
        try acquireForWrite()
        return try runAndRelease(.reducer, reducer: reducer, arguments: arguments, as: caller).offset
    }

    /// The same for tasks: it suspends while others have the lock.
    @discardableResult
    package func call(_ reducer: String, arguments: [UInt8], as caller: Caller) async throws -> TxOffset {
        let id = try callableReducer(reducer, by: caller)
        if try !acquireForWriteIfFree() {
            try await lockForWriteSuspending()
            adoptLock()
        }
        return try runAndRelease(.reducer, reducer: id, arguments: arguments, as: caller).offset
    }

    /// ``run(_:reducer:arguments:as:at:before:after:)``, then the lock is released and what follows is done.
    func runAndRelease(
        _ kind: CommitKind, reducer: Int?, arguments: [UInt8], as caller: Caller,
        before: (TransactionReference) throws -> Void = { _ in }
    ) throws -> CommitEnd {
        defer {
            outbox.drain()
            maintainStore()
        }
        defer { release() }
        return try run(kind, reducer: reducer, arguments: arguments, as: caller, before: before)
    }

    /// One transaction around one reducer, with the lock held.
    ///
    /// - Parameter timestamp: the time of the call; by default the clock's when it is first asked for.
    func run(
        _ kind: CommitKind, reducer: Int?, arguments: [UInt8], as caller: Caller, at timestamp: Timestamp? = nil,
        before: (TransactionReference) throws -> Void = { _ in },
        after: (TransactionReference) throws -> Void = { _ in }
    ) throws -> CommitEnd {
        let serial = try beginWrite(as: caller, reducer: reducer ?? -1)
        if let timestamp {
            state.pointee.timestamp = timestamp
            state.pointee.hasTimestamp = true
        }
        let transaction = TransactionReference(core: self, serial: serial)
        do {
            try before(transaction)
            if let reducer {
                try arguments.withUnsafeBytes { try module.callReducer(reducer, arguments: $0, in: transaction) }
            }
            try after(transaction)
        } catch {
            // There is no database to write to if it could not even be created.
            if kind == .creation { dropRollbackWork() }
            undoWriteAndFollowUp()
            throw error
        }
        // Connects without a reducer change bookkeeping only, and nobody is told.
        let broadcasts = reducer != nil || kind == .host
        return try withBytes(of: arguments) { bytes throws(DatabaseError) in
            try finishWrite(kind, arguments: bytes, broadcasts: broadcasts)
        }
    }

    /// The creating transaction, which takes offset 0 whether there is an `init` or not.
    func create() throws {
        try acquire()
        defer { release() }
        _ = try run(.creation, reducer: schema.reducer(for: .onInit)?.id, arguments: [], as: owner)
    }

    // MARK: Names

    @inline(__always)
    private func reducerSlot(_ name: StaticString) throws(DatabaseError) -> ReducerSlot {
        guard name.hasPointerRepresentation else { return try findReducer(name, address: 0) }
        let address = UInt(bitPattern: name.utf8Start)
        let slot = reducerCache + Int((address &* 0x9E37_79B9_7F4A_7C15) >> 58)
        if slot.pointee.address != address { slot.pointee = try findReducer(name, address: address) }
        return slot.pointee
    }

    @inline(never)
    private func findReducer(_ name: StaticString, address: UInt) throws(DatabaseError) -> ReducerSlot {
        // A typed call names the reducer as the module does; another reducer's canonical name must not shadow it.
        let text = name.description
        guard let id = schema.reducers.firstIndex(where: { $0.sourceName == text }) else { throw noSuchReducer(text) }
        if let lifecycle = schema.reducers[id].lifecycle { throw notCallable(text, lifecycle) }
        return ReducerSlot(address: address, reducer: id, isPrivate: !schema.reducers[id].isClientCallable)
    }

    private func callableReducer(_ name: String, by caller: Caller) throws(DatabaseError) -> Int {
        guard let id = reducerIDs[name] else { throw noSuchReducer(name) }
        try requireCallable(id, calledAs: name, by: caller)
        return id
    }

    /// - Parameter name: what the caller called it. The error for a private reducer says it again, as it would if there
    ///   were no such reducer.
    private func requireCallable(_ id: Int, calledAs name: String, by caller: Caller) throws(DatabaseError) {
        let reducer = schema.reducers[id]
        if let lifecycle = reducer.lifecycle { throw notCallable(reducer.name, lifecycle) }
        if !reducer.isClientCallable && caller.identity != owner.identity { throw noSuchReducer(name) }
    }

    @inline(never)
    private func noSuchReducer(_ name: String) -> DatabaseError {
        DatabaseError(.noSuchReducer, "there is no reducer '\(name)'; check the name, or add it to the module")
    }

    @inline(never)
    private func notCallable(_ name: String, _ lifecycle: Lifecycle) -> DatabaseError {
        let moment =
            switch lifecycle {
            case .onInit: "when the database is created"
            case .onConnect: "when a client connects"
            case .onDisconnect: "when a client disconnects"
            }
        return DatabaseError(.noSuchReducer, "'\(name)' is run by the database itself \(moment); it cannot be called")
    }
}
