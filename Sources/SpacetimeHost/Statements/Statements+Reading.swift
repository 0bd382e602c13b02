import SpacetimeDurability
import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// Statements that change nothing.
extension Statements {
    enum Outcome: Sendable {
        case done(StatementResult)
        /// To be run without the lock.
        case long(LongQuery)
    }

    /// A query that looks at more rows than this is run off the lock: so many are looked at in half a millisecond.
    static let rowsUnderLock = 8_192

    /// A query as its caller may ask it: what the rules of its tables make of it.
    private struct Asked {
        var select: PreparedSelect
        /// False for one that is explained only.
        let runs: Bool
        /// Of its parameters; none if it is not run.
        var values: [[UInt8]]
        /// The rules hide rows of its tables, of which nothing is told: not how many there are either.
        var hidesRows = false
    }

    /// Runs a statement with the lock held, which is released; or says what is to be run without it.
    func readAndRelease(_ prepared: Prepared) throws(DatabaseError) -> Outcome {
        let asked: Asked?
        do throws(DatabaseError) {
            if prepared.readsSystemTables(runner.catalog) { try runner.fillSystemTables() }
            asked = try asks(prepared)
            if let asked, asked.runs {
                _ = try runner.materialiseViews(
                    of: asked.select.bound.query, asked.values, for: prepared.request.caller)
            }
        } catch {
            runner.release()
            throw error
        }
        _ = runner.beginReadHoldingLock()
        defer { runner.endRead() }
        switch (prepared.entry, asked) {
        case (.select, let asked?): return try read(asked, prepared)
        case (.other(.explain), let asked?): return try explain(asked, prepared)
        case (.other(.show(let variable)), _): return .done(try show(variable, prepared))
        default: throw DatabaseError(.internalInconsistency, "a statement that writes was taken for one that reads")
        }
    }

    private func read(
        _ asked: Asked, _ prepared: Prepared, explained: [String]? = nil
    ) throws(DatabaseError) -> Outcome {
        let (select, values, limits) = (asked.select, asked.values, prepared.request.limits)
        let planned = try select.plan(runner.catalog.planner, runner.datastore, values)
        var run = PlanRun(planned.compiled, values: values, prepared, clock: runner.clock)
        try requireRowLimit(planned.plan, values, prepared)
        var result = UnfinishedResult(
            columns: select.bound.columns, explained: explained, hidesRows: asked.hidesRows, offset: lastOffset,
            started: prepared.started, clock: runner.clock)
        if planned.rowsExamined <= Double(Self.rowsUnderLock) {
            let allowed = min(limits.rowsExamined, Self.rowsUnderLock * 4)
            run.limits.rowsExamined = allowed
            do throws(DatabaseError) {
                return .done(result.finished(try run.run(over: runner.datastore, by: planned.runner)))
            } catch {
                // It looks at more than was thought: then once more, from the beginning, without the lock.
                guard allowed < limits.rowsExamined, planned.runner.cost.rowsExamined > allowed else { throw error }
                run.limits = limits
            }
        }
        result.isOfPicture = true
        return .long(LongQuery(planned: run, snapshot: runner.datastore.snapshot(), result: result))
    }

    /// The query that a statement is about; nil if it is about none.
    private func asks(_ prepared: Prepared) throws(DatabaseError) -> Asked? {
        var asked: Asked
        switch prepared.entry {
        case .select(let select, let literals):
            let values = try prepared.values(select.bound.query.parameters, literals)
            asked = Asked(select: select, runs: true, values: values)
        case .other(.explain(let bound, let runs)):
            let values = try runs ? prepared.values(bound.query.parameters, []) : []
            asked = Asked(select: PreparedSelect(bound), runs: runs, values: values)
        case .other: return nil
        }
        let rules = runner.catalog.rules
        if prepared.isOwner || rules.isEmpty { return asked }
        let query = asked.select.bound.query
        let form = rules.restricted(
            SessionQuery(query, values: asked.values), for: prepared.request.caller,
            owner: runner.catalog.owner.identity, runner.catalog.viewTables)
        if form.query == query { return asked }
        asked.select = asked.select.restricted(to: form.query)
        asked.hidesRows = true
        if asked.runs { asked.values = form.values }
        return asked
    }

