import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

// The way of every write through a database, in the order in which it goes. (A typed call takes the lock before it is
// let in, since the lock guards the cache in which its reducer is found.)
//
//   1. let in        the reducer is found, and the caller may call it
//   2. lock          taken for writing, which waits first if the log cannot keep up
//   3. begin         serial, caller; the clock is not read yet
//   4. run           the module decodes the arguments and runs the reducer; the engine checks constraints write by
//                    write, and notes how to undo each
//   5. commit        offset; log record; net changes; observers, in their order. From here on it has happened
//      or undo       everything is as before, and what was noted for that case is done
//   6. unlock
//   7. deliver       what the observers have for others goes out, a snapshot is started if one is due, and the program
//                    is told of work after a rollback that failed
//
// Calls by name with encoded arguments go through all of it in `call`. Typed code does step 4 itself, so that only this
// step is generic and compiled into the caller: it calls `beginCall`, the reducer, and then `commitCall` or `abortCall`.

/// How a write transaction ended.
struct CommitEnd {
    /// The commit's, or that of the last one before it if this one took none.
    let offset: TxOffset
    /// True if observers have something to deliver once the lock is released.
    let delivers: Bool
}

// MARK: - 1. Let in, 2. lock

extension TransactionRunner {
    /// Calls a reducer by name with encoded arguments, blocking the thread while others have the lock.
    ///
    /// - Throws: ``DatabaseError`` if the call was refused, else what the reducer threw, unwrapped.
    /// - Returns: the offset of the commit, or of the last one before it if nothing changed.
    @discardableResult
    package func call(_ reducer: String, arguments: [UInt8], as caller: Caller) throws -> TxOffset {
        let position = try reducers.position(of: reducer, calledBy: caller)
        try acquireForWrite()
        return try runReducerAndRelease(position, arguments, as: caller)
    }

    /// Calls a reducer by its position in the schema.
    @discardableResult
    package func call(_ reducer: Int, arguments: [UInt8], as caller: Caller) throws -> TxOffset {
        try reducers.requireCallable(reducer, by: caller)
        try acquireForWrite()
        return try runReducerAndRelease(reducer, arguments, as: caller)
    }

    /// Calls a reducer by name; suspends while others have the lock.
    @discardableResult
    package func call(_ reducer: String, arguments: [UInt8], as caller: Caller) async throws -> TxOffset {
        let position = try reducers.position(of: reducer, calledBy: caller)
        return try await takingLock(toWrite: true) {
            Result { try runReducerAndRelease(position, arguments, as: caller) }
        }.get()
    }

    /// Locks and begins the transaction of a typed call, blocking the thread while others have the lock.
    ///
    /// - Parameter name: the reducer's name as the module wrote it. A literal: its address is the key of a cache, so
    ///   that calls after the first compare no text.
    @usableFromInline
    package func beginCall(_ name: StaticString, as caller: Caller) throws(DatabaseError) -> UInt64 {
        try acquireForWrite()
        return try beginHoldingLock(name, as: caller)
    }

    /// ``beginCall(_:as:)`` on behalf of the owner, as most calls are: without a caller to be copied and compared.
    @usableFromInline
    package func beginCall(_ name: StaticString) throws(DatabaseError) -> UInt64 {
        try acquireForWrite()
        return try beginHoldingLock(name, as: nil)
    }

    /// ``beginCall(_:as:)`` for a task, inside of ``takingLock(toWrite:_:)``. Releases the lock if it throws.
    @usableFromInline
    package func beginCallHoldingLock(_ name: StaticString, as caller: Caller) throws(DatabaseError) -> UInt64 {
        try beginHoldingLock(name, as: caller)
    }

    @usableFromInline
    package func beginCallHoldingLock(_ name: StaticString) throws(DatabaseError) -> UInt64 {
        try beginHoldingLock(name, as: nil)
    }

    @inline(__always)
    private func beginHoldingLock(_ name: StaticString, as caller: Caller?) throws(DatabaseError) -> UInt64 {
        do throws(DatabaseError) {
            let reducer = try reducers.position(of: name, calledBy: caller)
            return try begin(reducer, as: caller)
        } catch {
            release()
            throw error
        }
    }
}

// MARK: - 3. Begin

