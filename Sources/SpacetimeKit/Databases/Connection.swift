public import SpacetimeHost
public import SpacetimeSATS
import Synchronization

/// A client in the same program: it has an identity, makes calls, and subscribes.
///
/// ```swift
/// let alice = try db.connect(as: "alice")
/// try alice.call(Chat.send, "lobby", "hello")
/// try alice.disconnect()
/// ```
///
/// Dropping the last reference does not disconnect, since that runs a reducer; call ``disconnect()``.
public final class Connection<Definition: ModuleDefinition>: Sendable {
    package let core: DatabaseCore
    /// The core's, kept here as well: a call then gets to it by one load, and the optimizer need not retain it.
    @usableFromInline package let runner: TransactionRunner
    @usableFromInline package let caller: Caller
    private let session = Mutex(Session())

    private struct Session {
        var isOpen = true
        var subscriptions: [Watch] = []
        /// With more than these, those that have ended are looked for.
        var limit = 16
    }

    /// A subscription of this connection.
    private struct Watch: Sendable {
        let isActive: @Sendable () -> Bool
        let cancel: @Sendable () -> Void
    }

    /// Who the client is: what its reducers see as `context.sender`.
    public var identity: Identity { caller.identity }
    /// Which connection this is, as one client may have several: `context.connectionID`.
    public var id: ConnectionId { caller.connection }
    /// False once ``disconnect()`` was called.
    public var isOpen: Bool { session.withLock { $0.isOpen } }

    init(core: DatabaseCore, caller: Caller) {
        self.core = core
        runner = core.runner
        self.caller = caller
    }

    /// Runs a reducer as one transaction, on behalf of this client.
    ///
    /// - Throws: as ``Database/call(_:_:until:)``; also ``DatabaseError`` with code `disconnected`.
    @inlinable @discardableResult
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) throws -> TxOffset {
        try requireOpen()
        let offset = try _run(
            runner, runner.beginCall(reducer.name, as: caller), reducer, repeat each arguments)
        if case .durable = level { try runner.waitUntilDurable(offset) }
        return offset
    }

    /// Runs a reducer as one transaction, on behalf of this client. Suspends while another call is running.
    @inlinable @discardableResult
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) async throws -> TxOffset {
        try requireOpen()
        let offset = try await runner.takingLock(toWrite: true) {
            Result {
                try _run(
                    runner, runner.beginCallHoldingLock(reducer.name, as: caller), reducer, repeat each arguments)
            }
        }.get()
        if case .durable = level { try await runner.durable(offset) }
        return offset
    }

    /// Runs a reducer that is known by name, with arguments in BSATN, one after the other.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchReducer` or `badArguments` if the call was refused, `disconnected`, else
    ///   what the reducer threw.
    @discardableResult
    public func call(_ reducer: String, arguments: [UInt8]) throws -> TxOffset {
        try requireOpen()
        return try runner.call(reducer, arguments: arguments, as: caller)
    }

    /// Runs a reducer that is known by name. Suspends while another call is running.
    @discardableResult
    public func call(_ reducer: String, arguments: [UInt8]) async throws -> TxOffset {
        try requireOpen()
        return try await runner.call(reducer, arguments: arguments, as: caller)
    }

    /// Watches a query as an asynchronous sequence, until the connection ends. See ``Database/subscribe(_:bufferLimit:)``.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchTable` if there is no public table of these rows; only the owner may
    ///   watch private ones.
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = Subscription<Row>.defaultBufferLimit
    ) throws -> Subscription<Row> {
        try requireOpen()
        return keep(try core.subscription(query, bufferLimit, as: caller))
    }

    /// Watches a query as an asynchronous sequence, until the connection ends. Suspends while a reducer runs.
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = Subscription<Row>.defaultBufferLimit
    ) async throws -> Subscription<Row> {
        try requireOpen()
        return keep(try await core.subscription(query, bufferLimit, as: caller))
    }

    /// Watches a query by closures, until the connection ends. See ``Database/subscribe(_:bufferLimit:onChange:onEnd:)``.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchTable` if there is no public table of these rows; only the owner may
    ///   watch private ones.
    @discardableResult
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = QueryObserver.defaultBufferLimit,
        onChange: @escaping @Sendable (Change<Row>) -> Void,
        onEnd: @escaping @Sendable (DatabaseError?) -> Void = { _ in }
    ) throws -> QueryObserver {
        try requireOpen()
        return keep(
            try core.observer(query, CallbackOutlet(limit: bufferLimit, query._decode, onChange, onEnd), as: caller))
    }

    /// Watches a query by closures, until the connection ends. Suspends while a reducer runs.
    @discardableResult
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = QueryObserver.defaultBufferLimit,
        onChange: @escaping @Sendable (Change<Row>) -> Void,
        onEnd: @escaping @Sendable (DatabaseError?) -> Void = { _ in }
    ) async throws -> QueryObserver {
        try requireOpen()
        return keep(
            try await core.observer(
                query, CallbackOutlet(limit: bufferLimit, query._decode, onChange, onEnd), as: caller))
    }

    private func keep<Row>(_ subscription: Subscription<Row>) -> Subscription<Row> {
        keep(
            Watch(
                isActive: { [weak subscription] in subscription?.isActive ?? false },
                cancel: { [weak subscription] in subscription?.cancel() }))
        return subscription
    }

    private func keep(_ observer: QueryObserver) -> QueryObserver {
        keep(Watch(isActive: { observer.isActive }, cancel: { observer.cancel() }))
        return observer
    }

    private func keep(_ watch: Watch) {
        let isOpen = session.withLock { session in
            guard session.isOpen else { return false }
            session.subscriptions.append(watch)
            if session.subscriptions.count > session.limit {
                session.subscriptions.removeAll { !$0.isActive() }
                // Looked for again once there are twice as many, so that keeping one is O(1) on average.
                session.limit = max(16, session.subscriptions.count * 2)
            }
            return true
        }
        if !isOpen { watch.cancel() }
    }

    /// The number of subscriptions that are kept to be ended with the connection.
    package var keptSubscriptionCount: Int { session.withLock { $0.subscriptions.count } }

    /// Ends the subscriptions of this connection, and runs the module's `.clientDisconnected` reducer. Whatever the
    /// reducer does, the client is gone afterwards. Does nothing the second time. Blocks the thread while another call is
    /// running.
    ///
    /// - Returns: what the reducer threw, for a log.
    /// - Throws: ``DatabaseError`` with code `nestedTransaction` if called from inside a reducer or a read; the connection
    ///   then stays open. `closed` or `writesRefused` if the database takes no more writes: the disconnect reducer then
    ///   runs when the database is opened the next time.
    @discardableResult
    public func disconnect() throws -> (any Error)? {
        try runner.requireNoTransaction()
        endSession()
        return try core.connections.disconnect(caller)
    }

    /// Ends the connection. Suspends while another call is running.
    @discardableResult
    public func disconnect() async throws -> (any Error)? {
        try runner.requireNoTransaction()
        endSession()
        return try await core.connections.disconnect(caller)
    }

    private func endSession() {
        let ended = session.withLock { session in
            defer {
                session.isOpen = false
                session.subscriptions = []
            }
            return session.subscriptions
        }
        for watch in ended { watch.cancel() }
    }

    @usableFromInline
    func requireOpen() throws(DatabaseError) {
        guard isOpen else {
            throw DatabaseError(.disconnected, "this connection was closed; open another one with connect(as:)")
        }
    }
}

