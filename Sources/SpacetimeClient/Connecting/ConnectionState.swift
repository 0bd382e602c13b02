/// How a client stands with its server.
public enum ConnectionState: Sendable, Hashable {
    /// It has not been greeted yet.
    case connecting
    /// It is connected.
    case connected(ClientSession)
    /// The connection was lost; the cache is kept. The next attempt is made after this time.
    case waiting(ClientError, retryIn: Duration)
    /// It is disconnected for good; without an error, because the program wanted it.
    case ended(ClientError?)
}

/// Something that is called when something changes, until it is cancelled. Letting go of it does not cancel it.
public struct ChangeListener: Sendable {
    let engine: ClientEngine
    /// The table that is listened to; nil for the state of the connection.
    let table: String?
    let number: UInt64

    /// Does not listen any more. A call that is under way on another thread may still come to its end.
    public func cancel() { engine.stopListening(to: table, number) }
}
