public import SpacetimeHost
public import SpacetimeSATS

/// What clients may take of a server, so that nobody can take it from the others.
///
/// A client is held to the first of these that is about it: ``identities``, ``owner``, ``roles``, ``everybody``.
///
/// ```swift
/// var options = ServerOptions(port: 3000)
/// options.limits.everybody.messageRate = RateLimit(perSecond: 100, burst: 500)
/// options.limits.everybody.reducerRates["send"] = RateLimit(perSecond: 5, burst: 20)
/// options.limits.roles["importer"] = .trusted
/// ```
public struct LimitPolicy: Sendable {
    /// For clients about whom nothing else is said.
    public var everybody = ClientLimits()
    /// For the owner of the database.
    public var owner = ClientLimits.trusted
    /// For clients whose token has the name in its claim `roles` (or `role`). Of several the first in order of the names.
    public var roles: [String: ClientLimits] = [:]
    /// For certain clients: a game server that imports in bursts, say.
    public var identities: [Identity: ClientLimits] = [:]

    /// How many connections there may be from one address at once; of IPv6 the first 64 bits count. Nil: any number.
    public var connectionsPerAddress: Int? = 1_024
    /// Whether connections from the machine itself count towards ``connectionsPerAddress``. Behind a proxy all of them are
    /// such.
    public var countsLoopback = false
    /// How long somebody who has connected may take to say what is wanted: for TLS and the head of the first request; and how
    /// long it may take to decide on a request for a WebSocket, the first or a later one.
    public var handshakeTimeout: Duration = .seconds(10)
    /// How long the rest of a message may take after its beginning; of an HTTP request, how long nothing of it may come.
    public var messageTimeout: Duration = .seconds(60)
    /// How long an HTTP request may take to come in all, from its head to the end of its body. Ten minutes by default.
    public var bodyTimeout: Duration = .seconds(600)
    /// A client that has taken nothing for so long of what waits to be sent to it is dropped: of messages, or of the answer to an
    /// HTTP request.
    public var sendTimeout: Duration = .seconds(30)

    /// The defaults.
    public init() {}

    /// The limits of a client.
    ///
    /// - Parameter claims: the payload of its token, JSON.
    func limits(of identity: Identity, claims: String, owner ownerIdentity: Identity) -> ClientLimits {
        if let own = identities[identity] { return own }
        if identity == ownerIdentity { return owner }
        if !roles.isEmpty, let json = try? JSON(parsing: claims) {
            let held = [json["role"]].compactMap(\.self) + (json["roles"]?.arrayValue ?? [])
            let names = held.compactMap(\.stringValue).sorted()
            if let limits = names.compactMap({ roles[$0] }).first { return limits }
        }
        return everybody
    }
}

/// What one client may take.
public struct ClientLimits: Hashable, Sendable {
    /// How many messages may come over one connection. Who sends more is slowed down: nothing is read from it for a while.
    /// Nil: any number.
    public var messageRate: RateLimit? = RateLimit(perSecond: 200_000, burst: 400_000)
    /// How often the client may call certain reducers, by their names, instead of how often the module says that it may
    /// (`@Reducer(rate:)`). All its connections and its HTTP requests count together. A call too many is answered with an error
    /// that says how long to wait, and does nothing.
    public var reducerRates: [String: RateLimit] = [:]
    /// Whether the client is held to what the module says of its reducers.
    public var keepsReducerRates = true
    /// How many queries a client may watch at once. Nil: any number.
    public var subscriptionLimit: Int? = 16_384
    /// How many rows the first answer to a subscription may have. Nil: any number.
    public var subscribedRowLimit: Int? = 20_000_000
    /// What becomes of a client of which more messages wait than ``WebSocketOptions/incomingQueueLimit``.
    public var overflow = Overflow.close

    /// The defaults.
    public init() {}

    /// For clients who are trusted to know what they do: no limits but those of memory, and nobody is closed for being fast.
    public static var trusted: ClientLimits {
        var limits = ClientLimits()
        limits.messageRate = nil
        limits.keepsReducerRates = false
        limits.subscriptionLimit = nil
        limits.subscribedRowLimit = nil
        limits.overflow = .wait
        return limits
    }

    /// What is done with a client of which too many messages wait.
    public enum Overflow: Hashable, Sendable {
        /// Nothing is read from it until there is room: it is slowed down. The messages that came together are all kept.
        case wait
        /// It is closed with code 1013, `too many requests`.
        case close
    }
}

/// A limit that was reached, as metrics name it.
enum ClientLimit: String {
    case messageBytes = "message_bytes"
    case messageRate = "message_rate"
    case reducerRate = "reducer_rate"
    case connectionsPerAddress = "connections_per_address"
    case subscriptions, rows
    case incomingQueue = "incoming_queue"
    case outgoingQueue = "outgoing_queue"
    case handshake = "handshake_timeout"
    case slowMessage = "message_timeout"
    case slowReader = "send_timeout"
}
