import SpacetimeProtocol
public import SpacetimeSATS

/// Who the client is to the server.
public struct ClientSession: Sendable, Hashable {
    /// The user.
    public let identity: Identity
    /// The connection, which is another one after each time that it was lost.
    public let connectionID: ConnectionId
    /// What proves the identity: who presents it again is the same user.
    public let token: String
}

/// What the core has to tell the program.
enum ClientEvent: Equatable, Sendable {
    /// The server has greeted.
    case connected(ClientSession)
    /// The connection was lost, and is tried again after this time.
    case disconnected(ClientError, retryIn: Duration)
    /// The client has ended for good, because the program wanted it if there is no error.
    case ended(ClientError?)
    /// Rows changed. The cache is up to date already.
    case changed([TableChanges])
    /// A request was answered, or will not be.
    case finished(UInt32, RequestOutcome)
    /// All first rows of a subscription are there, for the first time.
    case subscribed(UInt32)
    /// A subscription has ended, because the program wanted it if there is no error.
    case unsubscribed(UInt32, ClientError?)
}

/// How a request went.
enum RequestOutcome: Equatable, Sendable {
    /// A call was carried out, and returned these bytes.
    case returned([UInt8])
    /// A query found these rows.
    case rows([V2.TableRows])
    case failed(ClientError)
}

/// What the core wants to be done. The number is that of the connection.
enum ClientAction: Equatable {
    /// Open a connection, and tell how it went.
    case open(UInt64, TransportOpening)
    /// Give up opening it, or hang up without a word if it is open.
    case abandon(UInt64)
    case send(UInt64, [UInt8])
    case close(UInt64, code: UInt16, reason: String)
}
