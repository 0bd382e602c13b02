package import SpacetimeEngine

/// Chooses how queries are answered. It knows all tables and their indexes, which never change while a database is open.
///
/// ```text
/// let planner = Planner(datastore)
/// let plan = planner.plan(query, datastore)
/// ```
package struct Planner: Sendable {
    /// By table id.
    private let byID: [PlannedTable?]

    package init(_ tables: [PlannedTable]) {
        var byID: [PlannedTable?] = []
        for table in tables {
            while byID.count <= Int(table.id.rawValue) { byID.append(nil) }
            byID[Int(table.id.rawValue)] = table
        }
        self.byID = byID
    }

    /// Of the tables that there are now.
    package init(_ datastore: Datastore) {
        self.init(
            datastore.tableIDs.compactMap { id in
                datastore.schema(of: id).map { PlannedTable(id: id, schema: $0, indexIDs: datastore.indexIDs(of: id)) }
            })
    }

    /// In the order of their ids.
    package var tables: [PlannedTable] { byID.compactMap(\.self) }

    package func table(_ id: TableID) -> PlannedTable? {
        Int(id.rawValue) < byID.count ? byID[Int(id.rawValue)] : nil
    }

    // MARK: Conditions on one table

    /// The plan with the index that narrows the search most, judged by the form of the condition alone, without a look at
    /// the data: first an index whose whole unique key is given; then the one with the most columns that must equal a
    /// value; then one whose next column must be among listed values; then one with several ranges; then one with a range. If no
    /// index answers a whole condition, several may answer its alternatives.
    package func plan(_ predicate: RowPredicate, for table: TableID) -> ScanPlan {
        let full = ScanPlan(access: .table, rest: predicate == .all ? nil : predicate)
        guard let indexes = self.table(table)?.indexes, !indexes.isEmpty else { return full }
        let parts = RowPredicate.conjuncts(of: predicate.normalTerms())
        let restrictions = Restriction.all(in: parts)
        var best: (score: Int, match: IndexMatch)?
        for index in indexes {
            guard let match = IndexMatch(index, restrictions), match.score > best?.score ?? 0 else { continue }
            best = (match.score, match)
        }
        if let best { return Self.plan(best.match, parts) }
        for part in parts {
            if let access = IndexUnion.access(for: part, indexes) { return ScanPlan(access: access, rest: predicate) }
        }
        return full
    }

    /// A plan for each index that is of any use, so that tests can compare them.
    package func allPlans(_ predicate: RowPredicate, for table: TableID) -> [ScanPlan] {
        let parts = RowPredicate.conjuncts(of: predicate.normalTerms())
        let restrictions = Restriction.all(in: parts)
        let indexes = self.table(table)?.indexes ?? []
        return indexes.compactMap { IndexMatch($0, restrictions) }.map { Self.plan($0, parts) }
            + parts.compactMap { IndexUnion.access(for: $0, indexes) }.map { ScanPlan(access: $0, rest: predicate) }
    }

    private static func plan(_ match: IndexMatch, _ parts: [QueryGraph.Part]) -> ScanPlan {
        let used = match.used
        let rest = parts.indices.filter { !used.contains($0) }.map { parts[$0] }
        return ScanPlan(access: match.access, rest: rest.isEmpty ? nil : RowPredicate(joining: rest))
    }

    // MARK: Queries

    /// A plan for a query. Equal queries, statistics and options give equal plans.
    package func plan(
        _ query: BoundQuery, _ statistics: some PlanStatistics, options: PlannerOptions = PlannerOptions()
    ) -> Plan {
        let graph = QueryGraph(query, self, pushesConditions: options.pushesConditions)
        let chooser = StepChooser(
            graph: graph, estimator: Estimator(planner: self, statistics: statistics), options: options)
        var plan = Plan(answering: query)
        plan.conditions = graph.constants
        if options.usesIndexes, let steps = OrderPlanner(query, chooser).extremeSteps() {
            plan.steps = steps
            return plan
        }
        let (steps, sortedTerms) = OrderPlanner(query, chooser).steps()
        plan.steps = steps
        if sortedTerms == query.order.count { plan.order = [] } else { plan.sortedTerms = sortedTerms }
        if options.pushesConditions { plan.takeFirstOfUnseen() }
        return plan
    }
}

extension Plan {
    /// What a query does with combinations of rows, without the steps.
    init(answering query: BoundQuery) {
        self.init(
            steps: [], grouping: query.grouping, output: query.output, isDistinct: query.isDistinct, order: query.order,
            limit: query.limit, offset: query.offset, parameters: query.parameters)
    }
}
