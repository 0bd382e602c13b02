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

    /// Runs a statement with the lock held, which is released; or says what is to be run without it.
    func readAndRelease(_ prepared: Prepared) throws(DatabaseError) -> Outcome {
        let asked: (select: PreparedSelect, values: [[UInt8]])?
        do throws(DatabaseError) {
            if prepared.readsSystemTables(runner.catalog) { try runner.fillSystemTables() }
            asked = try asks(prepared)
            if let asked {
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
        case (.select, let asked?): return try read(asked.select, asked.values, prepared)
        case (.other(.explain(let bound, _)), _): return try explain(bound, running: asked, prepared)
        case (.other(.show(let variable)), _): return .done(try show(variable, prepared))
        default: throw DatabaseError(.internalInconsistency, "a statement that writes was taken for one that reads")
        }
    }

    private func read(
        _ select: PreparedSelect, _ values: [[UInt8]], _ prepared: Prepared, explained: [String]? = nil
    ) throws(DatabaseError) -> Outcome {
        let limits = prepared.request.limits
        let planned = try select.plan(runner.catalog.planner, runner.datastore, values)
        var run = PlanRun(planned.compiled, values: values, prepared, clock: runner.clock)
        try requireRowLimit(planned.plan, values, prepared)
        var result = UnfinishedResult(
            columns: select.bound.columns, explained: explained, offset: lastOffset, started: prepared.started,
            clock: runner.clock)
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

    /// The query that is to be run, as the caller may ask it: what the rules of its tables make of it. Nil if none is.
    private func asks(_ prepared: Prepared) throws(DatabaseError) -> (PreparedSelect, [[UInt8]])? {
        let select: PreparedSelect
        var literals: [[UInt8]?] = []
        switch prepared.entry {
        case .select(let known, let values): (select, literals) = (known, values)
        case .other(.explain(let bound, runs: true)): select = PreparedSelect(bound)
        case .other: return nil
        }
        let values = try prepared.values(select.bound.query.parameters, literals)
        let rules = runner.catalog.rules
        if prepared.isOwner || rules.isEmpty { return (select, values) }
        let form = rules.restricted(
            SessionQuery(select.bound.query, values: values), for: prepared.request.caller,
            owner: runner.catalog.owner.identity, runner.catalog.viewTables)
        if form.query == select.bound.query { return (select, values) }
        var bound = select.bound
        bound.query = form.query
        return (PreparedSelect(bound), form.values)
    }

    /// The offset of the last commit. With the lock held.
    var lastOffset: TxOffset { TxOffset(runner.state.nextOffset &- 1) }

    // MARK: The limit of rows

    /// Refuses a query of somebody else than the owner that reads more rows than the variable allows.
    private func requireRowLimit(
        _ plan: Plan, _ values: [[UInt8]], _ prepared: Prepared
    ) throws(DatabaseError) {
        guard !prepared.isOwner, let limit = try runner.allowedRows() else { return }
        let rows = runner.estimatedRows(plan, values)
        if rows > Double(limit) { throw TransactionRunner.tooManyRows(rows, limit) }
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
    private func explain(
        _ bound: BoundSelect, running asked: (select: PreparedSelect, values: [[UInt8]])?, _ prepared: Prepared
    ) throws(DatabaseError) -> Outcome {
        let planner = runner.catalog.planner
        let planned = try (asked?.select ?? PreparedSelect(bound)).plan(
            planner, runner.datastore, asked?.values ?? [])
        let lines = PlanDescription(planned.plan, planner, runner.datastore).lines
        if let asked { return try read(asked.select, asked.values, prepared, explained: lines) }
        let result = UnfinishedResult(
            columns: bound.columns, explained: lines, offset: lastOffset, started: prepared.started,
            clock: runner.clock)
        return .done(result.finished(nil))
    }
}

/// What is known of a result before the rows are there.
struct UnfinishedResult: Sendable {
    let columns: ProductType
    /// The plan, if it is what is asked for.
    var explained: [String]?
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
            lines.append(
                "\(cost.rowsProduced) rows of \(cost.bytesProduced) bytes, \(cost.rowsExamined) rows examined, "
                    + "\(cost.seeks) look-ups, \(microseconds) µs, \(place)")
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
        let stop = StopSignal()
        var query = self
        query.planned.stop = stop
        let running = query
        let outcome: Result<StatementResult, DatabaseError> = await withTaskCancellationHandler {
            do throws(DatabaseError) {
                return .success(try await suspendingAside { () throws(DatabaseError) in try running.run() })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            stop.stop()
        }
        return try outcome.get()
    }
}

// MARK: - Pictures

extension Statements {
    /// Runs a query over a picture of the database, with the rights of whoever asks. Takes the lock only to find out about
    /// the module, the first time that somebody asks for that.
    ///
    /// - Parameter views: those of the picture.
    package func run(
        _ request: Request, over picture: PictureViews, at offset: TxOffset
    ) throws(DatabaseError) -> StatementResult {
        let prepared = try prepare(request)
        let bound: BoundSelect
        let literals: [[UInt8]?]
        var explains = false
        switch prepared.entry {
        case .select(let select, let values): (bound, literals) = (select.bound, values)
        case .other(.explain(let select, let runs)):
            (bound, literals) = (select, [])
            if !runs { return try explain(select, over: picture, at: offset, prepared) }
            explains = true
        case .other:
            throw DatabaseError(.readOnly, "a snapshot answers queries only; run the statement on the database")
        }
        let values = try prepared.values(bound.query.parameters, literals)
        let asked = picture.restricted(SessionQuery(bound.query, values: values), for: request.caller)
        var snapshot = try picture.snapshot(for: asked.query, asked.values, as: request.caller)
        if prepared.readsSystemTables(runner.catalog) { snapshot = try withSystemTables(snapshot) }
        let planner = runner.catalog.planner
        let plan = planner.plan(asked.query, SnapshotStatistics(snapshot, planner))
        let compiled = try PreparedSelect.compile(plan, runner.catalog.planTables)
        var result = UnfinishedResult(
            columns: bound.columns, offset: offset, started: prepared.started, clock: runner.clock, isOfPicture: true)
        if explains {
            result.explained = PlanDescription(plan, planner, SnapshotStatistics(snapshot, planner)).lines
        }
        return result.finished(
            try PlanRun(compiled, values: asked.values, prepared, clock: runner.clock).run(over: snapshot))
    }

    private func explain(
        _ bound: BoundSelect, over picture: PictureViews, at offset: TxOffset, _ prepared: Prepared
    ) throws(DatabaseError) -> StatementResult {
        var snapshot = picture.snapshot
        if prepared.readsSystemTables(runner.catalog) { snapshot = try withSystemTables(snapshot) }
        let planner = runner.catalog.planner
        let statistics = SnapshotStatistics(snapshot, planner)
        let lines = PlanDescription(planner.plan(bound.query, statistics), planner, statistics).lines
        return UnfinishedResult(
            columns: bound.columns, explained: lines, offset: offset, started: prepared.started, clock: runner.clock,
            isOfPicture: true
        ).finished(nil)
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
