import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// What one commit changed in the rows of a query, or the rows it starts with.
///
/// The rows are those of the query's result: rows of a table, or tuples.
public struct Change<Row: Sendable>: Sendable {
    /// One row before and after.
    public struct Update: Sendable {
        /// The row as it was.
        public let old: Row
        /// The row as it is now, with the same primary key.
        public let new: Row
    }

    /// True for the first element of a subscription: ``inserted`` are then all rows of the query.
    public let isInitial: Bool
    /// The commit; for the first element the last commit it includes.
    public let offset: TxOffset
    /// Rows that came into the query: they are new, or were changed so that they meet its condition.
    public let inserted: [Row]
    /// Rows that left the query: they are gone, or were changed so that they do not meet its condition any more. As they
    /// were before.
    public let deleted: [Row]
    /// Rows that were changed and keep their primary key. Empty if the rows are not those of a table with a primary key: a
    /// changed row is then in both ``deleted`` and ``inserted``.
    public let updated: [Update]

    /// Nil if the event is not about rows. The session has one set of one query.
    init?(_ event: SessionEvent, _ decode: RowDecoder<Row>) {
        switch event {
        case .subscribed(let rows): self.init(rows.rows[0], decode, at: rows.offset, isInitial: true)
        case .update(let update): self.init(update.changes[0].delta, decode, at: update.offset, isInitial: false)
        case .resumed, .unsubscribed, .failed, .reply, .moduleReplaced, .ended: return nil
        }
    }

    private init(_ delta: SharedDelta, _ decode: RowDecoder<Row>, at offset: TxOffset, isInitial: Bool) {
        self.isInitial = isInitial
        self.offset = offset
        var deleted = Self.rows(delta.deletes, decode)
        var inserted = Self.rows(delta.inserts, decode)
        let pairs = delta.updatedRows()
        updated = pairs.map { Update(old: deleted[$0.deleted], new: inserted[$0.inserted]) }
        if !pairs.isEmpty {
            deleted = Self.without(Set(pairs.map(\.deleted)), deleted)
            inserted = Self.without(Set(pairs.map(\.inserted)), inserted)
        }
        self.deleted = deleted
        self.inserted = inserted
    }

    private static func rows(_ batch: RowBatch, _ decode: RowDecoder<Row>) -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(batch.count)
        batch.forEach { rows.append(decode($0)) }
        return rows
    }

    private static func without(_ positions: Set<Int>, _ rows: [Row]) -> [Row] {
        rows.indices.lazy.filter { !positions.contains($0) }.map { rows[$0] }
    }
}
