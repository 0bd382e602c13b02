import ArgumentParser
import NIOHTTP1
import SpacetimeSATS

/// `spacetimekit publish`
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Give a database a module: a new database, or one that goes on with it.",
        discussion: """
            spacetimekit publish chat.wasm chat
                make 'chat', or update it
            spacetimekit publish chat.wasm chat --dry-run
                show what would change, and change nothing
            spacetimekit publish chat.wasm chat --yes
                in scripts: clients that no longer fit are disconnected
            spacetimekit publish chat.wasm chat --delete-data
                begin anew, with empty tables

            What would change in the tables is shown first. If clients of the version
            before no longer fit, it has to be confirmed. What is printed is the identity
            of the database.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(name: [.short, .long], help: "Do it without asking, whatever the plan says.") var yes = false
    @Flag(help: "Agree to what breaks clients, and to nothing else.") var breakClients = false
    @Flag(help: "Delete all rows of the database. This is asked for, too.") var deleteData = false
    @Flag(help: "Show the plan only.") var dryRun = false
    @Flag(help: "Print what came of it as JSON.") var json = false
    @Argument(help: "The module: a file in WebAssembly.") var file: String
    @Argument(help: "The name of the database, or its identity. Without one it gets an identity only.") var database:
        String?

    func validate() throws {
        if dryRun, deleteData { throw ValidationError("say one of --dry-run and --delete-data") }
        if database == nil, dryRun || deleteData { throw ValidationError("name the database that is meant") }
    }

    func run() async throws {
        let session = CommandSession.current
        let module = try Self.module(file)
        try await connection.withServer(in: session) { server in
            let server = try await Self.known(server, connection, session)
            let query: [(String, String)]
            if deleteData {
                if !yes {
                    try await session.confirm(
                        "All rows of '\(database ?? "")' on \(server.address.text) will be gone. Go on?")
                }
                query = [("clear", "true")]
            } else {
                query = try await planned(module, server, session)
            }
            if dryRun { return }
            let path = database.map { ["database", $0] } ?? ["database"]
            let method: HTTPMethod = database == nil ? .POST : .PUT
            let reply = try await Self.upload(
                module, method, path, query + [("host_type", "Wasm")], server, "publishing", session)
            try report(try Self.success(reply, database), session)
        }
    }

    /// The bytes of a module.
    static func module(_ path: String) throws(CommandFailure) -> [UInt8] {
        guard let bytes = try UserFile.read(path) else {
            throw CommandFailure(.usage, "there is no file '\(path)'; build the module first")
        }
        guard bytes.starts(with: [0x00, 0x61, 0x73, 0x6D]) else {
            throw CommandFailure(
                .usage,
                "'\(path)' is no module in WebAssembly; in a package for Rust it is in target/wasm32-unknown-unknown/release"
            )
        }
        return bytes
    }

    /// A connection of somebody: whoever is nobody becomes somebody first, since a database has an owner.
    private static func known(
        _ server: ServerConnection, _ options: ConnectionOptions, _ session: CommandSession
    ) async throws -> ServerConnection {
        if server.token != nil { return server }
        guard !options.anonymous else {
            throw CommandFailure(
                .usage,
                "what is published anonymously would have an owner whom nobody can be again; leave --anonymous out")
        }
        let token = try await LoginCommand.newToken(server)
        try LoginCommand.keep(token, for: server.address, in: session)
        try session.note("from now on you are \(token.identity.hex) to \(server.address.text)")
        return server.showing(token)
    }

    // MARK: The plan

    /// Shows what would change, and has it agreed to.
    ///
    /// - Returns: what goes along with the module.
    private func planned(
        _ module: [UInt8], _ server: ServerConnection, _ session: CommandSession
    ) async throws -> [(String, String)] {
        guard let database else { return [] }
        // Colours of somebody else's could be any other command to a terminal.
        let query = [("style", "NoColor"), ("host_type", "Wasm")]
        let reply = try await Self.upload(
            module, .POST, ["database", database, "pre_publish"], query, server, "comparing", session)
        if reply.status == 404 {
            if dryRun { try session.note("a new database '\(database)' would be made") }
            return []
        }
        let answer = try reply.successful().json()
        if let manual = answer["ManualMigrate"] {
            throw CommandFailure(
                .refused,
                "'\(database)' cannot go on with this module: \(manual["reason"]?.stringValue ?? reply.text); "
                    + "--delete-data begins anew, with empty tables")
        }
        guard let plan = answer["AutoMigrate"], let token = plan["token"]?.stringValue else {
            throw CommandFailure(.refused, "the server's plan cannot be understood: \(reply.text)")
        }
        let text = plan["migrate_plan"]?.stringValue?.trimmed ?? ""
        try session.note(text.isEmpty ? "no table changes" : DisplayText.escapedLines(text))
        if plan["break_clients"] == .bool(true), !dryRun {
            if yes || breakClients {
                try session.note("clients of the version before are disconnected")
            } else {
                try await session.confirm(
                    "Clients of the version before no longer fit, and are disconnected. Go on?",
                    option: "--break-clients")
            }
        }
        // Shown with every plan, so that a plan that has changed meanwhile is noticed.
        return [("token", token), ("policy", "BreakClients")]
    }

    private static func upload(
        _ module: [UInt8], _ method: HTTPMethod, _ path: [String], _ query: [(String, String)],
        _ server: ServerConnection, _ title: String, _ session: CommandSession
    ) async throws -> Reply {
        let progress = ProgressLine(title, in: session)
        defer { progress.end() }
        let count = module.count
        return try await server.send(
            method, path, query: query, .upload(module) { sent in progress.show(sent, of: count) })
    }

    // MARK: The outcome

    private static func success(_ reply: Reply, _ database: String?) throws(CommandFailure) -> JSON {
        if let denied = (try? JSON(parsing: reply.bytes))?["PermissionDenied"], reply.status == 401 {
            throw CommandFailure(
                .refused,
                "the name '\(denied["name"]?.stringValue ?? database ?? "")' is somebody else's; choose another one, or log in as "
                    + "who has it")
        }
        let answer = try reply.successful().json()
        guard let success = answer["Success"] else {
            throw CommandFailure(.refused, "the server's answer cannot be understood: \(reply.text)")
        }
        return success
    }

    private func report(_ success: JSON, _ session: CommandSession) throws {
        if json { return try session.print(success.description) }
        let identity = success["database_identity"]?.stringValue ?? "?"
        let what = success["op"]?.stringValue ?? "published"
        try session.note("\(what) \(database ?? identity)")
        try session.print("identity: \(identity)")
    }
}
