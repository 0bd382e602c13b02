import SpacetimeTestSupport

/// Whatever keeps queries up to date for clients, as ``LiveDriver`` sees it.
protocol LiveHost: AnyObject {
    associatedtype Client: LiveClient
    /// What queries may be made of.
    var features: RandomQueries.Features { get }
    /// Whether a query of these features can be subscribed to.
    func supports(_ query: TestQuery) -> Bool
    func connect() throws -> Client
    func commit(_ changes: [ModelDatabase.Change]) throws
    /// Whether clients may come back.
    var remembersClients: Bool { get }
}

/// One client.
protocol LiveClient: AnyObject {
    /// - Parameter meanwhile: to be called wherever others may commit before the client is told the rows.
    func subscribe(_ set: UInt32, to queries: [TestQuery], meanwhile: () -> Void) throws
    func unsubscribe(_ set: UInt32) throws
    func leave()
    /// Takes the place of a client that has left, with the rows that this one had of sets; those that it had none of are
    /// subscribed to anew.
    func goOn(from old: Self, with sets: [(set: UInt32, queries: [TestQuery], hasRows: Bool)]) throws
    /// What the client was told since the last time, in order.
    func pull() throws -> [LiveEvent]
}

/// What a client is told. A row is its bytes.
enum LiveEvent {
    /// A set is there; the rows of each of its queries.
    case rows(set: UInt32, [[[UInt8]]])
    case change(set: UInt32, query: Int, deletes: [[UInt8]], inserts: [[UInt8]])
    /// A client that has come back goes on with the rows that it had; what has changed in them comes behind this.
    case resumed(set: UInt32)
    /// The end of what one commit changed.
    case endOfCommit
    case failed(set: UInt32, String)
}
