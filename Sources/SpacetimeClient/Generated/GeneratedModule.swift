public import SpacetimeSATS

/// A client with the tables and functions of one module: what `spacetimekit generate --lang swift` writes.
///
/// ```swift
/// let game = try await Game.connect(to: "ws://localhost:3000", database: "game", over: NIOTransport())
/// try await game.subscribe(game.db.player.where { $0.name == "Ann" }, game.db.scoreEntry.all)
/// game.db.player.onInsert { print($0.name) }
/// try await game.reducers.submitMove(playerId: 7, move: .pass)
/// ```
///
/// Everything that is not of one module is done with the ``client``: connecting, states, time, ``DatabaseClient/frameTick()``.
/// A value is no more than a reference to its client; there may be any number of them.
public protocol GeneratedModule: Sendable {
    /// What is connected to the database.
    var client: DatabaseClient { get }

    /// The module of a client's database.
    init(_ client: DatabaseClient)
}

extension GeneratedModule {
    /// Makes a client, connects it, and waits until the server has greeted.
    ///
    /// See ``DatabaseClient/connect(to:database:over:tokens:options:)``.
    public static func connect(
        to address: String, database: String, over transport: any ClientTransport,
        tokens: any TokenStore = MemoryTokenStore(), options: ClientOptions = ClientOptions()
    ) async throws -> Self {
        Self(
            try await DatabaseClient.connect(
                to: address, database: database, over: transport, tokens: tokens, options: options))
    }

    // MARK: Queries

    /// Watches queries, and waits until the rows are in the cache.
    ///
    /// - Parameter queries: all are added at one point between two transactions, or none.
    /// - Returns: what the watching is ended with.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/subscription`` if the server refuses one; `CancellationError`, after
    ///   which they are not watched.
    @discardableResult
    public func subscribe<each Table: GeneratedTable>(
        _ queries: repeat TableQuery<each Table>
    ) async throws -> ClientSubscription {
        let subscription = try beginSubscribing(repeat each queries)
        do { try await subscription.applied() } catch {
            subscription.cancel()
            throw error
        }
        return subscription
    }

    /// Watches queries, without waiting for the rows: for loops that must not, and before there is a connection.
    ///
    /// - Throws: ``ClientError`` if they cannot be sent.
    public func beginSubscribing<each Table: GeneratedTable>(
        _ queries: repeat TableQuery<each Table>
    ) throws -> ClientSubscription {
        var texts: [String] = []
        repeat texts.append((each queries).sql)
        return try client.beginSubscribing(texts)
    }

    /// Asks for rows once, without watching them. A row that a semijoin finds through several others is there once.
    ///
    /// - Throws: ``ClientError``; see ``DatabaseClient/query(_:as:)``.
    public func query<Table: GeneratedTable>(_ query: TableQuery<Table>) async throws -> [Table.Row] {
        let rows = try await client.query(query.sql, as: Table.Row.self)
        guard query.isOfSeveralTables else { return rows }
        var seen: Set<[UInt8]> = []
        return rows.filter { seen.insert($0.bsatn()).inserted }
    }

    /// Watches a query for as long as the sequence is read, and gives the changes of its table, a message at a time.
    ///
    /// Rows of the table that other subscriptions deliver are among them: a client has one cache. See
    /// ``DatabaseClient/changes(of:subscribingTo:bufferLimit:)``.
    ///
    /// - Parameters:
    ///   - query: what is watched.
    ///   - bufferLimit: how many elements may wait for the reader.
    public func changes<Table: GeneratedTable>(
        of query: TableQuery<Table>, bufferLimit: Int = 1_024
    ) -> AsyncThrowingStream<RowChanges<Table.Row>, any Error> {
        client.changes(of: Table._description, subscribingTo: query.sql, bufferLimit: bufferLimit)
    }
}

/// A value of no parts: what a procedure returns that returns nothing.
public struct EmptyValue: SpacetimeType, Hashable {
    /// There is one value of it.
    public init() {}

    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .unit }
    public static var bsatnFixedSize: Int? { 0 }
    public init(from reader: inout BSATNReader) throws(BSATNError) {}
    public func encode(to writer: inout BSATNWriter) {}
}
