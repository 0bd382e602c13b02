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
    /// The table of an index, by index id.
    @usableFromInline let tableOfIndex: UnsafeMutablePointer<TableID>
    /// By table id, see ``plainRowByteCount(_:)``.
    @usableFromInline let plainRowByteCounts: UnsafeMutablePointer<Int>
    @usableFromInline let plainRowCount: Int

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

    init(_ ids: [(TableID, [IndexID])], _ facts: [TableFacts?], _ datastore: Datastore) {
        let all = ids.flatMap(\.1)
        orderedCount = Int(all.map(\.rawValue).max() ?? 0) + 1
        ordered = .allocate(capacity: orderedCount)
        ordered.initialize(repeating: false, count: orderedCount)
        for index in all { ordered[Int(index.rawValue)] = datastore.schema(of: index)?.algorithm != .hash }
        tableOfIndex = .allocate(capacity: orderedCount)
        tableOfIndex.initialize(repeating: TableID(.max), count: orderedCount)
        for (table, indexes) in ids {
            for index in indexes { tableOfIndex[Int(index.rawValue)] = table }
        }
        plainRowCount = Int(ids.map(\.0.rawValue).max() ?? 0) + 1
        plainRowByteCounts = .allocate(capacity: plainRowCount)
        plainRowByteCounts.initialize(repeating: -1, count: plainRowCount)
        for (table, _) in ids {
            guard Int(table.rawValue) < facts.count, let facts = facts[Int(table.rawValue)],
                facts.schema.kind == .user, facts.numbered.isEmpty, facts.schema.schedule == nil
            else { continue }
            plainRowByteCounts[Int(table.rawValue)] = datastore.plainRowByteCount(of: table) ?? -1
        }
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
        tableOfIndex.deallocate()
        plainRowByteCounts.deallocate()
    }

    /// How many bytes a row of one of the module's tables has, if any bytes of that number are one, and nothing is to be done
    /// when a guest writes it but to write it; -1 otherwise.
    @inlinable @inline(__always)
    func plainRowByteCount(_ table: TableID) -> Int {
        Int(table.rawValue) < plainRowCount ? plainRowByteCounts[Int(table.rawValue)] : -1
    }

    /// Whether an index of the module's is one of a table.
    @inlinable @inline(__always)
    func isIndex(_ index: IndexID, of table: TableID) -> Bool {
        Int(index.rawValue) < orderedCount && tableOfIndex[Int(index.rawValue)] == table
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
