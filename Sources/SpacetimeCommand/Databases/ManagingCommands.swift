import ArgumentParser
import NIOHTTP1
import SpacetimeSATS

/// `spacetimekit list`
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List your databases on a server.",
        discussion: """
            spacetimekit list
            spacetimekit list --server staging --json
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "As JSON.") var json = false

    func run() async throws {
        let session = CommandSession.current
        let databases = try await connection.withServer(in: session) { server in
            let own = try server.ownToken().identity.hex
            let reply = try await server.send(.GET, ["identity", own, "databases"]).successful()
            var databases: [(identity: String, names: [String])] = []
            for identity in try reply.json()["identities"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
                let names = try await server.send(.GET, ["database", identity, "names"]).successful().json()["names"]
                databases.append((identity, names?.arrayValue?.compactMap(\.stringValue) ?? []))
            }
            return databases
        }
        if json {
            let list = databases.map { database in
                JSON.object([
                    .init("identity", .string(database.identity)),
                    .init("names", .array(database.names.map { .string($0) })),
                ])
            }
            return try session.print(JSON.array(list).description)
        }
        guard !databases.isEmpty else {
            return try session.note("you have no databases there; 'spacetimekit publish FILE.wasm NAME' makes one")
        }
        let rows = databases.map { [$0.names.isEmpty ? "-" : $0.names.joined(separator: ", "), $0.identity] }
        try session.print(TextTable(["name", "identity"], rows))
    }
}

/// `spacetimekit rename`
struct RenameCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Give a database another name in place of all that it has.",
        discussion: """
            spacetimekit rename chat chat-old

            The names of before lead nowhere from then on, and stay reserved for you.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The database: a name, or an identity.") var database: String
    @Argument(help: "Its new name: groups of small letters and digits, joined by single hyphens.") var name: String

    func run() async throws {
        try await connection.withServer { server in
            let identity = try await server.identity(of: database)
            let reply = try await server.send(
                .PUT, ["database", identity, "names"], .json(.array([.string(name)])))
            guard !reply.isSuccess, let (kind, details) = (try? JSON(parsing: reply.bytes))?.variant else {
                _ = try reply.ofDatabase(database)
                return
            }
            switch kind {
            case "NotYourDatabase":
                throw CommandFailure(
                    .refused,
                    "the database '\(database)' is somebody else's; 'spacetimekit login --show' tells who you are")
            case "PermissionDenied", "PermissionDeniedOnAny":
                throw CommandFailure(.refused, "the name '\(name)' is reserved for somebody else; choose another one")
            default:
                throw CommandFailure(.refused, details.stringValue ?? reply.text)
            }
        }
    }
}

/// `spacetimekit delete`
struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a database with all that is in it.",
        discussion: """
            spacetimekit delete chat
            spacetimekit delete chat --yes   in scripts
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(name: [.short, .long], help: "Do it without asking.") var yes = false
    @Argument(help: "The database: a name, or an identity.") var database: String

    func run() async throws {
        let session = CommandSession.current
        try await connection.withServer(in: session) { server in
            let identity = try await server.identity(of: database)
            if !yes {
                try await session.confirm(
                    "Everything in '\(database)' (\(identity)) on \(server.address.text) will be gone. Delete it?")
            }
            let reply = try await server.send(.DELETE, ["database", identity])
            // A cluster asks again if there are databases below this one.
            if reply.status == 428, let token = try reply.json()["confirmation_token"]?.stringValue {
                if !yes {
                    try await session.confirm("There are databases below it, which will be gone, too. Delete all?")
                }
                _ = try await server.send(.DELETE, ["database", identity], query: [("token", token)]).successful()
                return
            }
            _ = try reply.successful()
        }
    }
}

/// `spacetimekit lock`
struct LockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Protect a database against being deleted or emptied.",
        discussion: "spacetimekit lock chat")

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The database: a name, or an identity.") var database: String

    func run() async throws {
        try await connection.withServer { server in
            _ = try await server.send(.POST, ["database", database, "lock"]).ofDatabase(database)
        }
    }
}

/// `spacetimekit unlock`
struct UnlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Take back what 'lock' did.", discussion: "spacetimekit unlock chat")

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The database: a name, or an identity.") var database: String

    func run() async throws {
        try await connection.withServer { server in
            _ = try await server.send(.POST, ["database", database, "unlock"]).ofDatabase(database)
        }
    }
}