    /// The offset of the last commit. With the lock held.
    var lastOffset: TxOffset { TxOffset(runner.state.nextOffset &- 1) }

    // MARK: The limit of rows

    /// Refuses a query of somebody else than the owner that reads more rows than the variable allows.
    private func requireRowLimit(
        _ plan: Plan, _ values: [[UInt8]], _ prepared: Prepared
    ) throws(DatabaseError) {
        guard !prepared.isOwner, let limit = try runner.allowedRows() else { return }
        try runner.require(runner.estimatedRows(plan, values, runner.datastore), atMost: limit)
    }

    private func show(_ variable: SystemVariable, _ prepared: Prepared) throws(DatabaseError) -> StatementResult {
        var rows = RowBatch()
        if let value = try runner.row(of: variable) { value.bsatn().withBytes { rows.append($0) } }
        let result = UnfinishedResult(
            columns: ProductType([("value", SystemSchemas.variable)]), offset: lastOffset, started: prepared.started,
            clock: runner.clock)
        return result.finished(RunResult(rows: rows))
    }

    // MARK: EXPLAIN

    /// The plan, one operation for each row; and, if it is to be run, what that took.
    private func explain(_ asked: Asked, _ prepared: Prepared) throws(DatabaseError) -> Outcome {
        let planner = runner.catalog.planner
        let planned = try asked.select.plan(planner, runner.datastore, asked.values)
        let lines = PlanDescription(planned.plan, planner, runner.datastore, hidesRows: asked.hidesRows).lines
        if asked.runs { return try read(asked, prepared, explained: lines) }
        let result = UnfinishedResult(
            columns: asked.select.bound.columns, explained: lines, offset: lastOffset, started: prepared.started,
            clock: runner.clock)
        return .done(result.finished(nil))
    }
}

/// What is known of a result before the rows are there.
struct UnfinishedResult: Sendable {
    let columns: ProductType
    /// The plan, if it is what is asked for.
    var explained: [String]?
    /// Nothing is told of rows that the caller does not see.
    var hidesRows = false
    let offset: TxOffset
    let started: Timestamp
    let clock: any HostClock
    /// The query runs off the lock.
    var isOfPicture = false

    /// - Parameter run: what came of the run; nil if the query was not run.
    func finished(_ run: RunResult?) -> StatementResult {
        let microseconds = clock.now().microsecondsSinceUnixEpoch - started.microsecondsSinceUnixEpoch
        let cost = run?.cost ?? QueryCost()
        let rows = run?.rows ?? RowBatch()
        var result = StatementResult(
            columns: columns, rows: rows, duration: .microseconds(microseconds), cost: cost, offset: offset)
        guard var lines = explained else { return result }
        if run != nil {
            let place = isOfPicture ? "over a picture, without the lock" : "under the lock"
            let examined = hidesRows ? "" : "\(cost.rowsExamined) rows examined, \(cost.seeks) look-ups, "
            lines.append(
                "\(cost.rowsProduced) rows of \(cost.bytesProduced) bytes, \(examined)\(microseconds) µs, \(place)")
        }
        result.columns = ProductType([("plan", .string)])
        result.rows = RowBatch()
        for line in lines { line.bsatn().withBytes { result.rows.append($0) } }
        return result
    }
}

/// What came of a run.
struct RunResult: Sendable {
    var rows = RowBatch()
    var cost = QueryCost()
}

/// A query over a picture, off the lock.
struct LongQuery: Sendable {
    var planned: PlanRun
    let snapshot: DatastoreSnapshot
    let result: UnfinishedResult

    /// On the thread that asks.
    func run() throws(DatabaseError) -> StatementResult { result.finished(try planned.run(over: snapshot)) }

    /// On a thread of its own. A cancelled task has it stopped.
    func runAside() async throws(DatabaseError) -> StatementResult {
        try await runningAside { stop throws(DatabaseError) in
            var query = self
            query.planned.patience.stop = stop
            return try query.run()
        }
    }
}

/// Runs a query on a thread of its own. A cancelled task has it stopped.
private func runningAside(
    _ body: @escaping @Sendable (StopSignal) throws(DatabaseError) -> StatementResult
) async throws(DatabaseError) -> StatementResult {
    let stop = StopSignal()
    let outcome: Result<StatementResult, DatabaseError> = await withTaskCancellationHandler {
        do throws(DatabaseError) {
            return .success(try await suspendingAside { () throws(DatabaseError) in try body(stop) })
        } catch {
            return .failure(error)
        }
    } onCancel: {
        stop.stop()
    }
    return try outcome.get()
}

