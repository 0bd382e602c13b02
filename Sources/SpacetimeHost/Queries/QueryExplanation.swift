package import SpacetimeEngine
package import SpacetimeQuery
import SpacetimeSchema

/// How a query is answered, and how it is kept up to date if somebody subscribes to it.
package struct QueryExplanation: Sendable {
    /// The plan for people, one line for each operation.
    package let text: String
    /// Tables of which all rows are looked at, by name.
    package let scannedTables: [String]
    /// Why it cannot be kept up to date without looking at all of a table at each change; nil if it can.
    package let liveProblem: String?
}

extension Catalog {
    /// Plans a query without running it.
    ///
    /// - Parameter statistics: how large the tables are taken to be.
    package func explain(_ query: BoundQuery, _ statistics: some PlanStatistics) -> QueryExplanation {
        let plan = planner.plan(query, statistics)
        let scanned = plan.steps.filter { $0.scansTable(in: plan) }.compactMap { schema(of: $0.table)?.name }
        return QueryExplanation(
            text: PlanDescription(plan, planner, statistics).description, scannedTables: scanned,
            liveProblem: liveProblem(query, statistics))
    }

    private func liveProblem(_ query: BoundQuery, _ statistics: some PlanStatistics) -> String? {
        do throws(PlanError) {
            guard let join = try planner.livePlan(query, statistics).unindexed.first else { return nil }
            return PlanError.joinNeedsIndex(table: join.table, columns: join.columns).description
        } catch { return error.description }
    }
}

extension Plan.Step {
    /// Whether all rows of the table are looked at: there is no index that fits, or all of it is gone through.
    fileprivate func scansTable(in plan: Plan) -> Bool { scansTable(by: access, in: plan) }

    private func scansTable(by access: Plan.Access, in plan: Plan) -> Bool {
        switch access {
        case .table: !takesFirst
        case .hash(_, let inner): scansTable(by: inner, in: plan)
        case .range(_, let range):
            range.prefix.isEmpty && range.lower == .unbounded && range.upper == .unbounded && plan.limit == nil
                && !takesFirst
        case .key, .keys, .ranges, .any: false
        }
    }
}

extension DatabaseCore {
    /// How a query would be answered now.
    package func explain(_ query: BoundQuery) throws(DatabaseError) -> QueryExplanation {
        try runner.acquire()
        defer { runner.release() }
        return catalog.explain(query, runner.datastore)
    }

    /// How a query would be answered if the tables were large.
    package func explainAtAnySize(_ query: BoundQuery) -> QueryExplanation {
        catalog.explain(query, FixedStatistics(catalog.planner))
    }
}
