public import SpacetimeEngine
import SpacetimeSchema

/// From the places of tables in the module, which generated code knows, to the ids of the datastore. Filled once, when the
/// database is opened.
@frozen @usableFromInline
package struct TableMap {
    @usableFromInline let tables: UnsafeMutablePointer<Entry>
    @usableFromInline package let tableCount: Int
    /// Whether an index knows ranges and prefixes, and not only whole keys; by index id.
    @usableFromInline let ordered: UnsafeMutablePointer<Bool>
    @usableFromInline let orderedCount: Int

    @frozen @usableFromInline
    package struct Entry {
        @usableFromInline package let id: TableID
        /// The table's indexes have this id and those behind it.
        @usableFromInline package let firstIndex: IndexID
        @usableFromInline package let indexCount: Int

        @inlinable
        init(id: TableID, firstIndex: IndexID, indexCount: Int) {
            self.id = id
            self.firstIndex = firstIndex
            self.indexCount = indexCount
        }

        /// Of a handle that was made when its transaction was over: no id is in any database.
        @inlinable
        package static var nothing: Entry { Entry(id: TableID(.max), firstIndex: IndexID(.max), indexCount: .max) }
    }

    init(_ ids: [(TableID, [IndexID])], _ datastore: Datastore) {
        let all = ids.flatMap(\.1)
        orderedCount = Int(all.map(\.rawValue).max() ?? 0) + 1
        ordered = .allocate(capacity: orderedCount)
        ordered.initialize(repeating: false, count: orderedCount)
        for index in all { ordered[Int(index.rawValue)] = datastore.schema(of: index)?.algorithm != .hash }
        tableCount = ids.count
        tables = .allocate(capacity: max(1, ids.count))
        for (position, (table, indexes)) in ids.enumerated() {
            let first = indexes.first ?? IndexID(0)
            precondition(
                indexes.enumerated().allSatisfy { $1.rawValue == first.rawValue + UInt32($0) },
                "a datastore numbers the indexes of a table one after the other")
            (tables + position).initialize(to: Entry(id: table, firstIndex: first, indexCount: indexes.count))
        }
    }

    func deallocate() {
        tables.deallocate()
        ordered.deallocate()
    }

    /// Whether the index knows ranges and prefixes, and not only whole keys.
    @inlinable
    package func isOrdered(_ index: IndexID) -> Bool {
        precondition(Int(index.rawValue) < orderedCount, "the handle's index is not in the database")
        return ordered[Int(index.rawValue)]
    }

    @inlinable
    package subscript(position: Int) -> Entry {
        precondition(position >= 0 && position < tableCount, "the module has no table at this position")
        return tables[position]
    }

    @inlinable
    package func table(at position: Int) -> TableID { self[position].id }
}
