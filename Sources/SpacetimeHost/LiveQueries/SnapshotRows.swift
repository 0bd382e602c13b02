import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSchema

/// How the rows that meet the conditions of a query are found on a snapshot, which needs no lock.
///
/// `Sendable` is unchecked for the kind of query, of which nothing is looked at that changes.
struct SnapshotRows: @unchecked Sendable {
    private enum Way {
        case table(TableID, RowPredicate)
        case plan(CompiledPlan, [[UInt8]])
        /// Rows of event tables exist only while they are delivered.
        case nothing
    }

    private let template: LiveTemplate
    private let way: Way

    /// Nobody wants the rows any more.
    struct Stopped: Error {}

    /// With the lock held.
    init(_ template: LiveTemplate, _ values: [[UInt8]], _ planner: Planner, _ datastore: Datastore) throws(EngineError)
    {
        self.template = template
        if let plan = try template.snapshotPlan(planner, datastore) {
            way = .plan(plan, values)
        } else if template.schema.isEvent {
            way = .nothing
        } else {
            way = .table(
                template.source.tables[0], try template.condition.binding(values, table: template.schema.name))
        }
    }

    /// Calls `body` with each row, as often as it is there.
    ///
    /// - Parameter isWanted: asked now and then, by each thread that looks at rows.
    func forEach(
        in snapshot: DatastoreSnapshot, _ catalog: Catalog, while isWanted: @escaping @Sendable () -> Bool,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws {
        switch way {
        case .nothing: return
        case .table(let table, let condition):
            var count = 0
            try catalog.forEachRow(of: table, in: snapshot, where: condition, while: isWanted) { row in
                body(template.visible(row))
                count += 1
                if count % 4_096 == 0, !isWanted() { throw Stopped() }
            }
            if !isWanted() { throw Stopped() }
        case .plan(let plan, let values):
            let runner = PlanRunner(plan)
            do throws(EngineError) {
                try runner.bind(values)
                try runner.run(
                    over: snapshot, binding: values, budget: QueryBudget(), shouldStop: { !isWanted() }
                ) { row, times in for _ in 0..<times { body(row) } }
            } catch {
                if case .queryStopped = error { throw Stopped() }
                throw DatabaseError(error)
            }
        }
    }
}
