package import SpacetimeEngine
import SpacetimeSATS
package import SpacetimeSchema

/// The host's own tables: who is connected, and by which credentials.
package struct SystemTables {
    package let client: TableID
    package let credentials: TableID
    let clientKey: IndexID
    let credentialsKey: IndexID

    static let clientSchema = TableSchema(
        name: "st_client", columns: [("identity", .u256), ("connection_id", .u128)],
        indexes: [
            IndexSchema(
                name: "st_client_identity_connection_id_idx_hash", algorithm: .hash, columns: [0, 1], isUnique: true)
        ],
        access: .public, kind: .system)

    static let credentialsSchema = TableSchema(
        name: "st_connection_credentials", columns: [("connection_id", .u128), ("jwt_payload", .string)],
        primaryKey: [0],
        indexes: [
            IndexSchema(
                name: "st_connection_credentials_connection_id_idx_hash", algorithm: .hash, columns: [0],
                isUnique: true)
        ],
        access: .private, kind: .system)

    /// All of them, in the order in which a new database makes them.
    package static var schemas: [TableSchema] { [clientSchema, credentialsSchema] }

    /// Finds the tables in a datastore that was loaded, or makes them.
    init(in datastore: Datastore) throws(EngineError) {
        func table(_ schema: TableSchema) throws(EngineError) -> TableID {
            if let id = datastore.tableID(named: schema.name) { return id }
            return try datastore.createTable(schema)
        }
        client = try table(Self.clientSchema)
        credentials = try table(Self.credentialsSchema)
        clientKey = datastore.indexIDs(of: client)[0]
        credentialsKey = datastore.indexIDs(of: credentials)[0]
    }
}
