import ChatModule
import Observation
import SpacetimeClientKit
import SpacetimeClientNIO
import Testing

// The code of the articles on clients of a module, and of the comments about them.

/// Compiled, and not run: nothing listens there.
private func connect() async throws {
    let client = try await DatabaseClient.connect(to: "ws://localhost:3000", database: "chat", over: NIOTransport())
    try await client.subscribe(Message.where { $0.room == "lobby" }, User.all)
    client.onInsert(Message.self) { print("\($0.author): \($0.text)") }
    try await client.call(Chat.send, "lobby", "hello")
    try await client.predict(Chat.send, "lobby", "hello")  // its rows are seen at once
}

private func predict(_ client: DatabaseClient) async throws {
    try await client.predict(Chat.send, "lobby", "hello")
    try client.post(predicting: Chat.send, "lobby", "hello")
}

@MainActor private func follow(_ client: DatabaseClient) {
    let messages = LiveRows(Message.where { $0.room == "lobby" }, on: client)
    withObservationTracking {
        print(messages.rows.count)
    } onChange: {
        print("there is something new")
    }
}

@MainActor private func showInOrder(_ client: DatabaseClient) {
    let messages = LiveRows(Message.where { $0.room == "lobby" }, on: client) { $0.sent < $1.sent }
    for message in messages.rows { print(message.text) }
}

private func speak(_ client: DatabaseClient, _ print: (String) -> Void) async throws {
    do {
        try await client.call(Chat.send, "lobby", "hello")
    } catch let error as SenderError {
        print("The module says: \(error.message)")
    }
}

private func watchWindow(_ client: DatabaseClient) async throws {
    try await client.subscribe(
        Message.where { $0.room == "lobby" }.orderBy { $0.sent.descending }.limit(50),
        User.where { $0.isOnline })
}

private func lookUp(_ client: DatabaseClient) throws -> Int {
    let messages = client.table(Message.self)
    let latest = try messages.find(7)
    let fromAda = try messages.rows { $0.room == "lobby" && $0.author == "Ada" }
    let count = try messages.count { $0.room == "lobby" }
    #expect(latest == nil && fromAda.isEmpty)
    return count
}

private func lookUpLatest(_ client: DatabaseClient, since yesterday: Timestamp) throws {
    for message in try client.table(Message.self).rows(where: { $0.room == "lobby" && $0.sent > yesterday }) {
        print(message.text)
    }
}

private func listen(_ client: DatabaseClient) {
    client.onInsert(Message.self) { print($0.text) }
    client.onUpdate(User.self) { old, new in print("\(old.name) is \(new.name) now") }
    client.onDelete(Room.self) { print("\($0.name) is gone") }
}

private func follow(_ client: DatabaseClient, _ print: (String) -> Void) async throws {
    for try await change in client.changes(of: Message.where { $0.room == "lobby" }) {
        for message in change.inserted { print(message.text) }
    }
}

private func playAlone() async throws -> DatabaseClient {
    let database = try await Database.open(.inMemory, module: Chat.self)
    let client = try await DatabaseClient.connect(to: database, as: "ada")
    return client
}

private func watchAndCall(_ client: DatabaseClient) async throws {
    try await client.subscribe(Message.where { $0.room == "lobby" }, User.all)
    try await client.call(Chat.send, "lobby", "hello")
}

@Suite(.timeLimit(.minutes(10))) struct ModuleClientDocumentationExamples {
    @Test func whatTheArticlesDoWorks() async throws {
        let client = try await playAlone()
        listen(client)
        try await watchWindow(client)
        try await speak(client) { Issue.record("refused: \($0)") }
        try await watchAndCall(client)
        #expect(try lookUp(client) == 2)
        try lookUpLatest(client, since: Timestamp(microsecondsSinceUnixEpoch: 0))
        var heard: [String] = []
        try await follow(client) { text in
            heard.append(text)
            if heard.count == 2 { Task { await client.disconnect() } }
        }
        #expect(heard == ["hello", "hello"])
    }
}
