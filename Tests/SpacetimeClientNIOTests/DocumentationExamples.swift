import ChatModule
import SpacetimeClientNIO
import SpacetimeKit
import Testing

// The code of the articles on the client and of the comments about it.

/// Compiled, and not run: there is no such server.
private func connectFromFar() async throws -> DatabaseClient {
    let client = try await DatabaseClient.connect(
        to: "wss://example.com", database: "chat", over: NIOTransport(), tokens: FileTokenStore(directory: "tokens"))
    return client
}

private func connectNearby(_ messages: TableDescription<Message>) async throws {
    let client = try await DatabaseClient.connect(to: "ws://localhost:3000", database: "chat", over: NIOTransport())
    try await client.subscribe("SELECT * FROM message WHERE room = 'lobby'")
    client.onInsert(messages) { print($0.text) }
    try await client.call("send", "lobby", "hello")
    await client.disconnect()
}

private func connectAndListen(_ messages: TableDescription<Message>) async throws {
    let client = try await DatabaseClient.connect(to: "ws://localhost:3000", database: "chat", over: NIOTransport())
    try await client.subscribe("SELECT * FROM message WHERE room = 'lobby'")
    client.onInsert(messages) { print("\($0.author): \($0.text)") }
    try await client.call("send", "lobby", "hello")
    await client.disconnect()
}

private func watchUsers(_ client: DatabaseClient) async throws {
    let users = try TableDescription(User.self, name: "user", primaryKey: "identity", indexes: ["name"])
    try await client.subscribe("SELECT * FROM message WHERE room = 'lobby'", "SELECT * FROM user")
    client.onUpdate(users) { old, new in print("\(old.name) is \(new.name) now") }
}

private func callProcedure(_ client: DatabaseClient) async throws -> UInt64 {
    let sum = try await client.callProcedure("sum", 2 as UInt32, 3 as UInt32, returning: UInt64.self)
    return sum
}

private func call(_ client: DatabaseClient, _ print: (String) -> Void) async throws {
    do {
        try await client.call("send", "lobby", "hello")
    } catch let error as ClientError where error.code == .rejected {
        print("The module says: \(error.message)")
    }
}

private func findRows(_ client: DatabaseClient, _ print: (String) -> Void) throws {
    let messages = try TableDescription(Message.self, name: "message", primaryKey: "id", indexes: ["room"])
    let inLobby = try messages.column("room", String.self)
    for message in try client.table(messages).rows(where: inLobby, equals: "lobby") { print(message.text) }
}

private func follow(
    _ client: DatabaseClient, _ messages: TableDescription<Message>, _ print: (String) -> Void
) async throws {
    for try await changes in client.changes(of: messages) {
        for message in changes.inserted { print(message.text) }
    }
}

private func watch(
    _ client: DatabaseClient, _ messages: TableDescription<Message>, _ print: (String) -> Void
) async throws {
    for try await changes in client.changes(of: messages, subscribingTo: "SELECT * FROM message") {
        for message in changes.inserted { print(message.text) }
    }
}

@Suite(.timeLimit(.minutes(10))) struct ClientDocumentationExamples {
    @Test func whatTheArticlesDoWorks() async throws {
        try await withChat { address, _ in
            let client = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            let messages = ChatTables().messages
            try await watchUsers(client)
            try await call(client) { Issue.record("the call was refused: \($0)") }
            var found: [String] = []
            try findRows(client) { found.append($0) }
            #expect(found == ["hello"])
            // Both sequences go on until the client ends.
            await withTaskGroup(of: [String].self) { group in
                for isWatching in [false, true] {
                    group.addTask {
                        var seen: [String] = []
                        let take: (String) -> Void = { text in
                            seen.append(text)
                            Task { await client.disconnect() }
                        }
                        if isWatching {
                            try? await watch(client, messages, take)
                        } else {
                            try? await follow(client, messages, take)
                        }
                        return seen
                    }
                }
                for await seen in group { #expect(seen.isEmpty || seen == ["hello"]) }
            }
        }
    }

    @Test func gamesSayWhenTheCacheChanges() {
        var options = ClientOptions()
        options.delivery = .onFrameTick
        #expect(options.delivery != .immediate)
    }
}
