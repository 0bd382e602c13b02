import SpacetimeHost
import SpacetimeSATS

/// What a client asks for, copied out of its frame to be done when its turn comes.
enum ClientRequest: Sendable {
    /// A call of the reducer at a position of the module's list.
    case call(UInt32, Int, [UInt8])
    /// A call that cannot be made.
    case refusedCall(UInt32, String, DatabaseError)
    case join(SetJoin)
    case leave(SetLeave)
    case query(RequestTag, String)
    case procedure(UInt32, String, [UInt8])
    /// A call of a procedure that cannot be made.
    case refusedProcedure(UInt32, String, DatabaseError)

    /// As metrics count it.
    var kind: ReceivedMessage {
        switch self {
        case .call, .refusedCall: .callReducer
        case .join: .subscribe
        case .leave: .unsubscribe
        case .query: .oneOffQuery
        case .procedure, .refusedProcedure: .callProcedure
        }
    }
}

/// What a client names a one-off query by: a number, or in the first protocol any bytes.
enum RequestTag: Sendable {
    case number(UInt32)
    case bytes([UInt8])
}

/// Which message of a protocol it was that asked to watch queries; the answers differ.
enum SetKind: Sendable {
    /// The only kind of the second protocol; in the first one a set of queries.
    case set
    /// A single query of the first protocol.
    case single
    /// The list of a connection of the first protocol, which each message replaces.
    case list
}

/// A set of queries that a client wants to watch.
struct SetJoin: Sendable {
    let request: UInt32
    let set: UInt32
    let texts: [String]
    let kind: SetKind
    /// Where the client's rows of it are, if it has some of an earlier connection.
    var since: ResumePoint?
    let received = ContinuousClock.now
}

/// A set of queries that a client does not want to watch any more.
struct SetLeave: Sendable {
    let request: UInt32
    let set: UInt32
    /// Whether it is to be told the rows that it loses.
    let wantsRows: Bool
    let kind: SetKind
    let received = ContinuousClock.now
}