extension TransactionRunner {
    /// Begins a write transaction with the lock held.
    ///
    /// - Parameters:
    ///   - reducer: position of the reducer that will run; -1 if none will.
    ///   - caller: nil for the owner.
    ///   - isOfViews: nothing is written but rows of views.
    /// - Returns: the transaction's serial.
    @inline(__always)
    private func begin(_ reducer: Int, as caller: Caller?, isOfViews: Bool = false) throws(DatabaseError) -> UInt64 {
        if state.duties.has(.refuse), !isOfViews || state.refusal?.code == .closed {
            throw writesRefused()
        }
        if let caller {
            state.caller = caller
            state.isOwnersCall = false
        } else {
            actAsOwner()
        }
        datastore.begin()
        let serial = state.serial &+ 1
        state.serial = serial
        state.writableSerial = serial
        state.hasTimestamp = false
        state.isRandomSeeded = false
        state.uuidCounter = 0
        state.reducer = reducer
        return serial
    }

    /// Sets the owner as the one on whose behalf the transaction runs; most often it was so before.
    @inline(__always)
    func actAsOwner() {
        if state.isOwnersCall { return }
        state.caller = catalog.owner
        state.isOwnersCall = true
    }

    /// Why there are no writes: the reason itself, or, after a failure, that with what to do.
    @inline(never)
    func writesRefused() -> DatabaseError {
        guard let reason = state.refusal else {
            return DatabaseError(.internalInconsistency, "a write was refused without a reason")
        }
        switch reason.code {
        case .closed, .readOnly: return reason
        default:
            return DatabaseError(
                .writesRefused,
                "the database takes no more writes, because an earlier commit could not be kept; close it and open it "
                    + "again: \(reason.message)", cause: reason)
        }
    }
}

// MARK: - 4. Run

extension TransactionRunner {
    /// Runs one reducer, by its position, with the lock held, which is then released.
    @inline(__always)
    private func runReducerAndRelease(_ reducer: Int, _ arguments: [UInt8], as caller: Caller) throws -> TxOffset {
        let end: CommitEnd
        do { end = try arguments.withUnsafeBytes { try runReducer(reducer, $0, as: caller) } } catch {
            releaseAndFinish()
            throw error
        }
        release()
        finish(delivering: end.delivers)
        return end.offset
    }

    /// One transaction around one reducer, with the lock held: what ``run(_:reducer:arguments:as:at:before:after:)`` does,
    /// without what the host's own transactions need beside.
    @inline(__always)
    func runReducer(
        _ reducer: Int, _ arguments: UnsafeRawBufferPointer, as caller: Caller, at timestamp: Timestamp? = nil
    ) throws -> CommitEnd {
        let serial = try begin(reducer, as: caller)
        if let timestamp {
            state.timestamp = timestamp
            state.hasTimestamp = true
        }
        do {
            try module.callReducer(
                reducer, arguments: arguments, in: TransactionReference(runner: self, serial: serial))
        } catch { throw undone(reducer, error) }
        return try commit(.reducer, arguments: arguments)
    }

    /// Undoes the call of a reducer.
    ///
    /// - Returns: what its caller is told.
    @inline(never)
    private func undone(_ reducer: Int, _ error: any Error) -> any Error {
        undoAndFollowUp()
        log.note(error, of: catalog.schema.reducers[reducer].name)
        return error
    }

    /// ``run(_:reducer:arguments:as:at:before:after:)``, then the lock is released and what follows is done.
    func runAndRelease(
        _ kind: CommitKind, reducer: Int?, arguments: [UInt8], as caller: Caller,
        before: (TransactionReference) throws -> Void = { _ in }
    ) throws -> CommitEnd {
        // Whether it ends well or not: what is done after a rollback may have something to deliver, too.
        defer { releaseAndFinish() }
        return try run(kind, reducer: reducer, arguments: arguments, as: caller, before: before)
    }

    /// One transaction of the host's own, or of a procedure, with the lock held, which is then released.
    func runAndRelease(
        _ kind: CommitKind, function: Int? = nil, as caller: Caller, _ body: (TransactionReference) throws -> Void
    ) throws -> CommitEnd {
        defer { releaseAndFinish() }
        return try run(kind, reducer: nil, function: function, arguments: [], as: caller, before: body)
    }

