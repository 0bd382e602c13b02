import SpacetimeEngine
import SpacetimeSATS
import Synchronization

/// One run of a plan: with its values, within its limits.
struct PlanRun: Sendable {
    let plan: CompiledPlan
    let values: [[UInt8]]
    var limits: QueryLimits
    var patience: Patience
    /// Of runs over snapshots.
    var sharing = ScanSharing()

    init(_ plan: CompiledPlan, values: [[UInt8]], _ prepared: Statements.Prepared, clock: any HostClock) {
        self.plan = plan
        self.values = values
        limits = prepared.request.limits
        patience = Patience(prepared, clock)
    }

    private var budget: QueryBudget {
        QueryBudget(
            rowsExamined: limits.rowsExamined, rowsProduced: limits.rows, bytesProduced: limits.bytes,
            bytesKept: limits.bytes, shouldStop: patience.shouldStop)
    }

    /// - Parameters:
    ///   - runner: of the plan, if there is one that nobody else uses.
    ///   - changes: the rows that the plan goes by, if it does.
    func run(
        over datastore: Datastore, by runner: PlanRunner? = nil, changes: PlanChanges? = nil
    ) throws(DatabaseError) -> RunResult {
        let runner = runner ?? PlanRunner(plan)
        var rows = RowBatch()
        do throws(EngineError) {
            try runner.bind(values)
            try runner.run(over: datastore, changes: changes, budget: budget) { row, times in
                for _ in 0..<times { rows.append(row) }
            }
        } catch {
            throw patience.error(error)
        }
        return RunResult(rows: rows, cost: runner.cost)
    }

    func run(over snapshot: DatastoreSnapshot) throws(DatabaseError) -> RunResult {
        let runner = PlanRunner(plan)
        var rows = RowBatch()
        do throws(EngineError) {
            try runner.bind(values)
            try runner.run(
                over: snapshot, binding: values, budget: budget, shouldStop: patience.shouldStop, sharing
            ) { row, times in for _ in 0..<times { rows.append(row) } }
        } catch {
            throw patience.error(error)
        }
        return RunResult(rows: rows, cost: runner.cost)
    }
}

/// How long a statement is waited for: until its time is up, its task is cancelled, or nobody wants it any more.
struct Patience: Sendable {
    private let time: Duration?
    private let deadline: Timestamp?
    private let clock: any HostClock
    private let isCancelled: (@Sendable () -> Bool)?
    /// Says that nobody waits for the result any more.
    var stop: StopSignal?

    init(_ prepared: Statements.Prepared, _ clock: any HostClock, _ stop: StopSignal? = nil) {
        time = prepared.request.limits.time
        deadline = time.map { prepared.started + TimeDuration($0) }
        isCancelled = prepared.request.isCancelled
        self.clock = clock
        self.stop = stop
    }

    /// Asked now and then, by any thread; nil if there is no end to it.
    var shouldStop: (@Sendable () -> Bool)? {
        if deadline == nil, isCancelled == nil, stop == nil { return nil }
        return { isOver }
    }

    var isOver: Bool { isGivenUp || deadline.map { clock.now() > $0 } == true }

    private var isGivenUp: Bool { stop?.isStopped == true || isCancelled?() == true }

    /// What came of a run that an error ended.
    func error(_ error: EngineError) -> DatabaseError {
        guard case .queryStopped = error else { return DatabaseError(error) }
        return stopped(cause: error)
    }

    func stopped(cause: (any Error)? = nil) -> DatabaseError {
        if isGivenUp {
            return DatabaseError(.stopped, "the statement was stopped, since its task was cancelled", cause: cause)
        }
        let time = time.map { "\($0)" } ?? "than it may"
        return DatabaseError(
            .stopped,
            "the statement was stopped, since it took longer than \(time); ask for fewer rows, by conditions on indexed "
                + "columns, or raise the limit", cause: cause)
    }
}

/// Says that nobody waits for a result any more.
final class StopSignal: Sendable {
    private let isSet = Atomic(false)

    func stop() { isSet.store(true, ordering: .relaxed) }

    var isStopped: Bool { isSet.load(ordering: .relaxed) }
}
