package import SpacetimeEngine
import Synchronization

/// What one commit changed in one query, or the query's first rows. Made once and shared by all subscribers.
package final class QueryUpdate: Sendable {
    /// True for the rows that a subscription starts with: ``inserts`` are all rows of the query.
    package let isInitial: Bool
    /// The commit, or the last one that the initial rows include.
    package let offset: TxOffset
    package let deletes: RowBatch
    package let inserts: RowBatch
    private let keys: KeyLocator?
    private let cachedPairs = Mutex<[UpdatedRow]?>(nil)

    /// Positions in ``deletes`` and ``inserts`` of the old and the new image of one row.
    package struct UpdatedRow: Hashable, Sendable {
        package let deleted: Int
        package let inserted: Int
    }

    init(isInitial: Bool, offset: TxOffset, deletes: RowBatch, inserts: RowBatch, keys: KeyLocator?) {
        self.isInitial = isInitial
        self.offset = offset
        self.deletes = deletes
        self.inserts = inserts
        self.keys = keys
    }

    /// Deletes and inserts with the same primary key, in the order of the inserts. Empty if the table has none.
    /// Computed when somebody first asks, so that the thread that commits does not pay for it.
    package func updatedRows() -> [UpdatedRow] {
        guard let keys, deletes.count > 0, inserts.count > 0 else { return [] }
        return cachedPairs.withLock { pairs in
            if let pairs { return pairs }
            var deleted: [[UInt8]: Int] = [:]
            var position = 0
            deletes.forEach { row in
                deleted[keys.key(of: row)] = position
                position += 1
            }
            var found: [UpdatedRow] = []
            position = 0
            inserts.forEach { row in
                if let old = deleted[keys.key(of: row)] { found.append(UpdatedRow(deleted: old, inserted: position)) }
                position += 1
            }
            pairs = found
            return found
        }
    }
}
