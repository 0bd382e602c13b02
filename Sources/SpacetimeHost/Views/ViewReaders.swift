import SpacetimeEngine
import SpacetimeSchema

/// Which instances of views have read what: finds those that a written row makes out of date by a look-up of its keys, however
/// many there are. Guarded by the database's lock.
struct ViewReaders {
    private typealias Readers = [ObjectIdentifier: ViewInstance]

    /// Who has read by one index.
    private final class IndexReaders {
        let index: IndexID
        /// Takes the key out of a row.
        let cutter: RowCutter
        var byKey: [[UInt8]: Readers] = [:]

        init(_ index: IndexID, _ cutter: RowCutter) {
            self.index = index
            self.cutter = cutter
        }
    }

    /// What has been read of a table.
    private final class TableReaders {
        /// Who has read all of it.
        var whole: Readers = [:]
        var indexes: [IndexReaders] = []
    }

    private var tables: [TableID: TableReaders] = [:]
    private var key: [UInt8] = []

    mutating func add(_ instance: ViewInstance, _ catalog: Catalog) {
        let name = ObjectIdentifier(instance)
        for table in instance.reads.tables { readers(of: table).whole[name] = instance }
        for read in instance.reads.keys {
            let readers = readers(of: read.table)
            if let index = Self.index(read.index, of: readers, read.table, catalog) {
                index.byKey[read.key, default: [:]][name] = instance
            } else {
                // No index that the catalogue knows; then all of the table counts as read.
                readers.whole[name] = instance
            }
        }
    }

    mutating func remove(_ instance: ViewInstance) {
        let name = ObjectIdentifier(instance)
        for table in instance.reads.tables { remove(name, of: table) }
        for read in instance.reads.keys {
            guard let readers = tables[read.table] else { continue }
            if let position = readers.indexes.firstIndex(where: { $0.index == read.index }) {
                let index = readers.indexes[position]
                index.byKey[read.key]?[name] = nil
                if index.byKey[read.key]?.isEmpty == true { index.byKey[read.key] = nil }
                if index.byKey.isEmpty { readers.indexes.remove(at: position) }
            }
            remove(name, of: read.table)
        }
    }

    private mutating func remove(_ name: ObjectIdentifier, of table: TableID) {
        guard let readers = tables[table] else { return }
        readers.whole[name] = nil
        if readers.whole.isEmpty, readers.indexes.isEmpty { tables[table] = nil }
    }

    private mutating func readers(of table: TableID) -> TableReaders {
        if let known = tables[table] { return known }
        let made = TableReaders()
        tables[table] = made
        return made
    }

    private static func index(
        _ index: IndexID, of readers: TableReaders, _ table: TableID, _ catalog: Catalog
    ) -> IndexReaders? {
        if let known = readers.indexes.first(where: { $0.index == index }) { return known }
        guard let facts = try? catalog.facts(of: table), let position = facts.indexes.firstIndex(of: index),
            let cutter = try? RowCutter(facts.schema.indexes[position].columns.map(\.index), of: facts.schema)
        else { return nil }
        let made = IndexReaders(index, cutter)
        readers.indexes.append(made)
        return made
    }

    /// Calls `body` with each instance that the running transaction has made out of date, with some several times.
    mutating func forEachStale(in datastore: Datastore, _ body: (ViewInstance) -> Void) {
        if tables.isEmpty { return }
        let tables = tables
        // Taken out, so that the closure may write to it.
        var key: [UInt8] = []
        swap(&key, &self.key)
        var (last, readers): (TableID?, TableReaders?) = (nil, nil)
        datastore.forEachTouchedRow(wanting: { tables[$0] != nil }) { table, row in
            if last != table { (last, readers) = (table, tables[table]) }
            guard let readers else { return }
            for instance in readers.whole.values { body(instance) }
            for index in readers.indexes {
                key.removeAll(keepingCapacity: true)
                index.cutter.append(row, to: &key)
                guard let found = index.byKey[key] else { continue }
                for instance in found.values { body(instance) }
            }
        }
        self.key = key
    }
}
