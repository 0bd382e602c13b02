public import SpacetimeKit

extension TestDatabase {
    /// Fails the test if a query would look at all rows of a table: because no index fits what it asks, or because it asks
    /// for all of them.
    ///
    /// ```swift
    /// try test.expectIndexed(Message.where { $0.room == "lobby" }, watched: true)
    /// ```
    ///
    /// How many rows there are in the test makes no difference: the query is planned for tables of ten thousand.
    ///
    /// - Parameters:
    ///   - query: is planned and not run.
    ///   - watched: whether somebody is to subscribe to it, so that each commit has to find what it changes by indexes, too.
    /// - Throws: ``UnindexedQuery``, which says what is missing; what running the query would throw.
    public func expectIndexed(_ query: some QueryConvertible, watched: Bool = false) throws {
        try Self.expectIndexed(try database.plan(query), watched: watched)
    }

    /// Fails the test if a query in SQL, as clients subscribe to it, would look at all rows of a table; see
    /// ``expectIndexed(_:watched:)``.
    ///
    /// ```swift
    /// try test.expectIndexed("SELECT * FROM message WHERE room = 'lobby'", watched: true)
    /// ```
    public func expectIndexed(_ sql: String, watched: Bool = false) throws {
        try Self.expectIndexed(try database.plan(sql: sql), watched: watched)
    }

    private static func expectIndexed(_ plan: QueryPlan, watched: Bool) throws {
        if let table = plan.scannedTables.first {
            throw UnindexedQuery(
                description: "all rows of '\(table)' are looked at; give it an index that fits:\n\(plan)")
        }
        if watched, let problem = plan.liveProblem { throw UnindexedQuery(description: "\(problem):\n\(plan)") }
    }
}

/// A query was expected to find its rows by indexes, and does not. See ``TestDatabase/expectIndexed(_:watched:)``.
public struct UnindexedQuery: Error, CustomStringConvertible {
    /// What is missing, and how the query would be answered.
    public let description: String
}
