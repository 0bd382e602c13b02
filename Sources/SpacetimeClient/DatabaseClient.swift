public import SpacetimeSATS
import Synchronization

/// A connection to one database of a server, with a cache of the rows that are watched.
///
/// ```swift
/// let client = try await DatabaseClient.connect(to: "ws://localhost:3000", database: "chat", over: NIOTransport())
/// try await client.subscribe("SELECT * FROM message WHERE room = 'lobby'")
/// client.onInsert(messages) { print("\($0.author): \($0.text)") }
/// try await client.call("send", "lobby", "hello")
/// ```
///
/// When the connection is lost it is made again, and what is watched is watched again. The cache keeps its rows meanwhile; once
/// all of them have come anew, the real differences are told, and nothing else. Requests wait while there is no connection;
/// those that were under way when it was lost throw ``ClientError/Code/connectionLost``.
///
/// Everything may be called from any thread, and from callbacks. Callbacks run one after the other, when the cache is up to date
/// with all of a message: in a task of the client's own, or in ``frameTick()``. They should be short.
///
/// A client ends with ``disconnect()``, or when nobody holds it any more. A program may have any number of them.
public final class DatabaseClient: Sendable {
    let engine: ClientEngine
    private let tokens: any TokenStore
    private let tokenKey: String
    /// Where the server is.
    public let address: ServerAddress
    /// The name or identity of the database.
    public let database: String

    /// A client that is not connected yet: for callbacks that are to see the first rows. Then ``connect()``.
    ///
    /// - Parameters:
    ///   - address: where the server is, for example `wss://example.com`.
    ///   - database: the name of the database, or its identity in hexadecimal digits.
    ///   - transport: what opens connections.
    ///   - tokens: where the token is kept by which the server knows the client again. Without one the client is somebody new.
    ///   - options: how it behaves.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/badAddress``.
    public init(
        to address: String, database: String, over transport: any ClientTransport,
        tokens: any TokenStore = MemoryTokenStore(), options: ClientOptions = ClientOptions()
    ) throws(ClientError) {
        self.address = try ServerAddress(address)
        self.database = database
        self.tokens = tokens
        tokenKey = options.tokenKey ?? self.address.hostAndPort
        engine = ClientEngine(self.address, database, transport, options)
    }

    /// Makes a client and connects it. See ``init(to:database:over:tokens:options:)`` and ``connect()``.
    public static func connect(
        to address: String, database: String, over transport: any ClientTransport,
        tokens: any TokenStore = MemoryTokenStore(), options: ClientOptions = ClientOptions()
    ) async throws -> DatabaseClient {
        let client = try DatabaseClient(
            to: address, database: database, over: transport, tokens: tokens, options: options)
        try await client.connect()
        return client
    }

    deinit { engine.disconnect() }

    /// Connects, and waits until the server has greeted. The token that the server gives is kept in the store.
    ///
    /// - Throws: ``ClientError`` if the server could not be reached or refused, unless
    ///   ``ClientOptions/Reconnection/coversFirstConnection`` says to go on trying; what the token store throws;
    ///   `CancellationError`, after which the client has ended.
    public func connect() async throws {
        let known = try await tokens.token(for: tokenKey)
        engine.start(token: known)
        let session: ClientSession
        do {
            session = try await engine.waitUntilConnected()
        } catch let error as CancellationError {
            engine.disconnect()
            throw error
        }
        if session.token != known, !session.token.isEmpty {
            try await tokens.setToken(session.token, for: tokenKey)
        }
    }

    /// Says good-bye to the server, and waits until the connection has ended. The cache stays as it was; requests that wait
    /// throw ``ClientError/Code/disconnected``, and sequences of changes end.
    public func disconnect() async {
        engine.disconnect()
        await engine.waitUntilEnded()
    }

    // MARK: State

    /// How the client stands with its server.
    public var state: ConnectionState { engine.state.withLock { $0.program.connection } }

    /// Who the client is to the server; nil before it was connected for the first time.
    public var session: ClientSession? { engine.state.withLock { $0.core.session } }

    /// The user that the client is; nil before it was connected for the first time.
    public var identity: Identity? { session?.identity }

    /// What the server's clock shows, learned from the answers to calls; nil before the first one.
    ///
    /// Two clients that go by it agree on the time, whatever their own clocks say.
    public var serverTime: ServerTime? {
        engine.state.withLock { $0.core.serverClock.time(at: engine.options.clock.elapsed()) }
    }

    /// Has `body` called with each state of the connection from now on.
    @discardableResult
    public func onStateChange(_ body: @escaping @Sendable (ConnectionState) -> Void) -> ChangeListener {
        engine.listenToState(body).1
    }

    // MARK: Game loops

    /// Applies everything that has arrived, and runs the callbacks for it, on this thread. Returns how many messages it were.
    ///
    /// With ``ClientOptions/Delivery/onFrameTick`` the cache changes here and nowhere else: between two calls it stands still.
    /// Does nothing in a callback, or while another thread is here.
    @discardableResult
    public func frameTick() -> Int { engine.process(isTick: true) }
}

extension ClientEngine {
    /// Ends the client. What has to be told is told by the task of ``start(token:)``, or here if it was never started.
    func disconnect() {
        let wasIdle = state.withLock { state in
            let wasIdle = state.core.phase == .idle
            state.core.disconnect()
            perform(&state)
            return wasIdle
        }
        if wasIdle { process(isTick: false) }
    }

    func waitUntilConnected() async throws -> ClientSession {
        let state = try await waitForState { state in
            switch state {
            case .connecting, .waiting: false
            case .connected, .ended: true
            }
        }
        switch state {
        case .connected(let session): return session
        case .ended(let error?): throw error
        case .connecting, .waiting, .ended(nil): throw ClientError(.disconnected, "the client was disconnected")
        }
    }

    /// Waits until the end was told, and the transport has let go of the connection. The first is not waited for if the task is
    /// cancelled.
    func waitUntilEnded() async {
        _ = try? await waitForState { if case .ended = $0 { true } else { false } }
        await withCheckedContinuation { continuation in
            let isGone = state.withLock { state in
                guard state.transport != nil else { return true }
                state.farewells.append(continuation)
                return false
            }
            if isGone { continuation.resume() }
        }
    }

    private func waitForState(_ isReached: @escaping @Sendable (ConnectionState) -> Bool) async throws
        -> ConnectionState
    {
        let (states, continuation) = AsyncStream.makeStream(of: ConnectionState.self)
        let (now, listener) = listenToState { continuation.yield($0) }
        defer { listener.cancel() }
        if isReached(now) { return now }
        for await state in states where isReached(state) { return state }
        throw CancellationError()
    }
}
