import Hummingbird
public import HummingbirdCore
public import Logging
import NIOCore
public import NIOPosix
public import ServiceLifecycle
import SpacetimeDurability
import SpacetimeHost
public import SpacetimeKit
import Synchronization

/// Serves databases to clients in other programs: over WebSocket and HTTP.
///
/// ```swift
/// let db = try await Database.open(at: "chat.stdb", module: Chat.self)
/// let server = SpacetimeServer(options: ServerOptions(port: 3000))
/// try server.host(db, as: "chat")
/// try await server.run()
/// ```
///
/// It is a service of ServiceLifecycle: a `ServiceGroup` runs it beside others, and a graceful shutdown closes its
/// connections.
public final class SpacetimeServer: Service {
    let options: ServerOptions
    let registry = DatabaseRegistry()
    let publisher: Publisher
    /// Issues tokens, and finds out who shows one.
    let authority: TokenAuthority
    let logger: Logger
    let group: MultiThreadedEventLoopGroup
    let metrics = ServerMetrics()
    let backups = BackupTurns()
    let health: HealthMonitor
    let connectionCounter: ConnectionCounter
    private let listening = ListeningPort()
    private let loadedCertificates = Mutex<TLSCertificates?>(nil)
    private let deliveries = Mutex<[ObjectIdentifier: LoopDelivery]>([:])

    /// - Parameters:
    ///   - options: where to listen, and what is allowed.
    ///   - logger: what the server reports to.
    ///   - group: the threads that serve the connections.
    public init(
        options: ServerOptions = ServerOptions(), logger: Logger = Logger(label: "spacetime.server"),
        group: MultiThreadedEventLoopGroup = .singleton
    ) {
        self.options = options
        publisher = Publisher(options.publishing, registry, logger)
        authority = TokenAuthority(
            options.tokens, documents: options.tokens.documents ?? DocumentClient(group: group))
        self.logger = logger
        self.group = group
        health = HealthMonitor(patience: options.healthPatience)
        connectionCounter = ConnectionCounter(options.limits)
    }

    /// The port that the server listens on; nil before it does.
    public var port: Int? { listening.value }

    /// Suspends until the server listens, which it does some moments after ``run()`` was called.
    ///
    /// - Returns: the port.
    /// - Throws: what ``run()`` throws, if it ends without having listened: `DatabaseError` with code `notPossible` if the port is
    ///   taken, say. `CancellationError` if this task is cancelled, or if the one that runs the server was before it listened.
    public func waitUntilListening() async throws -> Int { try await listening.wait() }

    /// A token without end for a subject of this server's own. Whoever shows it has the identity of that subject.
    ///
    /// The subject `owner` owns the databases that were not opened for somebody else. Treat its token like a password.
    public func token(for subject: String) -> String { authority.issue(to: subject).token }

    /// Offers a database to clients.
    ///
    /// - Parameters:
    ///   - database: stays open for as long as the server runs.
    ///   - name: groups of small letters and digits, joined by single hyphens.
    /// - Throws: `DatabaseError` with code `notPossible` if that is no name, or the name or the database's identity is taken.
    public func host<Definition>(_ database: Database<Definition>, as name: String) throws(DatabaseError) {
        guard DatabaseName.isValid(name) else {
            throw DatabaseError(.notPossible, DatabaseName.problem(name))
        }
        guard try registry.add(HostedDatabase(database.core), as: name) else {
            throw DatabaseError(
                .notPossible,
                "there is a database '\(name)' on this server already, or another one of the identity \(database.identity); "
                    + "choose another name, or open the database with an identity of its own (DatabaseOptions.identity): "
                    + "databases of one module have the same if none is given")
        }
    }

    /// Opens the databases that were published to this server before (``PublishingOptions/directory``), and from then on takes
    /// others.
    ///
    /// ``run()`` does it; an application that carries this server's connections itself does it before it runs. The second time
    /// nothing happens. A database that cannot be opened is logged, and does not keep the others from being served.
    ///
    /// - Throws: `DatabaseError` with code `inUse` if another server has the directory, `damaged` if what it knows of its databases
    ///   cannot be read, `notPossible` if a name of the program's own databases is taken.
    public func openPublished() async throws(DatabaseError) {
        try await suspendingAside { [publisher] () throws(DatabaseError) in try publisher.open() }
    }

    /// How an application of Hummingbird's carries this server's connections beside its own routes: it opens WebSockets, holds
    /// clients to limits, and encrypts if that was asked for.
    ///
    /// Building it throws `DatabaseError` with code `notPossible` if the certificates cannot be used.
    public var serverBuilder: HTTPServerBuilder {
        HTTPServerBuilder { responder in
            ServerChannel(server: self, responder: responder, certificates: try self.certificates())
        }
    }

