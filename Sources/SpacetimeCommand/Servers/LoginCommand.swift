import ArgumentParser
import NIOHTTP1
import SpacetimeSATS

/// `spacetimekit login`
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Become somebody to a server, and stay it.",
        discussion: """
            spacetimekit login                     somebody new, whom the server makes up
            spacetimekit login --token-file token  who has the token in a file, or in '-'
            spacetimekit login --show              who you are
            curl -H "Authorization: Bearer $(spacetimekit login --show-token)" …

            The token is kept in the configuration, which only you may read. Each server
            has its own.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Option(help: ArgumentHelp("A file that holds the token; '-' is the standard input.", valueName: "path"))
    var tokenFile: String?
    @Flag(help: "Show who you are; nothing changes.") var show = false
    @Flag(help: "Print the token itself. It is a password: who has it is you.") var showToken = false
    @Flag(help: "Become somebody new, although you are somebody.") var new = false
    @Flag(help: "As JSON.") var json = false

    func validate() throws {
        let ways = [show, showToken, new, tokenFile != nil, connection.token != nil].filter(\.self).count
        if ways > 1 {
            throw ValidationError("say one of --token, --token-file, --new, --show and --show-token")
        }
    }

    func run() async throws {
        let session = CommandSession.current
        // A token that is about to be kept is not one to show.
        let isNew = connection.token != nil
        let target = try ServerTarget(connection.server, isAnonymous: connection.anonymous || isNew, in: session)
        if show || showToken { return try showIdentity(target, session) }
        if let token = try await givenToken(session) {
            try await ServerConnection.with(target, in: session) { try await Self.check(token, $0) }
            return try remember(token, target, session)
        }
        if let known = target.token, !new {
            throw CommandFailure(
                .refused,
                "you are \(known.identity.hex) to \(target.address.text) already; --new makes you somebody else, and what is yours "
                    + "is reached only with the token of before, which 'login --show-token' prints")
        }
        let token = try await ServerConnection.with(target, in: session) { try await Self.newToken($0) }
        try remember(token, target, session)
    }

    private func showIdentity(_ target: ServerTarget, _ session: CommandSession) throws {
        guard let token = target.token else {
            throw CommandFailure(
                .refused, "you are nobody to \(target.address.text); 'spacetimekit login' makes you somebody")
        }
        if showToken { return try session.print(token.text) }
        try tell(token, target, session, "you are \(token.identity.hex) to \(target.address.text)")
    }

    private func givenToken(_ session: CommandSession) async throws(CommandFailure) -> Token? {
        if let text = connection.token { return try Token.checked(text.trimmed, "the value of --token") }
        guard let tokenFile else { return nil }
        if tokenFile == "-" {
            let bytes = await InputLines(session.terminal).rest()
            return try Token.checked(String(decoding: bytes, as: UTF8.self).trimmed, "the input")
        }
        guard let bytes = try UserFile.read(tokenFile) else {
            throw CommandFailure(.usage, "there is no file '\(tokenFile)'")
        }
        return try Token.checked(String(decoding: bytes, as: UTF8.self).trimmed, "what is in '\(tokenFile)'")
    }

    /// Has the server look at a token before it is kept.
    private static func check(_ token: Token, _ server: ServerConnection) async throws {
        let reply = try await server.showing(token).send(.GET, ["identity", token.identity.hex, "verify"])
        if reply.status == 401 {
            throw CommandFailure(
                .refused,
                "\(server.address.text) does not accept the token: \(reply.text.trimmed); "
                    + "a server accepts those that it issued itself, and those of issuers that it knows")
        }
        _ = try reply.successful()
    }

    /// Has the server make up somebody.
    static func newToken(_ server: ServerConnection) async throws -> Token {
        let json = try await server.showing(nil).send(.POST, ["identity"]).successful().json()
        guard let text = json["token"]?.stringValue else {
            throw CommandFailure(.refused, "\(server.address.text) gave no token; is it a SpacetimeDB server?")
        }
        return try Token.checked(text, "what \(server.address.text) gave")
    }

    static func keep(_ token: Token, for address: ServerAddress, in session: CommandSession) throws {
        try ConfigurationFile.change(in: session) { configuration throws(CommandFailure) in
            configuration.setToken(token.text, for: address)
        }
    }

    private func remember(_ token: Token, _ target: ServerTarget, _ session: CommandSession) throws {
        try Self.keep(token, for: target.address, in: session)
        try tell(token, target, session, "from now on you are \(token.identity.hex) to \(target.address.text)")
    }

    private func tell(_ token: Token, _ target: ServerTarget, _ session: CommandSession, _ text: String) throws {
        guard json else { return try session.print(text) }
        let answer = JSON.object([
            .init("identity", token.identity.json), .init("issuer", .string(token.issuer)),
            .init("subject", .string(token.subject)), .init("url", .string(target.address.text)),
        ])
        try session.print(answer.description)
    }
}

/// `spacetimekit logout`
struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Forget the token for a server.",
        discussion: """
            spacetimekit logout
            spacetimekit logout --server staging --yes

            A token that the server made up is nowhere else: what is yours cannot be
            reached without it any more. Keep it with 'spacetimekit login --show-token'
            first.
            """)

    @Option(
        name: [.short, .long], help: ArgumentHelp("The server: a name, or an address.", valueName: "name|url"))
    var server: String?
    @Flag(name: [.short, .long], help: "Do it without asking.") var yes = false

    func run() async throws {
        let session = CommandSession.current
        let target = try ServerTarget(server, isAnonymous: true, in: session)
        guard let text = try ConfigurationFile(in: session).read().token(for: target.address) else {
            return try session.note("you are nobody to \(target.address.text)")
        }
        if !yes {
            let who = Token(text)?.identity.hex ?? "whoever the token means"
            try await session.confirm(
                "Without the token you are not \(who) to \(target.address.text) any more. Forget it?")
        }
        try ConfigurationFile.change(in: session) { configuration throws(CommandFailure) in
            configuration.setToken(nil, for: target.address)
        }
    }
}
