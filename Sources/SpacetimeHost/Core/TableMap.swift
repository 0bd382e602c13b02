public import SpacetimeEngine

/// From the positions that generated code knows (the table's place in the module, the index's place in its table) to
/// the ids of the datastore. Two loads per handle, filled once when the database is opened.
@frozen @usableFromInline
package struct TableMap {
    @usableFromInline let tables: UnsafeMutablePointer<TableEntry>
    @usableFromInline let indexes: UnsafeMutablePointer<IndexID>
    @usableFromInline package let tableCount: Int

    @frozen @usableFromInline
    struct TableEntry {
        @usableFromInline let id: TableID
        @usableFromInline let firstIndex: Int
        @usableFromInline let indexCount: Int
    }

    init(_ ids: [(TableID, [IndexID])]) {
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
