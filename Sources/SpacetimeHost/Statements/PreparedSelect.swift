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
    private var planned: Planned?
    /// The rows of each table when the plan was made.
    private var sizes: [Int] = []

    init(_ bound: BoundSelect) { self.bound = bound }

    /// The plan, made anew if tables have become much larger or smaller. With the database's lock held.
    func plan(_ planner: Planner, _ datastore: Datastore) throws(DatabaseError) -> Planned {
        if let planned, isNear(datastore) { return planned }
        let made = try Self.planned(bound.query, planner, datastore)
        planned = made
        sizes = bound.query.tables.map { datastore.count($0.id) }
        return made
    }

    private func isNear(_ datastore: Datastore) -> Bool {
        for (position, table) in bound.query.tables.enumerated() {
            let (old, new) = (sizes[position], datastore.count(table.id))
            if new > old * 4 + 64 || old > new * 4 + 64 { return false }
        }
        return true
    }

    private static func planned(
        _ query: BoundQuery, _ planner: Planner, _ datastore: Datastore
    ) throws(DatabaseError) -> Planned {
        let plan = planner.plan(query, datastore)
        let examined = planner.estimate(plan, datastore).steps.reduce(0) { $0 + $1.examined }
        let compiled = try compile(plan, PlanTables(datastore))
        return Planned(plan: plan, compiled: compiled, runner: PlanRunner(compiled), rowsExamined: examined)
    }

    static func compile(_ plan: Plan, _ tables: PlanTables) throws(DatabaseError) -> CompiledPlan {
        do throws(EngineError) { return try CompiledPlan(plan, tables) } catch { throw DatabaseError(error) }
    }
}