    /// What an application that carries this server's connections has to run before it accepts any: it looks after databases and
    /// certificates, and at a graceful shutdown sees to it that disconnect reducers have run and all commits are on disk.
    public var upkeep: any Service { ServerUpkeep(server: self) }

    /// The certificates, read when they are first asked for; nil if connections are not encrypted.
    func certificates() throws(DatabaseError) -> TLSCertificates? {
        guard let tls = options.tls else { return nil }
        return try loadedCertificates.withLock { loaded throws(DatabaseError) in
            if let known = loaded { return known }
            let new = try TLSCertificates(tls)
            loaded = new
            return new
        }
    }

    /// What tells the clients of an event loop that there is something for them.
    func delivery(of eventLoop: any EventLoop) -> LoopDelivery {
        deliveries.withLock { deliveries in
            let key = ObjectIdentifier(eventLoop)
            if let known = deliveries[key] { return known }
            let delivery = LoopDelivery(eventLoop, options.webSocket)
            deliveries[key] = delivery
            return delivery
        }
    }

    /// Closes the WebSockets of a database that is gone.
    func closeClients(of database: HostedDatabase) {
        for delivery in deliveries.withLock({ Array($0.values) }) { delivery.closeClients(of: database) }
    }

    /// Listens and serves until the task is cancelled or a graceful shutdown begins. Either way it then closes its connections,
    /// runs the disconnect reducers of their clients, and sees to it that all commits are on disk.
    ///
    /// - Throws: `DatabaseError` with code `notPossible` if it cannot listen on its address, or not with its certificates.
    public func run() async throws {
        do { try await serve() } catch {
            listening.fail(error)
            throw error
        }
        // Whoever still waits for it to listen waits for nothing.
        listening.fail(CancellationError())
    }

    private func serve() async throws {
        guard 0...65_535 ~= options.port else {
            throw DatabaseError(
                .notPossible, "there is no port \(options.port); give one from 1 to 65535, or 0 for any that is free")
        }
        try await openPublished()
        let service = HTTPService(server: self)
        let application = Application(
            responder: CallbackResponder { [metrics] (request: Request, context: ServerRequestContext) in
                let response =
                    try await service.respond(to: request, from: context.remoteAddress) ?? Response(status: .notFound)
                metrics.answered(status: response.status.code)
                return response
            },
            server: serverBuilder,
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port), serverName: nil),
            services: [upkeep],
            onServerRunning: { [self] channel in
                let port = channel.localAddress?.port ?? options.port
                listening.set(port)
                logger.info("Starting SpacetimeDB listening on \(options.host):\(port)")
            },
            eventLoopGroupProvider: .shared(group),
            logger: logger)
        do { try await run(application) } catch {
            // Later errors are others.
            guard port == nil else { throw error }
            throw ListeningFailure.explained(error, host: options.host, port: options.port)
        }
    }

    /// Whether a graceful shutdown has begun.
    private final class Ending: Sendable {
        let hasBegun = Atomic(false)
    }

    /// Runs the application until this task is cancelled or is to end gracefully, which is the same to it: in a task of its own,
    /// since one that is cancelled can close no connection in the way that clients expect, and logs errors over it.
    private func run(_ application: some Service) async throws {
        let services = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: logger))
        let running = Task.detached(priority: Task.currentPriority) { try await services.run() }
        let ending = Ending()
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await running.value
            } onGracefulShutdown: {
                ending.hasBegun.store(true, ordering: .relaxed)
                Task { await services.triggerGracefulShutdown() }
            }
        } onCancel: { [options] in
            // Whoever cancels a graceful shutdown has waited as long as he wants to.
            let timeout: Duration = ending.hasBegun.load(ordering: .relaxed) ? .zero : options.cancellationTimeout
            Task {
                await services.triggerGracefulShutdown()
                // Requests that take longer than that are cancelled, too.
                try? await Task.sleep(for: timeout)
                running.cancel()
            }
        }
    }
}

extension Database {
    /// Serves this database, and nothing else, until the task is cancelled or a graceful shutdown begins.
    ///
    /// ```swift
    /// try await db.serve(as: "chat", options: ServerOptions(port: 3000))
    /// ```
    ///
    /// - Parameters:
    ///   - name: groups of small letters and digits, joined by single hyphens.
    ///   - options: where to listen, and what is allowed.
    /// - Throws: `DatabaseError` with code `notPossible` if the name is none, or the server cannot listen on its address.
    public func serve(as name: String, options: ServerOptions = ServerOptions()) async throws {
        let server = SpacetimeServer(options: options)
        try server.host(self, as: name)
        try await server.run()
    }
}
