import SpacetimeEngine
import SpacetimeSchema

/// What never changes about a table of an open database.
///
/// The datastore knows it, too, but is to be touched with the database's lock held only, even for this.
struct TableFacts: Sendable {
    let schema: TableSchema
    /// In the order of the schema's indexes.
    let indexes: [IndexID]

    static func all(in datastore: Datastore) -> [TableID: TableFacts] {
        var facts: [TableID: TableFacts] = [:]
        for id in datastore.tableIDs {
            guard let schema = datastore.schema(of: id) else { continue }
            facts[id] = TableFacts(schema: schema, indexes: datastore.indexIDs(of: id))
        }
        return facts
    }
}
