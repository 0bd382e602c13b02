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

    /// What changes of one of the tables do.
    private struct Delta {
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
                    table: delta.table, runner: PlanRunner(try CompiledPlan(delta.plan, for: datastore)),
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
        by commit: PlanChanges, in datastore: Datastore
    ) throws(EngineError) -> (deletes: RowBatch, inserts: RowBatch) {
        bag.removeAll()
        for delta in deltas {
            if commit.count(.inserts, of: delta.table) > 0 { try run(delta, commit, .inserts, datastore) }
            if commit.count(.deletes, of: delta.table) > 0, !delta.isInsertOnly {
                try run(delta, commit, .deletes, datastore)
            }
        }
        return bag.changes()
    }

    private func run(
        _ delta: Delta, _ commit: PlanChanges, _ side: PlanChanges.Side, _ datastore: Datastore
    ) throws(EngineError) {
        let sign = side == .inserts ? 1 : -1
        try delta.runner.run(over: datastore, changes: commit, taking: side) { row, times in
            bag.add(row, times * sign)
        }
    }
}
