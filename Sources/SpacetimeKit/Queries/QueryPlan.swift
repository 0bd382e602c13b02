import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// How the database answers a query.
///
/// ```swift
/// let plan = try db.explain(Message.where { $0.room == "lobby" }.orderBy { $0.sent.descending }.limit(50))
/// print(plan)
/// ```
public struct QueryPlan: Sendable, CustomStringConvertible {
    /// One line for each operation, each further in than the one that it works for, with the number of rows that it is thought
    /// to yield.
    public let description: String
    /// Tables of which all rows are looked at, by name: no index fits what the query asks, or it asks for all rows.
    public let scannedTables: [String]
    /// What each commit would have to look at all of a table for if the query was subscribed to; nil if nothing.
    public let liveProblem: String?

    init(_ explanation: QueryExplanation) {
        description = explanation.text
        scannedTables = explanation.scannedTables
        liveProblem = explanation.liveProblem
    }
}

extension Database {
    /// The plan for tables of ten thousand rows, whatever there is.
    package func plan(_ query: some QueryConvertible) throws -> QueryPlan {
        QueryPlan(core.explainAtAnySize(try core.catalog.bound(query._draft, by: core.owner)))
    }

    /// The plan for tables of ten thousand rows of a query as clients subscribe to it.
    package func plan(sql text: String) throws -> QueryPlan {
        QueryPlan(core.explainAtAnySize(try core.sessions.texts.query(text, as: core.owner).query))
    }
}
