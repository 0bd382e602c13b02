package import SpacetimeEngine
import SpacetimeSchema
import Synchronization

/// What one commit changed in one query, or the rows that a query begins with. Made once and shared by all who get it.
package final class SharedDelta: Sendable {
    /// The table that the rows are of; nil for rows that only the query has.
    package let table: TableID?
    package let deletes: RowBatch
    package let inserts: RowBatch
    private let rowPairs: RowPairs?
    private let caches = Mutex(Caches())

    private struct Caches {
        var pairs: [UpdatedRow]?
        /// By the number of the encoding. There are a few at most.
        var encodings: [(number: UInt8, bytes: [UInt8])] = []
    }

    /// Positions in ``deletes`` and ``inserts`` of the old and the new image of one row.
    package struct UpdatedRow: Hashable, Sendable {
        package let deleted: Int
        package let inserted: Int
    }

    init(table: TableID?, deletes: RowBatch = RowBatch(), inserts: RowBatch = RowBatch(), pairs: RowPairs? = nil) {
        self.table = table
        self.deletes = deletes
        self.inserts = inserts
        rowPairs = pairs
    }

    /// The bytes of the rows, and of where each ends.
    package var byteCount: Int {
        deletes.bytes.count + inserts.bytes.count + (deletes.count + inserts.count) * MemoryLayout<Int>.size
    }

    /// Deletes and inserts with the same primary key, in the order of the inserts. Empty if the rows have none.
    /// Computed when somebody first asks, so that the thread that commits does not pay for it.
    package func updatedRows() -> [UpdatedRow] {
        guard let rowPairs, deletes.count > 0, inserts.count > 0 else { return [] }
        return caches.withLock { caches in
            if let pairs = caches.pairs { return pairs }
            let pairs = rowPairs.find(deletes, inserts)
            caches.pairs = pairs
            return pairs
        }
    }

    /// What two changes of a query that follow each other change together; nil if nothing.
    func followed(by next: SharedDelta) -> SharedDelta? { Self.sum([self, next]) }

    /// What changes of one query that follow each other change together; nil if nothing.
    static func sum(_ deltas: [SharedDelta]) -> SharedDelta? {
        guard deltas.count > 1 else { return deltas.first }
        var bag = RowBag()
        for delta in deltas {
            delta.deletes.forEach { bag.add($0, -1) }
            delta.inserts.forEach { bag.add($0, 1) }
        }
        if bag.isEmpty { return nil }
        let (deletes, inserts) = bag.changes()
        return SharedDelta(table: deltas[0].table, deletes: deletes, inserts: inserts, pairs: deltas[0].rowPairs)
    }

    /// The rows in some wire form: made by the first who asks for it, and the same bytes for all others.
    ///
    /// - Parameters:
    ///   - number: names the form. Who uses this gives each of its forms a number of its own.
    ///   - make: makes the bytes. Others who ask for an encoding of this delta wait meanwhile.
    package func encoding(_ number: UInt8, _ make: (SharedDelta) -> [UInt8]) -> [UInt8] {
        caches.withLock { caches in
            if let known = caches.encodings.first(where: { $0.number == number }) { return known.bytes }
            let bytes = make(self)
            caches.encodings.append((number, bytes))
            return bytes
        }
    }
}

/// Finds the rows of one table that were updated: those with the same primary key before and after. One for all deltas of
/// a kind of query.
final class RowPairs: Sendable {
    private let keys: KeyLocator

    /// Nil if the table has no primary key.
    init?(_ table: TableSchema) {
        guard let keys = KeyLocator(table) else { return nil }
        self.keys = keys
    }

    func find(_ deletes: RowBatch, _ inserts: RowBatch) -> [SharedDelta.UpdatedRow] {
        var deleted: [[UInt8]: Int] = [:]
        var position = 0
        deletes.forEach { row in
            deleted[keys.key(of: row)] = position
            position += 1
        }
        var found: [SharedDelta.UpdatedRow] = []
        position = 0
        inserts.forEach { row in
            if let old = deleted[keys.key(of: row)] {
                found.append(SharedDelta.UpdatedRow(deleted: old, inserted: position))
            }
            position += 1
        }
        return found
    }
}