    /// One transaction around one reducer, or around none, with the lock held: from the beginning to commit or undo.
    ///
    /// - Parameters:
    ///   - function: position of the procedure that the transaction is of, for the log.
    ///   - timestamp: the time of the call; by default the clock's when it is first asked for.
    ///   - before: what the host itself writes before the reducer runs.
    ///   - after: and behind it.
    func run(
        _ kind: CommitKind, reducer: Int?, function: Int? = nil, arguments: [UInt8], as caller: Caller,
        at timestamp: Timestamp? = nil,
        before: (TransactionReference) throws -> Void = { _ in },
        after: (TransactionReference) throws -> Void = { _ in }
    ) throws -> CommitEnd {
        try arguments.withUnsafeBytes { bytes in
            try run(
                kind, reducer: reducer, function: function, argumentBytes: bytes, as: caller, at: timestamp,
                before: before, after: after)
        }
    }

    /// ``run(_:reducer:function:arguments:as:at:before:after:)`` with arguments that somebody else owns.
    ///
    /// - Parameter isOfViews: nothing is written but rows of views, of which nothing is kept: so it may be done also where no
    ///   writes are taken.
    func run(
        _ kind: CommitKind, reducer: Int?, function: Int? = nil, argumentBytes: UnsafeRawBufferPointer,
        as caller: Caller, at timestamp: Timestamp? = nil, isOfViews: Bool = false,
        before: (TransactionReference) throws -> Void = { _ in },
        after: (TransactionReference) throws -> Void = { _ in }
    ) throws -> CommitEnd {
        let serial = try begin(reducer ?? -1, as: caller, isOfViews: isOfViews)
        if let timestamp {
            state.timestamp = timestamp
            state.hasTimestamp = true
        }
        let transaction = TransactionReference(runner: self, serial: serial)
        do {
            try before(transaction)
            if let reducer { try module.callReducer(reducer, arguments: argumentBytes, in: transaction) }
            try after(transaction)
        } catch {
            // There is no database to write to if it could not even be created.
            if kind == .creation { _ = state.takeRollbackWork() }
            undoAndFollowUp()
            if let reducer { log.note(error, of: catalog.schema.reducers[reducer].name) }
            throw error
        }
        // Creations, connects and disconnects without a reducer change bookkeeping only, and nobody is told.
        return try commit(
            kind, function: function, arguments: argumentBytes,
            isTold: reducer != nil || kind == .host || kind == .procedure)
    }

    /// The creating transaction, which takes offset 0 whether there is an `init` or not.
    func create(callingInit: Bool) throws {
        try acquire()
        defer { release() }
        for table in catalog.schema.tables { log.noteCreation(of: table.name) }
        let initializer = callingInit ? catalog.schema.reducer(for: .onInit)?.id : nil
        do {
            _ = try run(.creation, reducer: initializer, arguments: [], as: catalog.owner)
        } catch let error as DatabaseError where error.code == .moduleFailure {
            // There will be no database, and no log to look into.
            throw DatabaseError(
                .moduleFailure, "the new database could not be set up: \(error.message)\(log.newest)", cause: error)
        }
        log.appendOfHost(.info, "Database initialized")
    }
}

// MARK: - 5. Commit

extension TransactionRunner {
    /// Commits a typed call, whose arguments are in the scratch if commits are recorded, and releases the lock.
    @usableFromInline @discardableResult
    package func commitCall() throws(DatabaseError) -> TxOffset {
        let duties = state.duties
        guard duties.rawValue == 0 else {
            return duties == .record ? try commitRecordedCall() : try commitCallWithDuties()
        }
        let offset = commitUnwatched()
        release()
        return offset
    }

    /// Commits where there are no duties: nobody keeps the transaction, and nobody looks at what it changed.
    @inline(__always)
    private func commitUnwatched() -> TxOffset {
        if datastore.commitUnwatched() { state.nextOffset &+= 1 }
        let offset = TxOffset(state.nextOffset &- 1)
        endSerial()
        return offset
    }

    /// ``commitCall()`` of a call that is recorded, and has no other duty.
    @inline(never)
    private func commitRecordedCall() throws(DatabaseError) -> TxOffset {
        guard datastore.hasChanges else {
            datastore.commit()
            let last = TxOffset(state.nextOffset &- 1)
            endSerial()
            release()
            return last
        }
        let offset = TxOffset(state.nextOffset)
        let failure = durability.keepCall(
            of: state.reducer, in: state.scratch,
            caller: state.isOwnersCall ? nil : state.caller, timestamp: recordTime(),
            changesIn: datastore, at: offset)
        if let failure {
            let refusal = undoUnkept(failure)
            releaseAndFinish()
            throw refusal
        }
        _ = datastore.commitUnwatched()
        state.nextOffset &+= 1
        endSerial()
        release()
        if durability.isSnapshotDue { startSnapshotIfDue() }
        return offset
    }

