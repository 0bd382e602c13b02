import SpacetimeDurability
public import SpacetimeHost

/// Disk and memory of a running database.
extension Database {
    /// The last commit that no crash loses; in a database in memory the last of all. Nil before the first.
    ///
    /// - Throws: ``DatabaseError`` with code `nestedTransaction` inside a reducer or a read, if the database is in memory.
    public var durableOffset: TxOffset? { get throws { try runner.durableOffset() } }

    /// Waits until a commit, and all before it, are on disk.
    ///
    /// - Throws: ``DatabaseError`` with code `storageFailure` if that cannot be any more.
    public func waitUntilDurable(_ offset: TxOffset) async throws { try await runner.durable(offset) }

    /// Waits until everything that is visible now is on disk, blocking the thread.
    public func flush() throws { try runner.waitUntilDurable(runner.lastOffset()) }

    /// Waits until everything that is visible now is on disk, blocking no thread.
    public func flush() async throws { try await runner.durable(runner.snapshotWithOffset().1) }

    /// Writes a snapshot now, beside running calls, and removes what need not be kept any longer. Snapshots are taken by
    /// themselves as the log grows (``StorageOptions/snapshotLogByteCount``); one before a planned stop makes the next
    /// start faster.
    ///
    /// Blocks until the file is complete; other threads are held up for as long as it takes to retain the pages.
    ///
    /// - Returns: the last commit that the snapshot includes, and the size of its file.
    @discardableResult
    public func takeSnapshot() throws -> (offset: TxOffset, byteCount: UInt64) {
        try core.takeSnapshot()
    }

    /// Writes a snapshot now, on a thread of its own, and suspends until the file is complete.
    @discardableResult
    public func takeSnapshot() async throws -> (offset: TxOffset, byteCount: UInt64) {
        try runner.requireNoTransaction()
        return try await suspendingAside { [core] in try core.takeSnapshot() }
    }

    /// Why the last snapshot that was due could not be written; nil if it could. The log holds everything meanwhile, and
    /// grows; it is tried again after the next ``StorageOptions/snapshotLogByteCount``.
    public var snapshotFailure: DatabaseError? { core.files?.snapshotFailure }

    /// Makes everything durable and gives the directory free. Calls and subscriptions are refused from now on, and
    /// subscriptions that are open end, each after what it has still to read, with ``DatabaseError/Code/closed``; reading
    /// goes on.
    ///
    /// Without it the same happens when the last reference to the database goes away, but errors are lost then.
    ///
    /// - Throws: ``DatabaseError`` with code `storageFailure` if not everything could be written.
    public func close() throws { try core.close() }

    /// Makes everything durable and gives the directory free. Suspends meanwhile.
    public func close() async throws { try await core.close() }

    /// Checks that rows and indexes agree. For tests; linear in the data.
    package func checkInvariants() throws { try runner.checkInvariants() }
}
