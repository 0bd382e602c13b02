public import SpacetimeKit
public import SpacetimeSATS

/// A client of a ``TestDatabase``.
public final class TestClient<Definition: ModuleDefinition>: Sendable {
    /// The connection itself, for what this type does not repeat.
    public let connection: Connection<Definition>

    init(_ connection: Connection<Definition>) { self.connection = connection }

    /// Who the client is.
    public var identity: Identity { connection.identity }
    /// Which connection this is: one client may have several.
    public var connectionID: ConnectionId { connection.id }

    /// Runs a reducer on behalf of this client.
    ///
    /// - Throws: what the reducer threw; `DatabaseError` with code `disconnected` after ``disconnect()``.
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument
    ) throws {
        try connection.call(reducer, repeat each arguments)
    }

    /// Watches a query. The rows are there at once and follow every commit.
    public func subscribe<Row: TableRow>(_ query: some QueryConvertible<Row>) throws -> LiveRows<Row> {
        let live = LiveRows<Row>()
        let observation = try connection.subscribe(query, onChange: { [weak live] in live?.apply($0) })
        live.keep(observation)
        return live
    }

    /// Ends the connection and its subscriptions and runs the module's `.clientDisconnected` reducer.
    ///
    /// - Returns: what that reducer threw; the client is gone all the same.
    @discardableResult
    public func disconnect() throws -> (any Error)? { try connection.disconnect() }
}
