import SpacetimeEngine
import SpacetimeQuery

/// A query that was bound, and the plan that was made for it.
///
/// `Sendable` is unchecked: what is bound never changes, and the rest is touched with the database's lock held only.
final class PreparedSelect: @unchecked Sendable {
    /// A plan, and what it takes to run it under the lock.
    struct Planned {
        let plan: Plan
        let compiled: CompiledPlan
        let runner: PlanRunner
        /// Rows that are thought to be looked at.
        let rowsExamined: Double
    }

    let bound: BoundSelect
    /// The plans, each for values that find about as much.
    private var plans: [(magnitudes: [UInt8], planned: Planned)] = []
    private var ranges: ValueRanges?
    /// The rows of each table when the plans were made.
    private var sizes: [Int] = []

    /// What rules make of it, the same for all whom they restrict.
    private var restricted: PreparedSelect?

    private static let planLimit = 8

    init(_ bound: BoundSelect) { self.bound = bound }

    /// The same with another query, which returns the same columns: as those may ask it who do not see all rows. With the
    /// database's lock held.
    func restricted(to query: BoundQuery) -> PreparedSelect {
        if let restricted, restricted.bound.query == query { return restricted }
        var bound = bound
        bound.query = query
        let made = PreparedSelect(bound)
        restricted = made
        return made
    }

    /// The plan for values of the parameters, made anew if tables have become much larger or smaller. With the database's
    /// lock held.
    func plan(_ planner: Planner, _ datastore: Datastore, _ values: [[UInt8]]) throws(DatabaseError) -> Planned {
        if !isNear(datastore) {
            plans = []
            sizes = bound.query.tables.map { datastore.count($0.id) }
        }
        let ranges = self.ranges ?? ValueRanges(of: bound.query, planner)
        if self.ranges == nil { self.ranges = ranges }
        let magnitudes = ranges.isEmpty ? [] : ranges.magnitudes(values, datastore)
        if let known = plans.first(where: { $0.magnitudes == magnitudes }) { return known.planned }
        let made = try Self.planned(bound.query, planner, datastore, values)
        if plans.count >= Self.planLimit { plans.removeFirst() }
        plans.append((magnitudes, made))
        return made
    }

    private func isNear(_ datastore: Datastore) -> Bool {
        if sizes.count != bound.query.tables.count { return false }
        for (position, table) in bound.query.tables.enumerated() {
            let (old, new) = (sizes[position], datastore.count(table.id))
            if new > old * 4 + 64 || old > new * 4 + 64 { return false }
        }
        return true
    }

    private static func planned(
        _ query: BoundQuery, _ planner: Planner, _ datastore: Datastore, _ values: [[UInt8]]
    ) throws(DatabaseError) -> Planned {
        let statistics = ValuedStatistics(datastore, values)
        let plan = planner.plan(query, statistics)
        let examined = planner.estimate(plan, statistics).steps.reduce(0) { $0 + $1.examined }
        let compiled = try compile(plan, PlanTables(datastore))
        return Planned(plan: plan, compiled: compiled, runner: PlanRunner(compiled), rowsExamined: examined)
    }

    static func compile(_ plan: Plan, _ tables: PlanTables) throws(DatabaseError) -> CompiledPlan {
        do throws(EngineError) { return try CompiledPlan(plan, tables) } catch { throw DatabaseError(error) }
    }
}
