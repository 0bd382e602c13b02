import SpacetimeDurability
public import SpacetimeHost
import SpacetimeSATS

extension Database {
    /// Runs an SQL statement on behalf of the owner, who may read all tables and change them. See <doc:SQL>.
    ///
    /// ```swift
    /// let rows = try db.sql("SELECT name FROM monster WHERE level > :level ORDER BY name LIMIT 10", ["level": 3])
    /// try db.sql("UPDATE monster SET level = level + 1 WHERE id = 7")
    /// ```
    ///
    /// A statement that changes rows is one transaction. A query that takes long runs over a picture of the database and
    /// stops nobody. Blocks the thread while a call is running; in an `async` function the form that suspends is taken.
    /// Statements are bound and planned once, and found again by their text, whatever values it has.
    ///
    /// - Parameters:
    ///   - text: one statement.
    ///   - values: for the parameters of the statement, `:level` in the example.
    ///   - limits: what it may do.
    ///   - level: until when to wait after a change.
    /// - Throws: ``DatabaseError`` with code `invalidQuery`, whose cause is an ``SQLProblem`` with the place in the text;
    ///   `noSuchTable`, `badArguments` if a parameter has no value of its type, `arithmeticFailure`, `limitReached`,
    ///   `stopped`; what writes throw, such as `uniqueViolation`.
    @discardableResult
    public func sql(
        _ text: String, _ values: [String: SQLValue] = [:], limits: QueryLimits = QueryLimits(),
        until level: CommitLevel = .committed
    ) throws -> QueryResult {
        try core.sql(Statements.Request(text, values, as: core.owner, limits: limits), until: level)
    }

    /// Runs an SQL statement on behalf of the owner. Suspends while a call is running; what takes long is done on a thread of
    /// its own, and is stopped if the task is cancelled.
    @discardableResult
    public func sql(
        _ text: String, _ values: [String: SQLValue] = [:], limits: QueryLimits = QueryLimits(),
        until level: CommitLevel = .committed
    ) async throws -> QueryResult {
        try await core.sql(Statements.Request(text, values, as: core.owner, limits: limits), until: level)
    }
}

extension Connection {
    /// Runs an SQL query on behalf of this client: it reads public tables, and `:sender` is its identity. See <doc:SQL>.
    ///
    /// - Parameters:
    ///   - text: one statement.
    ///   - values: for the parameters of the statement.
    ///   - limits: what it may do.
    ///   - level: until when to wait after a change.
    /// - Throws: as ``Database/sql(_:_:limits:until:)``; also `notPermitted` if it would change something and the client is
    ///   not the owner, and `disconnected`.
    @discardableResult
    public func sql(
        _ text: String, _ values: [String: SQLValue] = [:], limits: QueryLimits = QueryLimits(),
        until level: CommitLevel = .committed
    ) throws -> QueryResult {
        try requireOpen()
        return try core.sql(Statements.Request(text, values, as: caller, limits: limits), until: level)
    }

    /// Runs an SQL query on behalf of this client. Suspends while a call is running.
    @discardableResult
    public func sql(
        _ text: String, _ values: [String: SQLValue] = [:], limits: QueryLimits = QueryLimits(),
        until level: CommitLevel = .committed
    ) async throws -> QueryResult {
        try requireOpen()
        return try await core.sql(Statements.Request(text, values, as: caller, limits: limits), until: level)
    }
}

extension DatabaseSnapshot {
    /// Runs an SQL query over the snapshot, with the rights of the owner, or of whom ``seen(by:)`` names. Takes no lock.
    ///
    /// - Throws: as ``Database/sql(_:_:limits:until:)``; `readOnly` for statements that are no query.
    public func sql(
        _ text: String, _ values: [String: SQLValue] = [:], limits: QueryLimits = QueryLimits()
    ) throws -> QueryResult {
        let request = Statements.Request(text, values, as: caller, limits: limits)
        return QueryResult(try core.statements.run(request, over: picture, at: offset))
    }
}

extension DatabaseCore {
    fileprivate func sql(_ request: Statements.Request, until level: CommitLevel) throws -> QueryResult {
        let result = try statements.run(request)
        if case .durable = level { try runner.waitUntilDurable(result.offset) }
        return QueryResult(result)
    }

    fileprivate func sql(_ request: Statements.Request, until level: CommitLevel) async throws -> QueryResult {
        let result = try await statements.run(request)
        if case .durable = level { try await runner.durable(result.offset) }
        return QueryResult(result)
    }
}