    /// The time of the call that is to be recorded. If nobody has asked for it yet nobody will, and it need not be exact;
    /// but it is not before that of an earlier call that came this way, unless the clock was set back.
    @inline(__always)
    private func recordTime() -> Timestamp {
        if state.hasTimestamp {
            state.recordedTime = state.timestamp
            return state.timestamp
        }
        let time = clock.coarseNow()
        let ahead = (state.recordedTime - time).microseconds
        if ahead > 0, ahead < 20_000 { return state.recordedTime }
        state.recordedTime = time
        return time
    }

    @inline(never)
    private func commitCallWithDuties() throws(DatabaseError) -> TxOffset {
        let arguments =
            state.duties.has(.record)
            // The scratch's bytes stay where they are until the next call under the lock writes there.
            ? state.scratch.arguments.pointee.withUnsafeBytes {
                UnsafeRawBufferPointer(rebasing: $0[Scratch.headRoom...])
            }
            : UnsafeRawBufferPointer(start: nil, count: 0)
        let end: CommitEnd
        do throws(DatabaseError) { end = try commit(.reducer, arguments: arguments) } catch {
            releaseAndFinish()
            throw error
        }
        release()
        finish(delivering: end.delivers)
        return end.offset
    }

    /// Ends the write transaction well: assigns the offset, has the record kept, and tells the observers.
    ///
    /// - Parameter isTold: false if observers hear nothing of it.
    /// - Throws: what a read in it could not throw, or that the record cannot be kept. The transaction was undone then; in
    ///   the second case the next ones are refused.
    @inline(__always)
    private func commit(
        _ kind: CommitKind, function: Int? = nil, arguments: UnsafeRawBufferPointer, isTold: Bool = true
    ) throws(DatabaseError) -> CommitEnd {
        if state.duties.rawValue == 0, !kind.takesOffsetWithoutChanges {
            return CommitEnd(offset: commitUnwatched(), delivers: false)
        }
        return try commitWithDuties(kind, function, arguments, isTold: isTold)
    }

    @inline(never)
    private func commitWithDuties(
        _ kind: CommitKind, _ function: Int?, _ arguments: UnsafeRawBufferPointer, isTold: Bool
    ) throws(DatabaseError) -> CommitEnd {
        if state.duties.has(.fail), let failure = state.takeFailure() {
            undoAndFollowUp()
            throw failure
        }
        if state.duties.has(.refreshViews) {
            do throws(DatabaseError) { try refreshViews() } catch {
                undoAndFollowUp()
                throw error
            }
        }
        if state.duties.has(.followRollback) { _ = state.takeRollbackWork() }
        // A transaction that takes back all it wrote counts as one that changed something, so that the offset does not
        // depend on whether anybody looks at the rows.
        guard datastore.hasChanges || kind.takesOffsetWithoutChanges else {
            datastore.commit()
            endSerial()
            views?.end(isUndone: false)
            return CommitEnd(offset: TxOffset(state.nextOffset &- 1), delivers: false)
        }

        // Rows of views alone are no part of the history: they can be found out again.
        let isKept = views == nil || kind.takesOffsetWithoutChanges || datastore.hasKeptChanges
        let offset = TxOffset(isKept ? state.nextOffset : state.nextOffset &- 1)
        if isKept, durability.keepsCommits { try record(kind, function, arguments: arguments, at: offset) }
        let isWatched = isTold && state.duties.has(.observe) && datastore.hasObservedChanges
        if isWatched { for observer in observers { observer.prepare(datastore) } }
        let changes = datastore.commit(collecting: isWatched ? .observed : .none)
        endSerial()
        views?.end(isUndone: false)
        if isKept { state.nextOffset &+= 1 }
        guard isWatched else { return CommitEnd(offset: offset, delivers: false) }

        let commit = Commit(offset: offset, kind: kind, changes: changes, runner: self)
        var delivers = false
        for observer in observers where observer.observe(commit) { delivers = true }
        if let trail { trail.note(changes) }
        return CommitEnd(offset: offset, delivers: delivers)
    }

