public import SpacetimeProtocol

/// What opens WebSocket connections: the seam to the network, which the client itself has nothing to do with.
///
/// `NIOTransport` of the module SpacetimeClientNIO is one. Another has to answer pings, put fragments together, and mask what
/// it sends, as RFC 6455 says; the rest is the client's.
public protocol ClientTransport: Sendable {
    /// What the server may compress with: what ``decompressor`` can take apart.
    var compression: Compression { get }

    /// Takes compressed payloads apart.
    var decompressor: any PayloadDecompressor { get }

    /// Opens a connection, and tells `receiver` of everything that happens to it: from any thread, one event after the other,
    /// and never from within a call to the connection.
    ///
    /// Cancelling the task gives the attempt up.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/unreachable`` or ``ClientError/Code/refused``. The receiver is
    ///   told nothing then.
    func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport
}

/// What a connection is to be opened to.
public struct TransportOpening: Sendable, Hashable {
    /// Where the server is.
    public let address: ServerAddress
    /// Path and query of the upgrade.
    public let path: String
    /// What to say besides what every upgrade says, for example who the client is.
    public let headers: [Header]
    /// What the client speaks, for the header `Sec-WebSocket-Protocol`.
    public let subprotocols: [Subprotocol]
    /// Whether the client asks for offsets, in ``path`` as well: for a transport that has no path.
    public let wantsOffsets: Bool
    /// The most bytes of one message that are taken in; what is larger ends the connection.
    public let messageByteLimit: Int

    /// A header of the request.
    public struct Header: Sendable, Hashable {
        /// The name.
        public let name: String
        /// The value.
        public let value: String
    }
}

/// A connection that was opened.
public struct OpenedTransport: Sendable {
    /// To speak and to hang up with.
    public let connection: any TransportConnection
    /// What the server chose, or nil if it did not say.
    public let subprotocol: Subprotocol?

    /// A connection that was opened.
    public init(connection: any TransportConnection, subprotocol: Subprotocol?) {
        self.connection = connection
        self.subprotocol = subprotocol
    }
}

/// One end of a connection. None of its functions waits, and none calls the receiver before it returns.
public protocol TransportConnection: Sendable {
    /// Sends a binary message. What is sent first arrives first.
    func send(_ payload: [UInt8])

    /// Says good-bye with a code and a reason of at most 123 bytes, and ends the connection soon after, whether the server
    /// answers or not. The receiver is told when it has ended.
    func close(code: UInt16, reason: String)

    /// Stops or goes on reading: while it is off, nothing new is taken from the network.
    func setReading(_ isOn: Bool)
}

/// Takes what arrives on one connection.
public struct TransportReceiver: Sendable {
    /// A whole binary message arrived.
    public let receive: @Sendable ([UInt8]) -> Void
    /// The connection has ended, and nothing comes any more.
    public let end: @Sendable (TransportEnd) -> Void

    /// Whoever wants to know.
    public init(receive: @escaping @Sendable ([UInt8]) -> Void, end: @escaping @Sendable (TransportEnd) -> Void) {
        self.receive = receive
        self.end = end
    }
}

/// How a connection ended.
public struct TransportEnd: Sendable, Hashable {
    /// The code of the close frame; nil if there was none, or it had none.
    public let code: UInt16?
    /// What the close frame said, or what was wrong.
    public let reason: String

    /// An end.
    public init(code: UInt16? = nil, reason: String = "") {
        self.code = code
        self.reason = reason
    }
}
