import SpacetimeProtocol

/// How a server listens and what it allows.
public struct ServerOptions: Sendable {
    /// The address to listen on. `127.0.0.1` is reached from this machine only, `0.0.0.0` from everywhere.
    public var host: String
    /// The port to listen on; 0 takes any free one, see ``SpacetimeServer/port``.
    public var port: Int
    /// Keep-alive and queues of WebSocket connections.
    public var webSocket = WebSocketOptions()
    /// What HTTP requests may ask for.
    public var http = HTTPOptions()
    /// Whose tokens are accepted.
    public var tokens = TokenOptions()
    /// Whether there is a page at `/inspect` that shows what is in the databases and what happens there: everything to
    /// their owners, to others what they may see anyway.
    public var inspector = false
    /// Whether the server hands out the client for browsers and other programs in JavaScript: `/client.js`, `/react.js`, and
    /// their types.
    public var clientLibrary = true
    /// With what the server proves who it is. Nil: connections are not encrypted, which suits a server behind a proxy.
    public var tls: TLSOptions?
    /// Which modules may be published to the server.
    public var publishing = PublishingOptions()
    /// What clients may take.
    public var limits = LimitPolicy()
    /// What has not moved for so long, although there is something to do, counts as stuck: `/v1/health/live` then answers
    /// with status 503.
    public var healthPatience: Duration = .seconds(10)
    /// How long requests may go on after the task of the server was cancelled.
    var cancellationTimeout: Duration = .seconds(10)

    public init(host: String = "127.0.0.1", port: Int = 3000) {
        self.host = host
        self.port = port
    }
}

/// Keep-alive and queues of WebSocket connections.
public struct WebSocketOptions: Sendable {
    /// How often an empty ping is sent to a client; it is left out while the last one is unanswered.
    public var pingInterval: Duration = .seconds(15)
    /// A connection from which nothing came for so long is dropped.
    public var idleTimeout: Duration = .seconds(30)
    /// How long the server waits for the client's close frame after its own.
    public var closeTimeout: Duration = .milliseconds(250)
    /// How many messages of a client may wait to be handled.
    public var incomingQueueLimit = 16_384
    /// How many events may wait to be sent to a client. One that falls behind further is dropped.
    public var outgoingQueueLimit = 16_384
    /// The largest message that a client may send, in bytes.
    public var messageByteLimit = ProtocolLimits().messageBytes

    public init() {}
}