// MARK: - Pictures

extension Statements {
    /// Runs a query over a picture of the database, with the rights of whoever asks. Takes the lock only to find out about
    /// the module, the first time that somebody asks for that.
    ///
    /// - Parameter picture: the tables, and the views of them.
    package func run(
        _ request: Request, over picture: PictureViews, at offset: TxOffset
    ) throws(DatabaseError) -> StatementResult { try run(request, over: picture, at: offset, nil) }

    /// Runs a query over a picture on a thread of its own. A cancelled task has it stopped.
    package func run(
        _ request: Request, over picture: PictureViews, at offset: TxOffset
    ) async throws(DatabaseError) -> StatementResult {
        try await runningAside { stop throws(DatabaseError) in try self.run(request, over: picture, at: offset, stop) }
    }

    private func run(
        _ request: Request, over picture: PictureViews, at offset: TxOffset, _ stop: StopSignal?
    ) throws(DatabaseError) -> StatementResult {
        let prepared = try prepare(request)
        let bound: BoundSelect
        var (literals, explains, runs): ([[UInt8]?], Bool, Bool) = ([], false, true)
        switch prepared.entry {
        case .select(let select, let values): (bound, literals) = (select.bound, values)
        case .other(.explain(let select, let isRun)): (bound, explains, runs) = (select, true, isRun)
        case .other:
            throw DatabaseError(.readOnly, "a snapshot answers queries only; run the statement on the database")
        }
        let values = try runs ? prepared.values(bound.query.parameters, literals) : []
        let asked = picture.restricted(SessionQuery(bound.query, values: values), for: request.caller)
        let hidesRows = asked.query != bound.query
        var snapshot = picture.snapshot
        let patience = Patience(prepared, runner.clock, stop)
        if runs {
            snapshot = try picture.snapshot(for: asked.query, asked.values, as: request.caller, waiting: patience)
        }
        if prepared.readsSystemTables(runner.catalog) { snapshot = try withSystemTables(snapshot) }
        let planner = runner.catalog.planner
        let statistics = SnapshotStatistics(snapshot, planner)
        let plan = planner.plan(asked.query, statistics)
        var result = UnfinishedResult(
            columns: bound.columns, hidesRows: hidesRows, offset: offset, started: prepared.started,
            clock: runner.clock,
            isOfPicture: true)
        if explains { result.explained = PlanDescription(plan, planner, statistics, hidesRows: hidesRows).lines }
        if !runs { return result.finished(nil) }
        if !prepared.isOwner, let limit = try runner.allowedRows(in: picture.snapshot) {
            try runner.require(runner.estimatedRows(plan, asked.values, statistics), atMost: limit)
        }
        let compiled = try PreparedSelect.compile(plan, runner.catalog.planTables)
        var run = PlanRun(compiled, values: asked.values, prepared, clock: runner.clock)
        run.patience = patience
        return result.finished(try run.run(over: snapshot))
    }

    /// The tables that describe the module never change, so those of now belong to a picture of earlier, too.
    private func withSystemTables(_ snapshot: DatastoreSnapshot) throws(DatabaseError) -> DatastoreSnapshot {
        let described = runner.catalog.systemTables.described.map(\.id)
        if described.contains(where: { snapshot.count($0) > 0 }) { return snapshot }
        try runner.acquire()
        defer { runner.release() }
        try runner.fillSystemTables()
        return snapshot.adding(described, of: runner.datastore.snapshot())
    }
}

extension Statements.Prepared {
    func duration(until now: Timestamp) -> Duration {
        .microseconds(now.microsecondsSinceUnixEpoch - started.microsecondsSinceUnixEpoch)
    }

    /// What it asks, if it is a query.
    var query: BoundQuery? {
        switch entry {
        case .select(let select, _): select.bound.query
        case .other(.explain(let select, _)): select.query
        case .other: nil
        }
    }

    /// Whether it reads tables that are filled when somebody asks for the first time.
    func readsSystemTables(_ catalog: Catalog) -> Bool {
        query?.tables.contains { catalog.systemTables.describes($0.id) } == true
    }
}
