import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What never changes about a table of an open database.
///
/// The datastore knows it, too, but is to be touched with the database's lock held only, even for this. An object, since a
/// guest's every operation gets it from the catalog: the schema has a dozen arrays to be counted.
final class TableFacts: Sendable {
    let id: TableID
    let schema: TableSchema
    /// In the order of the schema's indexes.
    let indexes: [IndexID]
    /// The auto-increment columns, ascending.
    let numbered: [Int]
    /// For each index whether a key has one row at most. Not so if a column is optional, even in a unique one: rows may have
    /// nil in common.
    let findsOneRow: [Bool]

    private init(_ id: TableID, _ schema: TableSchema, _ indexes: [IndexID]) {
        self.id = id
        self.schema = schema
        self.indexes = indexes
        numbered = schema.sequences.map(\.column.index).sorted()
        findsOneRow = schema.indexes.map { index in
            index.isUnique && index.columns.allSatisfy { schema.columns[$0.index].type.optionPayload == nil }
        }
    }

    /// Of all tables, by id.
    static func all(in datastore: Datastore, hiding hidden: Set<TableID> = []) -> [TableFacts?] {
        let ids = datastore.tableIDs
        // Ids have gaps where a migration removed a table, and where one version of a module gave way to the next.
        var facts = [TableFacts?](repeating: nil, count: ids.last.map { Int($0.rawValue) + 1 } ?? 0)
        for id in ids where !hidden.contains(id) {
            guard let schema = datastore.schema(of: id) else { continue }
            facts[Int(id.rawValue)] = TableFacts(id, schema, datastore.indexIDs(of: id))
        }
        return facts
    }
}
