import NIOHTTP1
import SpacetimeSATS

/// What commands ask about a database.
extension ServerConnection {
    /// The schema of a database, as its server tells it.
    func schemaJSON(of database: String, version: Int = 10) async throws -> JSON {
        try await send(.GET, ["database", database, "schema"], query: [("version", "\(version)")])
            .ofDatabase(database).json()
    }

    func schema(of database: String) async throws -> DatabaseSchema {
        try DatabaseSchema(json: try await schemaJSON(of: database))
    }

    /// The identity of a database.
    func identity(of database: String) async throws -> String {
        try await send(.GET, ["database", database, "identity"]).ofDatabase(database).text
    }

    /// The user's token.
    ///
    /// - Throws: what to do to get one.
    func ownToken() throws(CommandFailure) -> Token {
        if let token { return token }
        throw CommandFailure(
            .refused, "you are nobody to \(address.text); 'spacetimekit login' makes you somebody")
    }
}

extension Reply {
    /// As ``successful()``, with a better word about databases that are not there.
    func ofDatabase(_ name: String) throws(CommandFailure) -> Reply {
        guard status == 404 else { return try successful() }
        let said = text.trimmed
        guard said.contains("not found") || said.hasPrefix("No such database") else { return try successful() }
        throw CommandFailure(
            .refused,
            "\(said.hasSuffix(".") ? said : said + ".") 'spacetimekit list' shows your databases on this server")
    }
}
