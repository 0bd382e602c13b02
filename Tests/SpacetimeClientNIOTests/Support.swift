import ChatModule
import SpacetimeClientNIO
import SpacetimeKit
import SpacetimeServer
import SpacetimeServerTestSupport
import Synchronization
import Testing

/// The tables of the chat.
struct ChatTables: Sendable {
    let users = try! TableDescription(User.self, name: "user", primaryKey: "identity", indexes: ["name"])
    let rooms = try! TableDescription(Room.self, name: "room", primaryKey: "name")
    let messages = try! TableDescription(Message.self, name: "message", primaryKey: "id", indexes: ["room"])
}

/// A chat in memory, of which there may be several. Opened here, because code that may wait gets the form of `open` that does.
private func openChat(_ name: String) throws -> Database<Chat> {
    var options = DatabaseOptions()
    options.identity = .local(name)
    return try Database.open(.inMemory, module: Chat.self, options: options)
}

/// Serves the chat on a free port while `body` runs.
func withChat(
    as names: [String] = ["chat"], _ body: @escaping @Sendable (_ address: String, _ port: Int) async throws -> Void
) async throws {
    try await serving { server in
        for name in names { try server.host(try openChat(name), as: name) }
    } _: { port in
        try await body("ws://127.0.0.1:\(port)", port)
    }
}

/// Runs something that must throw an error of the client's, and gives it.
func clientError(_ body: () async throws -> Void) async throws -> ClientError {
    do { try await body() } catch let error as ClientError { return error }
    throw NothingThrown()
}

struct NothingThrown: Error {}
