public import SpacetimeEngine
import SpacetimeSchema

/// Ids of tables and indexes by the positions that generated code knows: the table's place in the module, the index's
/// place in its table. Filled once, when the database is opened; a handle costs two loads from here.
@frozen @usableFromInline
package struct TableMap {
    @usableFromInline let tables: UnsafeMutablePointer<TableEntry>
    @usableFromInline let indexes: UnsafeMutablePointer<IndexID>
    @usableFromInline package let tableCount: Int
    /// Whether an index knows ranges and prefixes, and not only whole keys; by index id.
    @usableFromInline let ordered: UnsafeMutablePointer<Bool>
    @usableFromInline let orderedCount: Int

    @frozen @usableFromInline
    struct TableEntry {
        @usableFromInline let id: TableID
        @usableFromInline let firstIndex: Int
        @usableFromInline let indexCount: Int
    }

    init(_ ids: [(TableID, [IndexID])], _ datastore: Datastore) {
        let all = ids.flatMap(\.1)
        orderedCount = Int(all.map(\.rawValue).max() ?? 0) + 1
        ordered = .allocate(capacity: orderedCount)
        ordered.initialize(repeating: false, count: orderedCount)
        for index in all { ordered[Int(index.rawValue)] = datastore.schema(of: index)?.algorithm != .hash }
        tableCount = ids.count
        tables = .allocate(capacity: max(1, ids.count))
        indexes = .allocate(capacity: max(1, ids.reduce(0) { $0 + $1.1.count }))
        var next = 0
        for (position, (table, list)) in ids.enumerated() {
            (tables + position).initialize(
                to: TableEntry(id: table, firstIndex: next, indexCount: list.count))
            for index in list {
                (indexes + next).initialize(to: index)
                next += 1
            }
        }
    }

    func deallocate() {
        tables.deallocate()
        indexes.deallocate()
        ordered.deallocate()
    }

    /// Whether the index knows ranges and prefixes, and not only whole keys.
    @inlinable
    package func isOrdered(_ index: IndexID) -> Bool {
        precondition(Int(index.rawValue) < orderedCount, "the handle's index is not in the database")
        return ordered[Int(index.rawValue)]
    }

    @inlinable
    package func table(at position: Int) -> TableID {
        precondition(position >= 0 && position < tableCount, "the module has no table at this position")
        return tables[position].id
    }

    @inlinable
    package func index(_ index: Int, ofTableAt position: Int) -> IndexID {
        precondition(position >= 0 && position < tableCount, "the module has no table at this position")
        let entry = tables[position]
        precondition(index >= 0 && index < entry.indexCount, "the table has no index at this position")
        return indexes[entry.firstIndex &+ index]
    }
}
