import Logging
import SpacetimeKit
import SpacetimeServer
import SpacetimeServerTestSupport
import Testing

/// A server that listens on a free port of this machine for as long as a test runs.
struct RunningServer: Sendable {
    let port: Int
    let server: SpacetimeServer

    /// Opens a WebSocket connection.
    func connect(
        _ path: String, protocols: String?, headers: [String] = [], early: [UInt8] = [], answersPings: Bool = true
    ) async throws -> RawClient {
        try await RawClient(
            port: port, path: path, protocols: protocols, headers: headers, early: early, answersPings: answersPings)
    }

    /// Opens a connection of the second protocol and passes over the first message.
    func greeted(
        _ database: String = "arena", protocols: String = "v2.bsatn.spacetimedb", query: String = "compression=None",
        headers: [String] = []
    ) async throws -> RawClient {
        let client = try await connect(
            "/v1/database/\(database)/subscribe?\(query)", protocols: protocols, headers: headers)
        try #require(client.response.status == 101)
        _ = try await client.message()
        return client
    }
}

/// Serves a database while `body` runs, and ends the server after it.
func withServer<Definition, Result: Sendable>(
    _ database: Database<Definition>, as name: String = "arena", options: ServerOptions = .test(),
    _ body: @escaping @Sendable (RunningServer) async throws -> Result
) async throws -> Result {
    var options = options
    options.port = 0
    let server = SpacetimeServer(
        options: options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try server.host(database, as: name)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            do { try await server.run() } catch is CancellationError {}
            return nil
        }
        group.addTask {
            let port = try await server.waitUntilListening()
            return try await body(RunningServer(port: port, server: server))
        }
        defer { group.cancelAll() }
        while let result = try await group.next() {
            // The server ends only if it could not listen.
            if let result { return result }
        }
        throw CancellationError()
    }
}
