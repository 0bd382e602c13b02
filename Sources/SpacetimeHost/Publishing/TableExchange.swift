import SpacetimeEngine
import SpacetimeSchema

/// Puts other tables in the places of those that a datastore has, and can put the old ones back until it goes: with it go those
/// that are not in the datastore.
///
/// With the database's lock held, but for the end.
final class TableExchange {
    private let datastore: Datastore
    private var taken: [DetachedTable] = []
    private var given: [TableID] = []
    /// Tables that were not there before.
    private(set) var added: Set<TableID> = []
    /// Whether all tables that were there are there still, with their columns and indexes.
    private(set) var keepsIDs = true

    /// What differs between the tables of a datastore and others.
    struct Changes {
        /// Those that are declared otherwise, by their ids.
        var changed: [(id: TableID, schema: TableSchema)] = []
        var added: [TableSchema] = []
        var removed: [TableID] = []

        var isEmpty: Bool { changed.isEmpty && added.isEmpty && removed.isEmpty }

        /// - Parameters:
        ///   - stored: which of the datastore's tables these are.
        ///   - tables: what they are to be. Tables of the host's own stay, whether they are among these or not.
        init(in datastore: Datastore, of stored: StoredSchema, to tables: [TableSchema]) {
            let known = Dictionary(stored.tables.map { ($0.name, $0.id) }) { first, _ in first }
            let names = Set(tables.map(\.name))
            for table in tables {
                guard let id = known[table.name] else {
                    added.append(table)
                    continue
                }
                if table.kind != .system, datastore.schema(of: id) != table { changed.append((id, table)) }
            }
            removed = stored.tables.filter { table in
                !names.contains(table.name) && datastore.schema(of: table.id)?.kind != .system
            }.map(\.id)
        }
    }

    init(in datastore: Datastore) { self.datastore = datastore }

    /// - Parameter rebuilt: the tables that are declared otherwise.
    func make(_ changes: Changes, _ rebuilt: [DetachedTable]) throws(EngineError) {
        keepsIDs = changes.changed.isEmpty && changes.removed.isEmpty
        for id in changes.removed { taken.append(try datastore.detach(id)) }
        for table in rebuilt {
            taken.append(try datastore.detach(table.id))
            try datastore.attach(table)
            given.append(table.id)
        }
        for schema in changes.added {
            let id = try datastore.createTable(schema)
            given.append(id)
            added.insert(id)
        }
    }

    /// Puts everything back.
    func undo() {
        for id in given { try? datastore.dropTable(id) }
        // Their places are free: whoever took them has just gone.
        for table in taken { try? datastore.attach(table) }
        (taken, given) = ([], [])
    }
}
