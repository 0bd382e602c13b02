public import SpacetimeProtocol

/// How a client behaves.
public struct ClientOptions: Sendable {
    /// When what arrived is applied to the cache, and changes and results are told.
    public struct Delivery: Sendable, Hashable {
        private let isOnFrameTick: Bool

        /// As soon as it arrives, in a task of the client.
        public static let immediate = Delivery(isOnFrameTick: false)
        /// Within ``DatabaseClient/frameTick()``, and only there, on the thread that calls it: for the loop of a game.
        public static let onFrameTick = Delivery(isOnFrameTick: true)

        var waitsForTick: Bool { isOnFrameTick }
    }

    /// What to do when the connection is lost.
    public struct Reconnection: Sendable, Hashable {
        /// The time before the first attempt; each that fails doubles it.
        public var firstDelay: Duration
        /// The longest time between two attempts. The real ones are drawn between a half and the whole of it, so that a server
        /// that comes back does not meet all of its clients at once.
        public var longestDelay: Duration
        /// How many attempts in a row may fail; nil for any number, 0 for none at all.
        public var attemptLimit: Int?
        /// Whether a first connection that fails is tried again, too, instead of being reported.
        public var coversFirstConnection: Bool

        /// By default after a second, then more and more slowly up to half a minute, without end.
        public init(
            firstDelay: Duration = .seconds(1), longestDelay: Duration = .seconds(30), attemptLimit: Int? = nil,
            coversFirstConnection: Bool = false
        ) {
            self.firstDelay = firstDelay
            self.longestDelay = longestDelay
            self.attemptLimit = attemptLimit
            self.coversFirstConnection = coversFirstConnection
        }

        /// A lost connection is the client's end.
        public static let never = Reconnection(attemptLimit: 0)
    }

    /// When what arrived is applied.
    public var delivery = Delivery.immediate

    /// What to do when the connection is lost.
    public var reconnection = Reconnection()

    /// Whether a client that has lost its connection goes on where it was: servers that can do it tell it then only what has changed.
    /// Others do not know the question, and tell it all rows. It costs nine bytes in each message.
    public var resumes = true

    /// How long opening a connection may take until the server has greeted.
    public var connectTimeout: Duration = .seconds(10)

    /// Whether the server tells of commits only when they are durable; nil for what the server does by itself, which is to wait.
    public var confirmedReads: Bool?

    /// Names a session that outlives its connections: the server ends a dead connection of it as soon as the next one comes, and runs
    /// the module's disconnect reducer before it lets that one in. At most 128 bytes. Nil: each client draws one of its own.
    public var sessionID: String?

    /// How many requests may wait for an answer or for a connection. More are refused with
    /// ``ClientError/Code/tooManyRequests``.
    public var requestLimit = 16_384

    /// How large messages may be.
    public var messageLimits = ProtocolLimits.forClients

    /// How many bytes of messages may wait to be applied. Beyond, the client reads no further from the network until some are:
    /// a program that does not call ``DatabaseClient/frameTick()`` for long is disconnected by the server.
    public var inboxByteLimit = 64 << 20

    /// Under which name the token is kept; nil for host and port of the server, since a token is good for all databases of one.
    public var tokenKey: String?

    /// What is known of tables before they are first read, so that their indexes are made from the beginning.
    public var tables: [TableLayout] = []

    /// Is told of what goes wrong where nobody can be thrown at: rows that callbacks could not be given.
    public var onProblem: (@Sendable (ClientError) -> Void)?

    /// Tells times. Another one is for tests.
    public var clock = ClientClock()

    /// Where jitter and what else is random comes from. Another one is for tests.
    public var seed: UInt64 = .random(in: .min ... .max)

    /// The defaults.
    public init() {}
}

/// Tells how much time has passed, and waits.
public struct ClientClock: Sendable {
    let elapsed: @Sendable () -> Duration
    let sleep: @Sendable (Duration) async throws -> Void

    /// The machine's clock.
    public init() { self.init(ContinuousClock()) }

    /// Any clock.
    public init<C: Clock>(_ clock: C) where C.Duration == Duration {
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
    }
}
