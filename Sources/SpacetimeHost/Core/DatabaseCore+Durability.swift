import SpacetimeDurability
import SpacetimeEngine

/// How far a commit must have come before its call returns.
public enum CommitLevel: Sendable {
    /// Visible to everybody; on disk a moment later. A loss of power may undo the last milliseconds.
    case committed
    /// On disk: no crash loses it. Takes a sync of the disk, shared with whatever else is being committed.
    case durable
}

extension DatabaseCore {
    /// Blocks until the commit, and all before it, are on disk. At once if the database is in memory only.
    ///
    /// - Throws: `storageFailure` if that cannot be any more.
    @usableFromInline
    package func waitUntilDurable(_ offset: TxOffset) throws(DatabaseError) {
        guard let store, offset.rawValue != .max else { return }
        try store.waitUntilDurable(offset)
    }

    /// ``waitUntilDurable(_:)`` without blocking a thread.
    @usableFromInline
    package func durable(_ offset: TxOffset) async throws(DatabaseError) {
        guard let store, offset.rawValue != .max else { return }
        try await store.durable(offset)
    }

    /// The last commit that is on disk; the last one of all in a database in memory. Nil before the first.
    package func durableOffset() throws(DatabaseError) -> TxOffset? {
        guard let log = store?.log else { return try lastOffset() }
        let end = log.durableEnd
        return end == 0 ? nil : TxOffset(end - 1)
    }

    /// Called after each commit to a store, without the lock: takes a snapshot if one is due.
    @inline(__always)
    func maintainStore() {
        // Alive: `store` keeps it.
        if case .store(let store) = keeper, store._withUnsafeGuaranteedRef({ $0.isSnapshotDue }) {
            startSnapshotIfDue()
        }
    }

    @inline(never)
    private func startSnapshotIfDue() {
        if let store, store.claimSnapshot() { startSnapshot(store) }
    }

    private func startSnapshot(_ store: DatabaseStore) {
        // A failure is kept by the store and tried again after the next stretch of log.
        if store.options.runsInBackground {
            startThread(stepsBack: true) { [self] in _ = try? writeClaimedSnapshot(store) }
        } else {
            _ = try? writeClaimedSnapshot(store)
        }
    }

    private func writeClaimedSnapshot(
        _ store: DatabaseStore
    ) throws(DatabaseError) -> (offset: TxOffset, byteCount: UInt64) {
        let (frozen, offset): (DatastoreSnapshot, TxOffset)
        do throws(DatabaseError) { (frozen, offset) = try snapshotWithOffset() } catch {
            store.abandonClaim(error)
            throw error
        }
        return (offset, try store.write(frozen, schema: storedSchema, nextOffset: offset.rawValue &+ 1))
    }

    /// Writes a snapshot now and returns when it is complete.
    ///
    /// - Returns: the last commit that it includes, and the size of the file.
    package func takeSnapshot() throws(DatabaseError) -> (offset: TxOffset, byteCount: UInt64) {
        guard let store else {
            throw DatabaseError(.notPossible, "a snapshot needs a database on disk; open it with a directory")
        }
        if isHeldByCurrentThread {
            throw DatabaseError(
                .nestedTransaction,
                "a snapshot cannot be taken inside a reducer or a read; take it after that has returned")
        }
        try store.claimNextSnapshot()
        guard store.options.runsInBackground else { return try writeClaimedSnapshot(store) }
        return try runAside { [self] () throws(DatabaseError) in try writeClaimedSnapshot(store) }
    }

    /// Ends writing and all subscriptions, makes everything durable and gives the directory free. Reading goes on.
    package func close() throws(DatabaseError) {
        try acquire()
        refuseAllAndRelease()
        try store?.close()
    }

    /// ``close()`` without blocking a thread of the pool.
    package func close() async throws(DatabaseError) {
        if try !acquireIfFree() {
            await lockSuspending()
            adoptLock()
        }
        refuseAllAndRelease()
        if let store { try await suspendingAside { () throws(DatabaseError) in try store.close() } }
    }

    private func refuseAllAndRelease() {
        let closed = DatabaseError(.closed, "the database was closed; open it again to go on")
        refuseWrites(closed, telling: .failed(closed))
        release()
        outbox.drain()
    }

    /// Checks that rows and indexes agree. Linear in the data.
    package func checkInvariants() throws {
        try acquire()
        defer { release() }
        try datastore.checkInvariants()
    }

    /// Refuses writes from now on: the rows stay as they are.
    package func makeReadOnly(_ reason: DatabaseError) throws(DatabaseError) {
        try acquire()
        refuseWrites(reason, telling: .complete)
        release()
        outbox.drain()
    }

    /// Clients that were connected when the database last stopped: they get their disconnect reducer now.
    ///
    /// - Returns: what reducers threw, for the log.
    package func disconnectLeftClients() throws(DatabaseError) -> [any Error] {
        var left: [Caller] = []
        try snapshot().forEachRow(of: systemTables.client) { row in
            if let caller = Caller(clientRow: row) { left.append(caller) }
        }
        var failures: [any Error] = []
        for caller in left { if let failure = try disconnect(caller) { failures.append(failure) } }
        return failures
    }
}
