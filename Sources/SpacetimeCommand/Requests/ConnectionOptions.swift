import ArgumentParser

/// To which server a command speaks, and as whom.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The server: a name from 'server list', or an address.",
            discussion:
                "Also in the variable SPACETIMEKIT_SERVER. Where nothing is said, the default of 'server list'.",
            valueName: "name|url"))
    var server: String?

    @Option(help: ArgumentHelp("A token to show instead of that of 'login'; also in the variable SPACETIMEKIT_TOKEN."))
    var token: String?

    @Flag(help: "Show no token: be somebody new.")
    var anonymous = false

    /// The server that is meant, with the token for it.
    func target(in session: CommandSession) throws(CommandFailure) -> ServerTarget {
        try ServerTarget(server, token: token, isAnonymous: anonymous, in: session)
    }

    /// Speaks to the server for as long as `body` takes.
    func withServer<Value>(
        in session: CommandSession = .current, _ body: (ServerConnection) async throws -> Value
    ) async throws -> Value {
        try await ServerConnection.with(try target(in: session), in: session, body)
    }
}

/// A server, and who the user is to it.
struct ServerTarget: Equatable {
    let address: ServerAddress
    /// Nil for nobody.
    let token: Token?

    /// Finds out who is meant.
    ///
    /// - Parameters:
    ///   - server: a name or an address, as the user said it.
    ///   - token: as the user said it.
    init(
        _ server: String?, token: String? = nil, isAnonymous: Bool, in session: CommandSession
    ) throws(CommandFailure) {
        let configuration = try ConfigurationFile(in: session).read()
        address = try Self.address(server ?? session.variable("SPACETIMEKIT_SERVER"), configuration)
        if isAnonymous {
            self.token = nil
        } else if let token {
            self.token = try Token.checked(token, "the value of --token")
        } else if let token = session.variable("SPACETIMEKIT_TOKEN") {
            self.token = try Token.checked(token, "SPACETIMEKIT_TOKEN")
        } else if let token = configuration.token(for: address) {
            self.token = try Token.checked(token, "what the configuration has for \(address.text)")
        } else {
            self.token = nil
        }
    }

    private static func address(
        _ text: String?, _ configuration: Configuration
    ) throws(CommandFailure) -> ServerAddress {
        guard let text else {
            if let server = configuration.defaultServer { return server.address }
            throw CommandFailure(
                .usage,
                "no server is said, and there is no default; say --server, or 'spacetimekit server default NAME'")
        }
        if let server = configuration.named(text) { return server.address }
        if let address = ServerAddress(text) { return address }
        let names = configuration.servers.compactMap(\.name).joined(separator: ", ")
        throw CommandFailure(
            .usage,
            text.contains("://")
                ? "'\(text)' is no address of a server; one looks like http://127.0.0.1:3000"
                : "there is no server '\(text)', only \(names.isEmpty ? "none at all" : names); "
                    + "'spacetimekit server add \(text) URL' adds one")
    }
}
