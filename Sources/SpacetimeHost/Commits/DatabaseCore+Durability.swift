import SpacetimeDurability
import SpacetimeEngine

/// How far a commit must have come before its call returns.
public enum CommitLevel: Sendable {
    /// Visible to everybody; on disk a moment later. A loss of power may undo the last milliseconds.
    case committed
    /// On disk: no crash loses it. Takes a sync of the disk, shared with whatever else is being committed.
    case durable
}

/// Waiting for commits to be on disk.
extension TransactionRunner {
    /// Blocks until the commit, and all before it, are on disk. At once if the database is in memory only.
    ///
    /// - Throws: `storageFailure` if that cannot be any more.
    @usableFromInline
    package func waitUntilDurable(_ offset: TxOffset) throws(DatabaseError) {
        guard let files = durability.files, offset.rawValue != .max else { return }
        try files.waitUntilDurable(offset)
    }

    /// ``waitUntilDurable(_:)`` without blocking a thread.
    @usableFromInline
    package func durable(_ offset: TxOffset) async throws(DatabaseError) {
        guard let files = durability.files, offset.rawValue != .max else { return }
        try await files.durable(offset)
    }

    /// The last commit that is on disk; the last one of all in a database in memory. Nil before the first.
    package func durableOffset() throws(DatabaseError) -> TxOffset? {
        guard let log = durability.files?.log else { return try lastOffset() }
        let end = log.durableEnd
        return end == 0 ? nil : TxOffset(end - 1)
    }
}

/// Snapshots on demand, and how a database ends.
extension DatabaseCore {
    /// Writes a snapshot now and returns when it is complete.
    ///
    /// - Returns: the last commit that it includes, and the size of the file.
    package func takeSnapshot() throws(DatabaseError) -> (offset: TxOffset, byteCount: UInt64) {
        guard let files else {
            throw DatabaseError(.notPossible, "a snapshot needs a database on disk; open it with a directory")
        }
        if runner.isHeldByCurrentThread {
            throw DatabaseError(
                .nestedTransaction,
                "a snapshot cannot be taken inside a reducer or a read; take it after that has returned")
        }
        return try SnapshotTaker(files: files, runner: runner).takeNow()
    }

    // MARK: The end

    /// Ends writing and all subscriptions, makes everything durable and gives the directory free. Reading goes on.
    package func close() throws(DatabaseError) {
        try runner.requireNoTransaction()
        procedures.close()
        try runner.acquire()
        refuseAllAndRelease()
        log.close()
        try files?.close()
    }

    /// Ends writing and all subscriptions. Suspends until everything is durable, without blocking a thread of the pool.
    package func close() async throws(DatabaseError) {
        procedures.close()
        try await runner.takingLock { refuseAllAndRelease() }
        guard let files else { return log.close() }
        try await suspendingAside { [log] () throws(DatabaseError) in
            log.close()
            try files.close()
        }
    }

    private func refuseAllAndRelease() {
        let closed = DatabaseError(.closed, "the database was closed; open it again to go on")
        refuseAndRelease(closed, telling: .failed(closed))
    }

    /// Refuses writes from now on: the rows stay as they are.
    func makeReadOnly(_ reason: DatabaseError) throws(DatabaseError) {
        try runner.acquire()
        refuseAndRelease(reason, telling: .complete)
    }

    private func refuseAndRelease(_ reason: DatabaseError, telling end: SubscriptionEnd) {
        runner.refuseWrites(reason, telling: end)
        runner.release()
        runner.finish(delivering: true)
    }
}
