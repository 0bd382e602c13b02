package import SpacetimeEngine
import SpacetimeSATS

/// How a write transaction ended.
struct CommitEnd {
    let offset: TxOffset
    /// True if subscribers wait for something, to be delivered once the lock is released.
    let delivers: Bool
}

/// Begin, commit and abort: the frame of every call. Not generic and not inlined, so that the caller's code is only
/// the reducer.
extension DatabaseCore {
    /// Begins a write transaction with the lock held.
    func beginWrite(as caller: Caller, reducer: Int) throws(DatabaseError) -> UInt64 {
        if state.pointee.refusal != nil { throw writesRefused() }
        state.pointee.caller = caller
        state.pointee.isOwnersCall = false
        return beginWrite(reducer: reducer)
    }

    /// Sets the owner as the one on whose behalf the transaction runs; most often it was so before.
    @inline(__always)
    func actAsOwner() {
        if state.pointee.isOwnersCall { return }
        state.pointee.caller = owner
        state.pointee.isOwnersCall = true
    }

    @inline(__always)
    func beginWrite(reducer: Int) -> UInt64 {
        let state = state
        datastore.begin()
        let serial = state.pointee.serial &+ 1
        state.pointee.serial = serial
        state.pointee.writableSerial = serial
        state.pointee.hasTimestamp = false
        state.pointee.isRandomSeeded = false
        state.pointee.uuidCounter = 0
        state.pointee.reducer = reducer
        return serial
    }

