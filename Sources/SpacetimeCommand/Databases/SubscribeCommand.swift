import ArgumentParser
import NIOSSL
import SpacetimeClient
import SpacetimeClientNIO
import SpacetimeSATS
import SpacetimeSchema

/// `spacetimekit subscribe`
struct SubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe", abstract: "Watch queries: print their rows, and each change of them.",
        discussion: """
            spacetimekit subscribe chat "SELECT * FROM message WHERE room = 1"
            spacetimekit subscribe chat "SELECT * FROM user" "SELECT * FROM room" --json
            spacetimekit subscribe chat "SELECT * FROM job" -n 1 --timeout 10
                wait for something, ten seconds at most

            A line begins with + for a row that is there or comes, with - for one that
            goes, with ~ for one that changes. A connection that is lost is made again;
            what has changed meanwhile is printed then, and nothing twice. It ends with
            code 1 if a new module of the database has no such table any more. Queries are
            of whole rows of one table or view each.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "An object of JSON on each line: table, op (insert, update, delete), row, and old for updates.")
    var json = false
    @Option(name: [.customShort("n"), .long], help: "End after so many lines.") var count: Int?
    @Option(help: "End after so many seconds; with code 1 if -n lines have not come by then.") var timeout: Double?
    @Flag(help: "Tell of changes before they are on disk.") var unconfirmed = false
    @Argument(help: "The database: a name, or an identity.") var database: String
    @Argument(help: "The queries.") var queries: [String]

    func validate() throws {
        if queries.isEmpty { throw ValidationError("say at least one query") }
        if let odd = queries.first(where: { !Self.isOfWholeRows($0) }) {
            throw ValidationError(
                "the rows of this query are no table's own, and cannot be watched here; 'spacetimekit sql' asks for them once: "
                    + DisplayText.escaped(odd))
        }
        if let count, count < 1 { throw ValidationError("-n is a number from 1") }
        if let timeout, !(timeout > 0 && timeout < 1e9) { throw ValidationError("--timeout is a number of seconds") }
    }

    /// Whether a query selects `*` or `table.*`, as far as its text tells: what the server has against others it says itself.
    static func isOfWholeRows(_ query: String) -> Bool {
        let words = query.split(whereSeparator: \.isWhitespace).map { $0.uppercased() }
        guard words.first == "SELECT", let end = words.firstIndex(of: "FROM") else { return true }
        let list = words[1..<end].joined()
        return !(list.contains("(") && list.contains(")"))
    }

    func run() async throws {
        let session = CommandSession.current
        let target = try connection.target(in: session)
        let schema = try await connection.withServer(in: session) { try await $0.schema(of: database) }
        let printer = ChangePrinter(schema.module, isJSON: json, style: session.style(of: .output))
        let client = try await Self.client(target, database, unconfirmed, session)
        let (events, feed) = AsyncStream.makeStream(of: SubscriptionEvent.self)
        for layout in printer.layouts { client.onChange(of: layout) { feed.yield(.changes($0)) } }
        client.onStateChange { feed.yield(.state($0)) }
        let alarm = timeout.map { seconds in
            Task {
                try await Task.sleep(for: .seconds(seconds))
                feed.yield(.timeIsOver)
            }
        }
        defer { alarm?.cancel() }
        do {
            try await client.connect()
            let subscription = try client.beginSubscribing(queries)
            try await subscription.applied()
            let watch = Task { [feed] in
                do { try await subscription.ended() } catch let error as ClientError { feed.yield(.failed(error)) }
            }
            defer { watch.cancel() }
            try await show(events, printer, session)
        } catch let error as ClientError {
            await client.disconnect()
            throw CommandFailure(error, target.address)
        } catch {
            await client.disconnect()
            throw error
        }
        await client.disconnect()
    }

    private static func client(
        _ target: ServerTarget, _ database: String, _ isUnconfirmed: Bool, _ session: CommandSession
    ) async throws -> DatabaseClient {
        var options = ClientOptions()
        if isUnconfirmed { options.confirmedReads = false }
        options.tokenKey = "server"
        var tls = TLSConfiguration.makeClientConfiguration()
        if let path = session.variable("SPACETIMEKIT_CA") { tls.additionalTrustRoots = [.file(path)] }
        let tokens = MemoryTokenStore(target.token.map { ["server": $0.text] } ?? [:])
        return try DatabaseClient(
            to: target.address.text, database: database, over: NIOTransport(tls: tls), tokens: tokens, options: options)
    }

    /// Prints what comes, until there was enough of it.
    private func show(
        _ events: AsyncStream<SubscriptionEvent>, _ printer: ChangePrinter, _ session: CommandSession
    ) async throws {
        var left = count ?? .max
        var wasLost = false
        for await event in events {
            switch event {
            case .changes(let changes):
                for line in try printer.lines(changes).prefix(left) {
                    try session.print(line)
                    left -= 1
                }
                if left == 0 { return }
            case .state(.waiting(let error, let delay)):
                wasLost = true
                try session.note(
                    "\(DisplayText.escapedLines(error.message)); the next attempt follows in \(delay.components.seconds + 1) s at most"
                )
            case .state(.connected) where wasLost:
                wasLost = false
                try session.note("connected again")
            case .failed(let error): throw error
            case .state(.ended(let error?)): throw error
            case .state(.ended(nil)): return
            case .state: break
            case .timeIsOver:
                guard count != nil else { return }
                throw CommandFailure(.refused, "\(left) of \(count ?? 0) lines have not come in time")
            }
        }
    }
}

private enum SubscriptionEvent: Sendable {
    case changes(TableChanges)
    case state(ConnectionState)
    /// Nothing is watched any more.
    case failed(ClientError)
    case timeIsOver
}

extension CommandFailure {
    /// What a client could not do.
    fileprivate init(_ error: ClientError, _ address: ServerAddress) {
        switch error.code {
        case .unreachable, .connectionLost:
            self.init(
                .unreachable, "\(error.message); look at the server at \(address.text), or name another with --server")
        default: self.init(.refused, error.message)
        }
    }
}
