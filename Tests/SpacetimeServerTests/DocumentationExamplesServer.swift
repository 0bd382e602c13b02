import SpacetimeKit
import SpacetimeServer

/// The code of the server's articles and comments. It is not run: it would not end.
enum DocumentationExamplesServer {
    @Module enum Chat {
        static let tables = Tables(User.self)
    }

    static func serving() async throws {
        let db = try await Database.open(at: "chat.stdb", module: Chat.self)
        let server = SpacetimeServer(options: ServerOptions(port: 3000))
        try server.host(db, as: "chat")
        try await server.run()
    }

    static func servingAlone(_ db: Database<Chat>) async throws {
        try await db.serve(as: "chat", options: ServerOptions(port: 3000))
    }

    static func keys() throws -> ServerOptions {
        var options = ServerOptions()
        options.tokens.keys = try TokenKeys(directory: "keys")
        options.tokens.issuers = .only("https://auth.example.com")
        options.tokens.audience = "chat"
        return options
    }
}