    /// Why there are no writes: the reason itself, or, after a failure, that with what to do.
    @inline(never)
    func writesRefused() -> DatabaseError {
        guard let reason = state.pointee.refusal else {
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

    /// Ends the write transaction: assigns the offset, hands the record to the sink and the changes to live queries.
    ///
    /// - Throws: if the sink cannot keep the record. The transaction is rolled back then, and the next ones are refused.
    /// - Returns: the offset of the commit, or of the last one before it if this one took none, and whether there is
    ///   something to deliver once the lock is released.
    func finishWrite(
        _ kind: CommitKind, arguments: UnsafeRawBufferPointer, broadcasts: Bool = true
    ) throws(DatabaseError) -> CommitEnd {
        let state = state
        if let failure = state.pointee.failure {
            undoWriteAndFollowUp()
            throw failure
        }
        dropRollbackWork()
        // A transaction that takes back all it wrote counts as one that changed something, so that the offset does not
        // depend on whether anybody looks at the rows.
        guard datastore.hasChanges || kind.takesOffsetWithoutChanges else {
            datastore.commit()
            endSerial()
            return CommitEnd(offset: TxOffset(state.pointee.nextOffset &- 1), delivers: false)
        }
        let offset = TxOffset(state.pointee.nextOffset)
        if keeper.keeps { try record(kind, arguments: arguments, at: offset) }
        let listens = broadcasts && liveQueries.isActive && datastore.hasObservedChanges
        let replacements = listens ? scheduler?.replacements(in: datastore) ?? [] : []
        let changes = datastore.commit(collecting: listens ? .observed : .none)
        endSerial()
        state.pointee.nextOffset &+= 1
        guard listens else { return CommitEnd(offset: offset, delivers: false) }
        if let scheduler { scheduler.apply(changes, replacements, now: readTimestamp()) }
        guard let changes else { return CommitEnd(offset: offset, delivers: false) }
        let delivers = liveQueries.publish(changes, offset: offset, into: outbox)
        return CommitEnd(offset: offset, delivers: delivers)
    }

    /// Ends a write transaction of a database without sink and subscribers.
    ///
    /// - Returns: the offset as of a commit.
    @inline(__always)
    func finishUnwatchedWrite() -> TxOffset {
        dropRollbackWork()
        if datastore.hasChanges { state.pointee.nextOffset &+= 1 }
        datastore.commit()
        endSerial()
        return TxOffset(state.pointee.nextOffset &- 1)
    }

    /// Undoes the write transaction.
    func undoWrite() {
        datastore.rollback()
        state.pointee.failure = nil
        endSerial()
    }

    @inline(__always)
    private func endSerial() {
        state.pointee.serial &+= 1
        state.pointee.writableSerial = 0
    }

    @inline(never)
    private func record(
        _ kind: CommitKind, arguments: UnsafeRawBufferPointer, at offset: TxOffset
    ) throws(DatabaseError) {
        let reducer = state.pointee.reducer
        logScratch.pointee.removeAll(keepingCapacity: true)
        // The record of a large transaction does not keep its memory.
        defer { if logScratch.pointee.count > 4 << 20 { logScratch.pointee.removeAll(keepingCapacity: false) } }
        CommitRecord.writeHead(
            kind, reducer: reducer < 0 ? nil : reducer, arguments: arguments,
            caller: state.pointee.isOwnersCall ? nil : state.pointee.caller, timestamp: readTimestamp(),
            schema: kind == .creation ? storedSchema.encoded() : nil, to: &logScratch.pointee)
        datastore.encodeChanges(into: &logScratch.pointee)
        // The scratch's bytes stay where they are during the call.
        let bytes = logScratch.pointee.withUnsafeBytes { $0 }
        var failure: DatabaseError?
        switch keeper {
        case .none: break
        // Alive: `store` keeps it.
        case .store(let store): failure = store._withUnsafeGuaranteedRef { $0.appendOrFail(bytes, at: offset) }
        case .sink: do throws(DatabaseError) { try sink?.append(bytes, at: offset) } catch { failure = error }
        }
        if let error = failure {
            undoWrite()
            if error.code == .limitReached { throw error }
            let refusal = DatabaseError(
                .writesRefused,
                "the commit could not be recorded and was rolled back; no more writes are taken: \(error.message)",
                cause: error)
            refuseWrites(error, telling: .failed(refusal))
            throw refusal
        }
    }

    // MARK: Reading

    /// Begins a transaction that cannot write. Other threads wait, as for any transaction.
    @usableFromInline
    package func beginRead() throws(DatabaseError) -> UInt64 {
        try acquire()
        return beginReadHoldingLock()
    }

    /// The same if nobody has the lock; else 0.
    @usableFromInline
    package func beginReadIfFree() throws(DatabaseError) -> UInt64 {
        try acquireIfFree() ? beginReadHoldingLock() : 0
    }

    /// The same with the lock that ``lockSuspending()`` has taken.
    @usableFromInline
    package func beginReadAdoptingLock() -> UInt64 {
        adoptLock()
        return beginReadHoldingLock()
    }

    private func beginReadHoldingLock() -> UInt64 {
        // The engine's transaction cuts off scans that outlive the read.
        datastore.begin()
        state.pointee.serial &+= 1
        state.pointee.hasTimestamp = false
        state.pointee.isRandomSeeded = false
        actAsOwner()
        return state.pointee.serial
    }

    @usableFromInline
    package func endRead() {
        datastore.rollback()
        state.pointee.failure = nil
        state.pointee.serial &+= 1
        release()
    }

    /// A frozen picture of all tables, to be read without the lock for as long as it is kept.
    package func snapshot() throws(DatabaseError) -> DatastoreSnapshot { try snapshotWithOffset().0 }

    /// A frozen picture, and the last commit in it.
    package func snapshotWithOffset() throws(DatabaseError) -> (DatastoreSnapshot, TxOffset) {
        try acquire()
        defer { release() }
        return (datastore.snapshot(), TxOffset(state.pointee.nextOffset &- 1))
    }

    /// The same for tasks: it suspends while others have the lock.
    package func snapshotWithOffset() async throws(DatabaseError) -> (DatastoreSnapshot, TxOffset) {
        if try !acquireIfFree() {
            await lockSuspending()
            adoptLock()
        }
        defer { release() }
        return (datastore.snapshot(), TxOffset(state.pointee.nextOffset &- 1))
    }

    /// The offset of the last commit.
    package func lastOffset() throws(DatabaseError) -> TxOffset {
        try acquire()
        defer { release() }
        return TxOffset(state.pointee.nextOffset &- 1)
    }
}
