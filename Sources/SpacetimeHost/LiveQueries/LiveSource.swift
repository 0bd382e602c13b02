import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSchema

/// The rows that kinds of queries choose from: those of a table, or those that a join makes. What a commit changes in them is
/// found out once for all who choose from them. Guarded by the database's lock.
final class LiveSource {
    /// What makes the rows; nil for those of a table by themselves.
    let query: BoundQuery?
    /// The tables whose changes matter, each once.
    let tables: [TableID]
    private let deltas: [Delta]
    private let outers: [Outer]
    private var bag = RowBag()
    private(set) var templates: [LiveTemplate] = []
    /// Rows of other tables that were looked at to follow the changes of a join.
    private(set) var rowsExamined: UInt64 = 0

    /// What changes of one of the tables do.
    private struct Delta {
        let slot: Int
        let table: TableID
        let runner: PlanRunner
        let isInsertOnly: Bool
    }

    /// What changes of a table behind an outer join do.
    private struct Outer {
        let left: TableID
        let right: TableID
        let affected: PlanRunner
        let before: PlanRunner
        let after: PlanRunner

        init(_ plan: OuterChanges, _ datastore: Datastore) throws(EngineError) {
            left = plan.left
            right = plan.right
            affected = PlanRunner(try CompiledPlan(plan.affected, for: datastore))
            before = PlanRunner(try CompiledPlan(plan.before, for: datastore))
            after = PlanRunner(try CompiledPlan(plan.after, for: datastore))
        }
    }

    /// The rows of a table.
    init(_ table: TableID) {
        query = nil
        tables = [table]
        deltas = []
        outers = []
    }

    /// The rows that a query makes, which has no parameters.
    ///
    /// - Parameter plan: how it is kept up to date.
    init(_ query: BoundQuery, _ plan: LivePlan, _ datastore: Datastore) throws(EngineError) {
        self.query = query
        var deltas: [Delta] = []
        var tables: [TableID] = []
        for delta in plan.deltas where !delta.pruning.isNever {
            deltas.append(
                Delta(
                    slot: delta.slot, table: delta.table,
                    runner: PlanRunner(try CompiledPlan(delta.plan, for: datastore)),
                    isInsertOnly: delta.isInsertOnly))
            if !tables.contains(delta.table) { tables.append(delta.table) }
        }
        var outers: [Outer] = []
        for changes in plan.outers where !deltas.isEmpty {
            outers.append(try Outer(changes, datastore))
            if !tables.contains(changes.right) { tables.append(changes.right) }
        }
        self.outers = outers
        self.deltas = deltas
        self.tables = tables
    }

    func add(_ template: LiveTemplate) { templates.append(template) }

    func remove(_ template: LiveTemplate) { templates.removeAll { $0 === template } }

    /// What a commit changes in the rows that a join makes, each as often as it changes.
    ///
    /// - Throws: if the change of a row cannot be computed, as of a sum that does not fit its type.
    func changes(
        by commit: PlanChanges, _ changes: ChangeSet, in datastore: Datastore, _ scratch: inout KeyScratch
    ) throws(EngineError) -> (deletes: RowBatch, inserts: RowBatch) {
        bag.removeAll()
        for delta in deltas {
            guard let table = changes[delta.table] else { continue }
            let driving = wanted(table, delta.slot, &scratch)
            if (driving ?? commit).count(.inserts, of: delta.table) > 0 {
                try run(delta, commit, driving, .inserts, datastore)
            }
            if (driving ?? commit).count(.deletes, of: delta.table) > 0, !delta.isInsertOnly {
                try run(delta, commit, driving, .deletes, datastore)
            }
        }
        for outer in outers where changes[outer.right] != nil { try follow(outer, commit, datastore) }
        return bag.changes()
    }

    /// Takes the left rows that changed rows of the right table may fit out with what they had, and in with what they have.
    private func follow(_ outer: Outer, _ commit: PlanChanges, _ datastore: Datastore) throws(EngineError) {
        var seen = RowBag()
        for side in PlanChanges.Side.allCases where commit.count(side, of: outer.right) > 0 {
            try outer.affected.run(over: datastore, changes: commit, taking: side) { row, _ in seen.add(row, 1) }
        }
        // Each once, however many changed rows it fits.
        var rows = RowBatch()
        seen.forEach { row, _ in rows.append(row) }
        if rows.isEmpty { return }
        let affected = PlanChanges(outer.left, inserts: rows)
        try outer.before.run(over: datastore, changes: commit, driving: affected) { row, times in bag.add(row, -times) }
        try outer.after.run(over: datastore, changes: commit, driving: affected) { row, times in bag.add(row, times) }
    }

    /// Of the changed rows of a table those that somebody asks for, if that can be told before they are joined: a player who
    /// moves has everything around him looked up only if somebody looks through his eyes. Nil if it cannot be told.
    private func wanted(_ table: TableChanges, _ slot: Int, _ scratch: inout KeyScratch) -> PlanChanges? {
        var tests: [(LiveTemplate, FieldKeys)] = []
        for template in templates {
            guard let keys = template.tableKeys, keys.slot == slot else { return nil }
            tests.append((template, keys.keys))
        }
        func filtered(_ rows: RowBatch) -> RowBatch {
            var kept = RowBatch()
            rows.forEach { row in
                if tests.contains(where: { $0.0.isWanted(row, $0.1, &scratch) }) { kept.append(row) }
            }
            return kept
        }
        return PlanChanges(table.table, deletes: filtered(table.deletes), inserts: filtered(table.inserts))
    }

    private func run(
        _ delta: Delta, _ commit: PlanChanges, _ driving: PlanChanges?, _ side: PlanChanges.Side,
        _ datastore: Datastore
    ) throws(EngineError) {
        let sign = side == .inserts ? 1 : -1
        try delta.runner.run(over: datastore, changes: commit, taking: side, driving: driving) { row, times in
            bag.add(row, times * sign)
        }
        rowsExamined &+= UInt64(truncatingIfNeeded: delta.runner.cost.rowsExamined)
    }
}
