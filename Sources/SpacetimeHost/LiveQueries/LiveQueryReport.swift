import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSchema

/// What the queries that clients watch cost: for whoever runs the database and wants to know what its commits are busy with.
///
/// Queries that differ only in their values are of one kind, which is planned once and found by the same look-up; the report has
/// one entry for each kind, the most expensive one first. What one subscription costs, that says itself:
/// `Subscription.cost()`.
public struct LiveQueryReport: Sendable, CustomStringConvertible {
    /// Queries that differ in their values only: `room = 'lobby'` and `room = 'kitchen'`.
    public struct Kind: Sendable, CustomStringConvertible {
        /// The tables whose rows it goes through, by name.
        public let tables: [String]
        /// How the rows that it begins with are found, one line for each operation. Values are left out.
        public let plan: String
        /// Tables of which all rows are looked at for that.
        public let scannedTables: [String]
        /// What each commit has to look at all of a table for; nil if nothing.
        public let liveProblem: String?
        /// Whether a changed row finds those of its queries that it concerns by a look-up of its own value. If not, it is tested
        /// for each of them.
        public let isFoundByLookUp: Bool
        /// How many different queries of the kind are watched.
        public let queryCount: Int
        /// How many sets of queries they are in. More than ``queryCount`` if clients share them.
        public let subscriberCount: Int
        /// How often the rows of one of them have changed.
        public let changeCount: UInt64
        /// How many changed rows were tested for one of them, and rows of other tables looked at to follow a join, while they were
        /// watched.
        public let rowsExamined: UInt64
        /// How many rows went out, each counted once, whoever got it.
        public let rowsProduced: UInt64
        /// The bytes of these rows.
        public let bytesProduced: UInt64

        public var description: String {
            """
            \(tables.joined(separator: ", ")): \(queryCount) queries of \(subscriberCount) subscribers, \(changeCount) changes, \
            \(rowsExamined) rows examined, \(rowsProduced) rows of \(bytesProduced) bytes produced, \
            \(isFoundByLookUp ? "found by look-up" : "tested for each changed row")\(liveProblem.map { ", \($0)" } ?? "")
            \(plan)
            """
        }
    }

    /// A view, for all who look at it.
    public struct View: Sendable, CustomStringConvertible {
        /// By which clients know it.
        public let name: String
        /// For how many callers and lists of arguments its rows are kept.
        public let instanceCount: Int
        /// How many of these are queries that are followed, so that the function is not called again.
        public let followedCount: Int
        /// How often the function was called for those that are there.
        public let evaluationCount: Int

        public var description: String {
            "\(name): \(instanceCount) instances, \(followedCount) of them followed, evaluated \(evaluationCount) times"
        }
    }

    /// The kinds of which somebody watches a query, those that had the most rows examined first.
    public let kinds: [Kind]
    /// The views that somebody looks at, in the order of the module.
    public let views: [View]

    public var description: String { (kinds.map(\.description) + views.map(\.description)).joined(separator: "\n") }
}

/// What one subscription has cost since somebody first watched its query, and how it is answered.
public struct SubscriptionCost: Sendable, CustomStringConvertible {
    /// How many changed rows were tested for it.
    public let rowsExamined: UInt64
    /// How many rows went out behind the first ones, each counted once, whoever got it.
    public let rowsProduced: UInt64
    /// The bytes of these rows.
    public let bytesProduced: UInt64
    /// How many subscriptions have the same query, this one among them. It is evaluated once for all of them.
    public let subscriberCount: Int
    /// Whether a changed row finds the query by a look-up of its own value, and is not tested for it otherwise.
    public let isFoundByLookUp: Bool
    /// How the rows that it begins with are found, one line for each operation. Values are left out.
    public let plan: String
    /// Tables of which all rows are looked at for that.
    public let scannedTables: [String]
    /// What each commit has to look at all of a table for; nil if nothing.
    public let liveProblem: String?

    public var description: String {
        """
        \(rowsExamined) rows examined, \(rowsProduced) rows of \(bytesProduced) bytes produced, \
        shared by \(subscriberCount), \(isFoundByLookUp ? "found by look-up" : "tested for each changed row")
        \(plan)
        """
    }
}

extension LiveTemplate {
    fileprivate func kind(_ catalog: Catalog, _ datastore: Datastore) -> LiveQueryReport.Kind {
        let explanation = catalog.explain(query, datastore)
        let queries = queries
        var subscribers = 0
        for query in queries { query.forEachSubscriber { _ in subscribers += 1 } }
        func sum(_ value: (LiveQuery) -> UInt64) -> UInt64 { queries.reduce(0) { $0 &+ value($1) } }
        return LiveQueryReport.Kind(
            tables: query.tables.compactMap { catalog.shownName(of: $0.id) }, plan: explanation.text,
            scannedTables: explanation.scannedTables, liveProblem: explanation.liveProblem,
            isFoundByLookUp: isFoundByLookUp, queryCount: count, subscriberCount: subscribers,
            changeCount: sum { UInt64($0.version) }, rowsExamined: sum(\.rowsExamined) &+ source.rowsExamined,
            rowsProduced: sum(\.rowsProduced), bytesProduced: sum(\.bytesProduced))
    }

    fileprivate func cost(of query: LiveQuery, _ catalog: Catalog, _ datastore: Datastore) -> SubscriptionCost {
        let explanation = catalog.explain(self.query, datastore)
        var subscribers = 0
        query.forEachSubscriber { _ in subscribers += 1 }
        return SubscriptionCost(
            rowsExamined: query.rowsExamined, rowsProduced: query.rowsProduced, bytesProduced: query.bytesProduced,
            subscriberCount: subscribers, isFoundByLookUp: isFoundByLookUp, plan: explanation.text,
            scannedTables: explanation.scannedTables, liveProblem: explanation.liveProblem)
    }
}

extension Catalog {
    /// What clients call a table: of one that holds what a caller may see of another, that one.
    fileprivate func shownName(of table: TableID) -> String? { schema(of: viewTables.shownTable(table))?.name }
}

extension Sessions {
    /// What the queries cost that somebody watches. Takes the lock for a time in proportion to their number.
    package func report() throws(DatabaseError) -> LiveQueryReport {
        try runner.acquire()
        defer { runner.release() }
        let kinds = queries.kinds.map { $0.kind(runner.catalog, runner.datastore) }
        return LiveQueryReport(
            kinds: kinds.sorted { ($1.rowsExamined, $0.plan) < ($0.rowsExamined, $1.plan) },
            views: runner.views?.report() ?? [])
    }

    /// What each query of a set costs; empty if the session has no such set any more.
    package func costs(of set: QuerySetID, _ session: Session) throws(DatabaseError) -> [SubscriptionCost] {
        try runner.acquire()
        defer { runner.release() }
        return (session.sets[set] ?? LiveQueryList([])).map {
            $0.template.cost(of: $0, runner.catalog, runner.datastore)
        }
    }
}
