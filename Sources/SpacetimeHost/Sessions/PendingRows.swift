import SpacetimeEngine

/// The first rows of a set of queries, some of which are still to be found: on a snapshot, without the lock, so that a client
/// who reads a large table holds up nobody but himself. Commits go on meanwhile; what they change waits in the session's queue
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
    /// Of the queries whose rows are not there yet.
    let conditions: [RowPredicate?]
    private(set) var rows: [SharedDelta?]
    private let tables: [TableID]

    /// A table with fewer rows is read under the lock.
    static let rowLimit = 4_096

    init(
        set: QuerySetID, offset: TxOffset, session: Session, place: SessionQueue.Place, snapshot: DatastoreSnapshot,
        queries: [LiveQuery], versions: [UInt32], conditions: [RowPredicate?], rows: [SharedDelta?]
    ) {
        self.set = set
        self.offset = offset
        self.session = session
        self.place = place
        self.snapshot = snapshot
        self.queries = queries
        self.versions = versions
        self.conditions = conditions
        self.rows = rows
        tables = queries.map { $0.template.source.tables[0] }
    }

    /// Finds the rows that are missing, and tells the session.
    mutating func find(_ catalog: Catalog) {
        for (position, condition) in conditions.enumerated() {
            guard let condition, !session.hasEnded else { continue }
            var batch = RowBatch()
            do {
                try catalog.forEachRow(of: tables[position], in: snapshot, where: condition) { (row) in
                    batch.append(queries[position].template.visible(row))
                }
            } catch {
                // The condition was compiled for this table when the query was entered, so it fits.
                preconditionFailure("a condition that was taken does not fit its table: \(error)")
            }
            rows[position] = SharedDelta(table: tables[position], inserts: batch)
        }
        let first = SetRows(set: set, offset: offset, rows: rows.map { $0 ?? SharedDelta(table: nil) })
        session.queue.fill(place, with: .subscribed(first))
        session.wake()
    }
}
