import SpacetimeEngine
import SpacetimeQuery

/// The first rows of a set of queries, some of which are still to be found: on a snapshot, without the lock, so that a client
/// who reads much holds up nobody but himself. Commits go on meanwhile; what they change waits in the session's queue
/// behind the place that is kept for these rows.
///
/// `Sendable` is unchecked for ``queries``, which are touched with the database's lock held only.
struct PendingRows: @unchecked Sendable {
    let set: QuerySetID
    let offset: TxOffset
    let session: Session
    let place: SessionQueue.Place
    let snapshot: DatastoreSnapshot
    let queries: [LiveQuery]
    /// Of the queries, when the snapshot was taken.
    let versions: [UInt32]
    /// For each query whose rows are not there yet, how they are found. Behind the last of them there is nothing.
    private let missing: [Missing?]
    private var rows: [SharedDelta]
    /// Why the rows could not be found.
    private(set) var failure: DatabaseError?

    struct Missing {
        let rows: SnapshotRows
        /// What is done with them, without any rows yet. It is for these rows only: the one of the query has changed
        /// meanwhile.
        let stage: (any LiveStage)?
        /// Of the rows that come out.
        let table: TableID?
    }

    init(
        set: QuerySetID, offset: TxOffset, session: Session, place: SessionQueue.Place, snapshot: DatastoreSnapshot,
        queries: [LiveQuery], rows: [SharedDelta], missing: [Missing?]
    ) {
        self.set = set
        self.offset = offset
        self.session = session
        self.place = place
        self.snapshot = snapshot
        self.queries = queries
        self.rows = rows
        self.missing = missing
        versions = queries.map(\.version)
    }

    /// Finds the rows that are missing, and tells the session.
    mutating func find(_ runner: TransactionRunner) {
        do {
            var count = rows.reduce(0) { $0 + $1.inserts.count }
            for (position, missing) in missing.enumerated() {
                guard let missing, !session.hasEnded else { continue }
                rows[position] = SharedDelta(table: missing.table, inserts: try find(missing, runner, behind: count))
                count += rows[position].inserts.count
            }
            session.queue.fill(place, with: .subscribed(SetRows(set: set, offset: offset, rows: rows)))
        } catch {
            // Of a session that has ended nobody hears it.
            let error = error as? DatabaseError ?? DatabaseError(.stopped, "the session has ended")
            failure = error
            session.queue.fill(place, with: .failed(set, error))
        }
        session.wake()
    }

    /// - Parameter count: how many rows the set has without these.
    private func find(_ missing: Missing, _ runner: TransactionRunner, behind count: Int) throws -> RowBatch {
        var batch = RowBatch()
        try missing.rows.forEach(in: snapshot, runner.catalog, while: { !session.hasEnded }) { row in
            if let stage = missing.stage {
                stage.fill(row)
            } else if session.mayBeTold(rowCount: count + batch.count) {
                // One more than may be shows that there are too many; the others take no memory.
                batch.append(row)
            }
        }
        try session.check(rowCount: count + batch.count)
        guard let stage = missing.stage else { return batch }
        do throws(EngineError) {
            try stage.finishFilling(in: runner.datastore)
            batch = try stage.rows()
        } catch { throw DatabaseError(error) }
        try session.check(rowCount: count + batch.count)
        return batch
    }

    /// Calls `body` with each query whose rows were found here and are still its rows. With the lock held.
    func forEachCurrent(_ body: (LiveQuery, SharedDelta) -> Void) {
        for (position, missing) in missing.enumerated() where missing != nil {
            let query = queries[position]
            if query.isWatched, query.version == versions[position] { body(query, rows[position]) }
        }
    }
}
