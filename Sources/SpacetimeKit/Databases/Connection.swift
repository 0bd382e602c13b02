public import SpacetimeHost
public import SpacetimeSATS
import Synchronization

/// A client in the same program: it has an identity, makes calls, and subscribes.
///
/// ```swift
/// let alice = try db.connect(as: "alice")
/// try alice.call(Chat.send, "lobby", "hello")
/// alice.disconnect()
/// ```
///
/// Dropping the last reference does not disconnect, since that runs a reducer; call ``disconnect()``.
public final class Connection<Definition: ModuleDefinition>: Sendable {
    @usableFromInline package let core: DatabaseCore
    @usableFromInline package let caller: Caller
    private let session = Mutex(Session())

    private struct Session {
        var isOpen = true
        var subscriptions: [@Sendable () -> Void] = []
    }

    public var identity: Identity { caller.identity }
    public var id: ConnectionId { caller.connection }
    /// False once ``disconnect()`` was called.
    public var isOpen: Bool { session.withLock { $0.isOpen } }

    init(core: DatabaseCore, caller: Caller) {
        self.core = core
        self.caller = caller
    }

    /// Runs a reducer as one transaction, on behalf of this client.
    ///
    /// - Throws: as ``Database/call(_:_:)``; also ``DatabaseError`` with code `disconnected`.
    @inlinable @discardableResult
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) throws -> TxOffset {
        try requireOpen()
        let offset = try _run(core, core.beginCall(reducer.name, as: caller), reducer, repeat each arguments)
        if case .durable = level { try core.waitUntilDurable(offset) }
        return offset
    }

    /// Runs a reducer as one transaction, on behalf of this client.
    @inlinable @discardableResult
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) async throws -> TxOffset {
        try requireOpen()
        let offset = try _run(core, core.beginCall(reducer.name, as: caller), reducer, repeat each arguments)
        if case .durable = level { try await core.durable(offset) }
        return offset
    }

    /// Runs a reducer that is known by name, with arguments in BSATN, one after the other.
    @discardableResult
    public func call(_ reducer: String, arguments: [UInt8]) throws -> TxOffset {
        try requireOpen()
        return try core.call(reducer, arguments: arguments, as: caller)
    }

    /// Watches a query as an asynchronous sequence, until the connection ends. See ``Database/subscribe(_:bufferLimit:)``.
    public func subscribe<Row: TableRow>(
        _ query: Query<Row>, bufferLimit: Int = Subscription<Row>.defaultBufferLimit
    ) throws -> Subscription<Row> {
        try requireOpen()
        let subscription = try Subscription(query, core: core, bufferLimit: bufferLimit)
        keep { [weak subscription] in subscription?.cancel() }
        return subscription
    }

    /// Watches a query by a closure, until the connection ends. See ``Database/subscribe(_:onChange:)``.
    @discardableResult
    public func subscribe<Row: TableRow>(
        _ query: Query<Row>, onChange: @escaping @Sendable (Change<Row>) -> Void
    ) throws -> QueryObserver {
        try requireOpen()
        let observation = try QueryObserver(query, core: core, onChange)
        keep { observation.cancel() }
        return observation
    }

    private func keep(_ cancel: @escaping @Sendable () -> Void) {
        let isOpen = session.withLock { session in
            if session.isOpen { session.subscriptions.append(cancel) }
            return session.isOpen
        }
        if !isOpen { cancel() }
    }

    /// Ends the subscriptions of this connection, and runs the module's `.clientDisconnected` reducer. Whatever the
    /// reducer does, the client is gone afterwards. Does nothing the second time.
    ///
    /// - Returns: what the reducer threw, for a log.
    /// - Throws: ``DatabaseError`` with code `nestedTransaction` if called from inside a reducer or a read.
    @discardableResult
    public func disconnect() throws -> (any Error)? {
        let ended = session.withLock { session in
            defer {
                session.isOpen = false
                session.subscriptions = []
            }
            return session.subscriptions
        }
        for cancel in ended { cancel() }
        return try core.disconnect(caller)
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
    /// same each time.
    ///
    /// - Throws: what the module's `.clientConnected` reducer threw to refuse the client. Nothing persists then.
    public func connect(as name: String) throws -> Connection<Definition> {
        try connect(Identity(issuer: localIssuer, subject: name), credentials: #"{"iss":"localhost","sub":"\#(name)"}"#)
    }

    /// Connects a client with an identity.
    ///
    /// - Parameter credentials: the payload of the client's token, for the module to read.
    public func connect(_ identity: Identity, credentials: String = "") throws -> Connection<Definition> {
        Connection(core: core, caller: try core.connect(identity, credentials: credentials))
    }
}
