import ArgumentParser
import NIOHTTP1
import SpacetimeSATS

/// `spacetimekit server`
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Names for servers.",
        discussion: """
            spacetimekit server add staging https://db.example.org
            spacetimekit server default staging
            spacetimekit server ping staging
            """,
        subcommands: [Add.self, List.self, Remove.self, Default.self, Ping.self], defaultSubcommand: List.self)

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Name a server, or give a name another address.")

        @Argument(help: "A name of your choice.") var name: String
        @Argument(help: "The address, such as https://db.example.org.") var url: String
        @Flag(name: .customLong("default"), help: "Mean this server where none is said.") var becomesDefault = false

        func run() async throws {
            let session = CommandSession.current
            guard let address = ServerAddress(url) else {
                throw CommandFailure(
                    .usage, "'\(url)' is no address of a server; one looks like http://127.0.0.1:3000")
            }
            guard !name.isEmpty, !name.contains("/"), !name.contains(":"), name.allSatisfy({ !$0.isWhitespace }) else {
                throw CommandFailure(.usage, "'\(name)' is no name of a server; use letters, digits and hyphens")
            }
            try ConfigurationFile.change(in: session) { configuration throws(CommandFailure) in
                let token = configuration.token(for: address)
                if let index = configuration.servers.firstIndex(where: { $0.name == name }) {
                    configuration.servers[index].address = address
                    // The token was that of the other server.
                    configuration.servers[index].token = token
                } else {
                    configuration.servers.append(.init(name: name, address: address, token: token))
                }
                if becomesDefault || configuration.defaultName == nil { configuration.defaultName = name }
            }
            if !address.isEncrypted, !address.isOfThisMachine {
                try session.note("note: what is sent to \(address.text), tokens too, can be read on the way")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the servers that have a name (the default).")

        @Flag(help: "As JSON.") var json = false

        func run() async throws {
            let session = CommandSession.current
            let configuration = try ConfigurationFile(in: session).read()
            let named = configuration.servers.filter { $0.name != nil }
            if json {
                let list = named.map { server in
                    JSON.object([
                        .init("name", .string(server.name ?? "")), .init("url", .string(server.address.text)),
                        .init("default", .bool(server.name == configuration.defaultName)),
                        .init("identity", server.token.flatMap(Token.init)?.identity.json ?? .null),
                    ])
                }
                return try session.print(JSON.array(list).description)
            }
            let table = TextTable(
                ["name", "address", "identity"],
                named.map { server in
                    [
                        (server.name ?? "") + (server.name == configuration.defaultName ? " (default)" : ""),
                        server.address.text, server.token.flatMap(Token.init)?.identity.hex ?? "-",
                    ]
                })
            try session.print(table)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a server, and the token for it.")

        @Argument(help: "Its name.") var name: String
        @Flag(name: [.short, .long], help: "Forget a token, too, without asking.") var yes = false

        func run() async throws {
            let session = CommandSession.current
            let found = try ConfigurationFile(in: session).read().required(name)
            if found.token != nil, !yes {
                try await session.confirm("The token for \(found.address.text) is forgotten, too. Forget '\(name)'?")
            }
            try ConfigurationFile.change(in: session) { configuration throws(CommandFailure) in
                configuration.servers.removeAll { $0.name == name }
                if configuration.defaultName == name { configuration.defaultName = nil }
            }
        }
    }

    struct Default: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set which server is meant where none is said.")

        @Argument(help: "Its name. Without one, the present default is shown.") var name: String?

        func run() async throws {
            let session = CommandSession.current
            guard let name else {
                guard let server = try ConfigurationFile(in: session).read().defaultServer, let name = server.name
                else {
                    throw CommandFailure(.refused, "there is no default; 'spacetimekit server default NAME' sets one")
                }
                return try session.print("\(name) \(server.address.text)")
            }
            try ConfigurationFile.change(in: session) { configuration throws(CommandFailure) in
                configuration.defaultName = try configuration.required(name).name
            }
        }
    }

    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ask a server whether it is there.")

        @Argument(help: "A name, or an address. By default the default.") var name: String?
        @Flag(help: "As JSON.") var json = false

        func run() async throws {
            let session = CommandSession.current
            // Whether a token is good is not asked.
            let target = try ServerTarget(name, isAnonymous: true, in: session)
            let (address, duration) = try await ServerConnection.with(target, in: session) { server in
                let began = ContinuousClock.now
                _ = try await server.send(.GET, ["ping"]).successful()
                return (server.address, ContinuousClock.now - began)
            }
            let microseconds = TimeDuration(duration).microseconds
            if json {
                let answer = JSON.object([
                    .init("url", .string(address.text)), .init("duration_micros", .integer(microseconds)),
                ])
                return try session.print(answer.description)
            }
            try session.print("\(address.text) is there (\(DurationText.short(microseconds: microseconds)))")
        }
    }
}

extension ConfigurationFile {
    /// Reads, changes and writes the configuration.
    static func change(
        in session: CommandSession, _ body: (inout Configuration) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        let file = try ConfigurationFile(in: session)
        var configuration = try file.read()
        try body(&configuration)
        try file.write(configuration)
    }
}

extension Configuration {
    func required(_ name: String) throws(CommandFailure) -> Server {
        guard let server = named(name) else {
            throw CommandFailure(
                .usage, "there is no server '\(name)'; 'spacetimekit server list' shows those there are")
        }
        return server
    }
}

extension ServerAddress {
    /// Whether what is sent there stays on this machine.
    var isOfThisMachine: Bool {
        let host = text.split(separator: "/")[1]
        return host.hasPrefix("127.") || host.hasPrefix("[::1]") || host.prefix { $0 != ":" } == "localhost"
    }
}

extension Identity {
    /// As text, in JSON for scripts.
    var json: JSON { .string(hex) }
}

extension CommandSession {
    /// Prints a table as wide as the terminal, or as it is where there is none.
    func print(_ table: TextTable) throws(CommandFailure) {
        for line in table.lines(width: outputWidth, style: style(of: .output)) { try print(line) }
    }
}

/// Durations for people.
enum DurationText {
    /// `0.41 ms`, `12 ms`, `1.20 s`
    static func short(microseconds: Int64) -> String {
        switch microseconds {
        case ..<10_000: "\(decimal(microseconds, 1_000)) ms"
        case ..<1_000_000: "\(microseconds / 1_000) ms"
        default: "\(decimal(microseconds, 1_000_000)) s"
        }
    }

    private static func decimal(_ number: Int64, _ unit: Int64) -> String {
        let hundredths = max(0, number) * 100 / unit
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
