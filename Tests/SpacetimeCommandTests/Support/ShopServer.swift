import Logging
import SpacetimeKit
import SpacetimeSATS
import SpacetimeServer
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// What a command did.
struct Outcome {
    let code: Int32
    let output: String
    let errors: String
}

/// A server with a shop, and a user of the command.
typealias ShopServer = ModuleServer<Shop>

/// A server with a database of a module, and a user of the command.
struct ModuleServer<Definition: ModuleDefinition>: Sendable {
    let server: SpacetimeServer
    let database: Database<Definition>
    let port: Int
    let directory: TemporaryDirectory

    var address: String { "http://127.0.0.1:\(port)" }
    /// Of whoever owns the database.
    var ownerToken: String { server.token(for: "owner") }

    /// The environment of the commands: with a configuration of its own.
    var environment: [String: String] {
        [
            "SPACETIMEKIT_CONFIG": directory.path + "/config.json", "SPACETIMEKIT_SERVER": address,
            "HOME": directory.path, "TERM": "xterm",
        ]
    }

    /// Runs a command as if its streams were pipes.
    func run(
        _ arguments: String..., as token: String? = nil, input: String = "", environment extra: [String: String] = [:]
    ) async -> Outcome {
        var environment = environment
        if let token { environment["SPACETIMEKIT_TOKEN"] = token }
        environment.merge(extra) { $1 }
        return await runCommand(arguments, input: input, environment: environment)
    }
}

/// Runs a command as if its streams were pipes, or a terminal that nobody types at.
func runCommand(
    _ arguments: [String], input: String = "", environment: [String: String], isTerminal: Bool = false,
    width: Int? = nil, outputLimit: Int? = nil
) async -> Outcome {
    let terminal = RecordingTerminal(input: input, isTerminal: isTerminal, width: width, outputLimit: outputLimit)
    let session = CommandSession(terminal: terminal, environment: environment)
    let code = await CommandLineProgram.run(arguments, in: session)
    return Outcome(code: code, output: terminal.output, errors: terminal.errors)
}

extension ModuleServer where Definition == Shop {
    var shop: Database<Shop> { database }
}

/// Serves a shop while `body` runs.
func withShop<Result: Sendable>(
    _ body: @escaping @Sendable (ShopServer) async throws -> Result
) async throws -> Result { try await withServer(hosting: Shop.self, as: "shop", body) }

/// Serves a database of a module while `body` runs.
func withServer<Definition: ModuleDefinition, Result: Sendable>(
    hosting module: Definition.Type, as name: String,
    _ body: @escaping @Sendable (ModuleServer<Definition>) async throws -> Result
) async throws -> Result {
    let directory = try TemporaryDirectory()
    let database = try await Database.open(.inMemory, module: module)
    let server = SpacetimeServer(
        options: .test(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try server.host(database, as: name)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            do { try await server.run() } catch is CancellationError {}
            return nil
        }
        group.addTask {
            let port = try await server.waitUntilListening()
            return try await body(ModuleServer(server: server, database: database, port: port, directory: directory))
        }
        defer { group.cancelAll() }
        while let result = try await group.next() {
            // The server ends only if it could not listen.
            if let result { return result }
        }
        throw NoServer()
    }
}

struct NoServer: Error {}
