package import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSchema
import Synchronization

/// Plans of queries that were run, each made once for all that differ in their values only, and made anew when tables have
/// become much larger or smaller.
final class QueryPlans: Sendable {
    private struct Entry {
        let plan: CompiledPlan
        /// Of the query's tables, when the plan was made.
        let sizes: [Int]

        func fits(_ sizes: [Int]) -> Bool {
            for (old, new) in zip(self.sizes, sizes) where new > old * 4 + 64 || old > new * 4 + 64 { return false }
            return true
        }
    }

    /// So many are kept; with one more all are forgotten, which costs making again those that are in use.
    static let limit = 512

    private let entries = Mutex<[BoundQuery: Entry]>([:])

    /// - Parameter sizes: how many rows each of the query's tables has.
    func plan(
        _ query: BoundQuery, _ sizes: [Int], _ make: () throws(EngineError) -> CompiledPlan
    ) throws(EngineError) -> CompiledPlan {
        if let known = entries.withLock({ $0[query] }), known.fits(sizes) { return known.plan }
        let plan = try make()
        entries.withLock { entries in
            if entries.count >= Self.limit { entries = [:] }
            entries[query] = Entry(plan: plan, sizes: sizes)
        }
        return plan
    }
}

extension Catalog {
    /// Calls `body` with the rows of a query's result, in its order. To be called with the database's lock held; inside of a
    /// transaction what it has written is there.
    ///
    /// - Parameter body: false ends it. Must not write to the tables.
    package func forEachResult(
        of query: BoundQuery, in datastore: Datastore, _ body: (UnsafeRawBufferPointer) -> Bool
    ) throws(DatabaseError) {
        do throws(EngineError) {
            let runner = try runner(query, datastore).runner
            try runner.run(over: datastore) { row, times in runner.hand(row, times, to: body) }
        } catch { throw DatabaseError(error) }
    }

    /// Calls `body` with the rows of a query's result in a snapshot, in its order, without the database's lock.
    ///
    /// - Parameter shouldStop: asked now and then, by any thread; true ends it with an error.
    package func forEachResult(
        of query: BoundQuery, in snapshot: DatastoreSnapshot, shouldStop: (@Sendable () -> Bool)? = nil,
        _ body: (UnsafeRawBufferPointer) -> Bool
    ) throws(DatabaseError) {
        do throws(EngineError) {
            let (runner, values) = try runner(query, SnapshotStatistics(snapshot, planner))
            try runner.run(over: snapshot, binding: values, budget: QueryBudget(), shouldStop: shouldStop) {
                row, times in
                runner.hand(row, times, to: body)
            }
        } catch { throw DatabaseError(error) }
    }

    private func runner(
        _ query: BoundQuery, _ statistics: some PlanStatistics
    ) throws(EngineError) -> (runner: PlanRunner, values: [[UInt8]]) {
        let lifted = query.lifted(self)
        let sizes = query.tables.map { statistics.rowCount(of: $0.id) }
        let plan = try plans.plan(lifted.query, sizes) { () throws(EngineError) in
            try CompiledPlan(
                planner.plan(lifted.query, statistics), planTables)
        }
        let runner = PlanRunner(plan)
        try runner.bind(lifted.values)
        return (runner, lifted.values)
    }
}

extension PlanRunner {
    fileprivate func hand(_ row: UnsafeRawBufferPointer, _ times: Int, to body: (UnsafeRawBufferPointer) -> Bool) {
        for _ in 0..<times where !body(row) {
            stop()
            return
        }
    }
}

/// What is known of the tables of a snapshot without the database's lock: how many rows they have.
struct SnapshotStatistics: PlanStatistics {
    private let snapshot: DatastoreSnapshot
    private let fixed: FixedStatistics

    init(_ snapshot: DatastoreSnapshot, _ planner: Planner) {
        self.snapshot = snapshot
        fixed = FixedStatistics(
            planner, rows: Dictionary(uniqueKeysWithValues: snapshot.tableIDs.map { ($0, snapshot.count($0)) }))
    }

    func rowCount(of table: TableID) -> Int { snapshot.count(table) }

    func keyCount(of index: IndexID) -> Int { fixed.keyCount(of: index) }

    func rowCount(of access: Plan.Access) -> Int? { nil }
}