    @inline(never)
    private func record(
        _ kind: CommitKind, _ function: Int?, arguments: UnsafeRawBufferPointer, at offset: TxOffset
    ) throws(DatabaseError) {
        let reducer = state.reducer
        let failure = durability.keep(
            kind, function: reducer < 0 ? function : reducer, arguments: arguments,
            caller: state.isOwnersCall ? nil : state.caller, timestamp: readTimestamp(),
            schema: kind == .creation ? catalog.stored.encoded() : nil, changesIn: datastore, at: offset)
        if let failure { throw undoUnkept(failure) }
    }

    /// Undoes the transaction, since its record cannot be kept.
    ///
    /// - Returns: what its caller is told.
    @inline(never)
    private func undoUnkept(_ failure: DatabaseError) -> DatabaseError {
        undo()
        // Nothing is wrong with the log if a transaction is too large for it.
        if failure.code == .limitReached { return failure }
        let refusal = DatabaseError(
            .writesRefused,
            "the commit could not be recorded and was rolled back; no more writes are taken: \(failure.message)",
            cause: failure)
        refuseWrites(failure, telling: .failed(refusal))
        return refusal
    }

    /// The transaction is over, and with it every handle of it.
    @inline(__always)
    private func endSerial() {
        state.serial &+= 1
        state.writableSerial = 0
    }
}

/// Transactions of procedures that begin and end them by themselves, on one thread.
extension TransactionRunner {
    func beginProcedureTransaction(as caller: Caller) throws(DatabaseError) -> TransactionReference {
        try acquireForWrite()
        do throws(DatabaseError) {
            return TransactionReference(runner: self, serial: try begin(-1, as: caller))
        } catch {
            release()
            throw error
        }
    }

    func commitProcedureTransaction(function: Int?) throws(DatabaseError) -> TxOffset {
        let end: CommitEnd
        do throws(DatabaseError) {
            end = try commit(
                .procedure, function: function, arguments: UnsafeRawBufferPointer(start: nil, count: 0))
        } catch {
            releaseAndFinish()
            throw error
        }
        release()
        finish(delivering: end.delivers)
        return end.offset
    }
}

// MARK: - 5. Or undo

extension TransactionRunner {
    /// Undoes a typed call and releases the lock.
    @usableFromInline
    package func abortCall() {
        if state.duties.has(.followRollback) { return abortCallAndFollowUp() }
        undo()
        release()
    }

    @inline(never)
    private func abortCallAndFollowUp() {
        undoAndFollowUp()
        releaseAndFinish()
    }

    /// Undoes the write transaction.
    private func undo() {
        datastore.rollback()
        if state.duties.has(.fail) { _ = state.takeFailure() }
        endSerial()
        if state.duties.has(.refreshViews) { views?.end(isUndone: true) }
    }

    /// Undoes the write transaction, and then does what was noted for that case. With the lock held.
    private func undoAndFollowUp() {
        guard state.duties.has(.followRollback) else { return undo() }
        let work = state.takeRollbackWork()
        let (reducer, caller, timestamp) = (state.reducer, state.caller, readTimestamp())
        undo()
        follow(work, of: reducer, as: caller, at: timestamp)
    }

    /// Refuses writes from now on; observers are told that nothing will ever come. With the lock held.
    func refuseWrites(_ reason: DatabaseError, telling end: SubscriptionEnd) {
        state.refuse(reason)
        if reason.code != .closed, reason.code != .readOnly {
            log.appendOfHost(.error, "no more writes are taken: \(reason.message)")
        }
        for observer in observers { observer.end(end) }
    }
}

// MARK: - 6. Unlock (`release`), 7. deliver (with work after a rollback: `releaseAndFinish`)

extension TransactionRunner {
    /// What is left to do after a transaction, without the lock.
    @inline(__always)
    func finish(delivering: Bool) {
        if delivering { for observer in observers { observer.deliver() } }
        if durability.isSnapshotDue { startSnapshotIfDue() }
    }

    @inline(never)
    private func startSnapshotIfDue() {
        if let files = durability.files, files.claimSnapshot() { SnapshotTaker(files: files, runner: self).start() }
    }
}