extension Database {
    /// Connects a client under a name. The identity is derived from the name and the issuer "localhost", and is the
    /// same each time. Blocks the thread while a call is running, and while the reducer runs.
    ///
    /// - Throws: what the module's `.clientConnected` reducer threw to refuse the client. Nothing persists then.
    public func connect(as name: String) throws -> Connection<Definition> {
        try connect(.local(name), credentials: localCredentials(name))
    }

    /// Connects a client with an identity.
    ///
    /// - Parameters:
    ///   - identity: who the client is. Whoever calls this vouches for it: nothing is checked here.
    ///   - credentials: the payload of the client's token, which the database keeps for as long as the client is connected.
    public func connect(_ identity: Identity, credentials: String = "") throws -> Connection<Definition> {
        Connection(core: core, caller: try core.connections.connect(identity, credentials: credentials))
    }

    /// Connects a client under a name. Suspends while another call is running.
    public func connect(as name: String) async throws -> Connection<Definition> {
        try await connect(.local(name), credentials: localCredentials(name))
    }

    /// Connects a client with an identity. Suspends while another call is running.
    public func connect(_ identity: Identity, credentials: String = "") async throws -> Connection<Definition> {
        Connection(core: core, caller: try await core.connections.connect(identity, credentials: credentials))
    }
}

/// The payload of a token, as a client of that name would have one.
private func localCredentials(_ name: String) throws(DatabaseError) -> String {
    do throws(JSONError) {
        return #"{"iss":"\#(Identity.localIssuer)","sub":"#
            + (try AlgebraicValue.string(name).json(style: .typed, type: .string))
            + "}"
    } catch {
        throw DatabaseError(.internalInconsistency, "a name could not be written as JSON: \(error)", cause: error)
    }
}
