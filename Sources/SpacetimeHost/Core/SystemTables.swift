package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

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

    init(creatingIn datastore: Datastore) throws(EngineError) {
        client = try datastore.createTable(Self.clientSchema)
        credentials = try datastore.createTable(Self.credentialsSchema)
        clientKey = datastore.indexIDs(of: client)[0]
        credentialsKey = datastore.indexIDs(of: credentials)[0]
    }
}
