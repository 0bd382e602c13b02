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

    /// The rows of a table.
    init(_ table: TableID) {
        query = nil
        tables = [table]
        deltas = []
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
        return bag.changes()
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
