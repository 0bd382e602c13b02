import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// Runs the procedures and handlers of a database, each as a task of its own, many at once.
///
/// It keeps what transactions need, and not the database: whoever lets go of that cancels what still runs.
package final class Procedures: Sendable {
    let runner: TransactionRunner
    let options: ProcedureOptions
    let sleepers: SleepQueue
    let table: ProcedureTable
    private let durable: Set<Int>

    private struct Running: Sendable {
        let call: ProcedureCall
        let task: Task<Outcome, any Error>
    }

    private struct State {
        var running: [UInt64: Running] = [:]
        var lastID: UInt64 = 0
        /// Draws what each call's random numbers follow from.
        var random: DeterministicRandom
        var isClosed = false
        /// How many run and do not sleep.
        var awakeCount = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        /// Why a durable call cannot go on, by its row.
        var problems: [UInt64: any Error] = [:]
        /// What runs the procedures of the module that has taken over; nil if none has.
        var successor: Procedures?
        /// What ran those of the module before, as long as some of them run on with its code. They keep it, and it keeps this.
        weak var predecessor: Procedures?
    }

    private let state: Mutex<State>

    init(_ runner: TransactionRunner, _ options: ProcedureOptions, durable: Set<Int>, seed: UInt64) {
        self.runner = runner
        self.options = options
        self.durable = durable
        sleepers = SleepQueue(runner.clock)
        table = ProcedureTable(runner.catalog.schema, owner: runner.catalog.owner.identity)
        state = Mutex(State(random: DeterministicRandom(seed: seed)))
    }

    // MARK: Calling

    /// Calls a procedure that is known by name, with encoded arguments, and waits for its result.
    ///
    /// Cancelling the task cancels the procedure, unless it is durable, which goes on by itself.
    ///
    /// - Parameter level: `.durable` waits until the last commit that the procedure made is on disk.
    /// - Throws: ``DatabaseError`` if the call was refused, else what the procedure threw, unwrapped.
    /// - Returns: BSATN of the result.
    package func call(
        _ name: String, arguments: [UInt8], as caller: Caller, until level: CommitLevel = .committed
    ) async throws -> [UInt8] {
        try await call(table.position(of: name, calledBy: caller), arguments, as: caller, until: level)
    }

    /// Calls a procedure that typed code names as the module does.
    package func call(
        source name: StaticString, arguments: [UInt8], as caller: Caller, until level: CommitLevel
    ) async throws -> [UInt8] {
        try await call(
            table.position(ofSource: name.description, calledBy: caller), arguments, as: caller, until: level)
    }

    private func call(
        _ position: Int, _ arguments: [UInt8], as caller: Caller, until level: CommitLevel
    ) async throws -> [UInt8] {
        let (call, task) = try start(
            .procedure(position), .arguments(arguments), as: caller, at: runner.clock.now(),
            journal: durable.contains(position) ? StepJournal() : nil)
        guard case .value(let result) = try await outcome(of: task, mayCancel: call.journal == nil) else {
            throw DatabaseError(.moduleFailure, "the procedure '\(call.name)' had no result")
        }
        if case .durable = level, let offset = call.lastOffset { try await runner.durable(offset) }
        return result
    }

    /// Has a handler answer a request.
    ///
    /// - Throws: what the handler threw, or why it could not be called.
    func answer(_ request: HTTP.Request, by handler: Int) async throws -> HTTP.Response {
        // A handler has no sender: what it does is the database's own doing.
        let (call, task) = try start(
            .handler(handler), .request(request), as: Caller(identity: runner.catalog.identity),
            at: runner.clock.now())
        guard case .response(let response) = try await outcome(of: task, mayCancel: true) else {
            throw DatabaseError(.moduleFailure, "the handler '\(call.name)' had no answer")
        }
        return response
    }

    private func outcome(of task: Task<Outcome, any Error>, mayCancel: Bool) async throws -> Outcome {
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            if mayCancel { task.cancel() }
        }
    }

    func isDurable(_ procedure: Int) -> Bool { durable.contains(procedure) }

    /// What the random numbers of a call follow from that is entered before it is started.
    func drawSeed() -> UInt64 { state.withLock { $0.random.next() } }

    /// Starts a call as a task of its own. Does not wait for it, nor for the lock.
    ///
    /// - Parameters:
    ///   - journal: of a durable call.
    ///   - isLimited: false for calls that the database has promised to make.
    ///   - whenDone: called at the end, as a part of the call.
    /// - Throws: `closed`, or `limitReached` if too many run.
    @discardableResult
    func start(
        _ function: Function, _ input: FunctionInput, as caller: Caller, at timestamp: Timestamp,
        journal: StepJournal? = nil, isLimited: Bool = true,
        whenDone: (@Sendable (Result<Outcome, any Error>) async -> Void)? = nil
    ) throws(DatabaseError) -> (call: ProcedureCall, task: Task<Outcome, any Error>) {
        let name =
            switch function.kind {
            case .handler: runner.catalog.schema.httpHandlers[function.position].sourceName
            default: table.procedures[function.position].sourceName
            }
        return try state.withLock { state throws(DatabaseError) in
            if state.isClosed { throw DatabaseError(.closed, "the database was closed; open it again to go on") }
            if isLimited, state.running.count >= options.limit {
                throw DatabaseError(
                    .limitReached, "\(state.running.count) procedures are running already; try again later")
            }
            state.lastID += 1
            let call = ProcedureCall(
                function, name: name, caller: caller, timestamp: timestamp,
                seed: journal?.seed ?? state.random.next(), id: state.lastID, self, journal: journal)
            let task = Task { [self] in try await run(call, input, whenDone) }
            state.running[call.id] = Running(call: call, task: task)
            state.awakeCount += 1
            return (call, task)
        }
    }

    private func run(
        _ call: ProcedureCall, _ input: FunctionInput,
        _ whenDone: (@Sendable (Result<Outcome, any Error>) async -> Void)?
    ) async throws -> Outcome {
        let result: Result<Outcome, any Error>
        do {
            if let journal = call.journal {
                result = .success(try await run(call, input, journal))
            } else {
                result = .success(try await runner.module.call(call.function, input, by: call))
            }
        } catch { result = .failure(error) }
        call.end()
        if case .failure(let error) = result, !(error is CancellationError), !isClosed {
            runner.log.note(error, of: call.name)
        }
        await whenDone?(result)
        didEnd(call)
        return try result.get()
    }

    private func didEnd(_ call: ProcedureCall) {
        changeAwakeCount(by: -1) { $0.running[call.id] = nil }
    }

    /// Tells the program of a failure that nobody else hears of.
    func report(_ call: ProcedureCall, _ error: any Error) {
        runner.log.note(error, of: call.name)
        options.onFailure?(
            ProcedureFailure(name: call.name, caller: call.caller.identity, timestamp: call.timestamp, error: error))
    }

    // MARK: Durable calls

    /// Runs a durable call from its first step, or from where it was, and forgets it at its end. One that was
    /// interrupted because the database was closed, or that cannot go on with the code as it is, stays.
    private func run(
        _ call: ProcedureCall, _ input: FunctionInput, _ journal: StepJournal
    ) async throws -> Outcome {
        if journal.row == nil, case .arguments(let arguments) = input { try await enter(call, arguments, journal) }
        let result: Result<Outcome, any Error>
        do {
            let outcome = try await runner.module.call(call.function, input, by: call)
            try journal.requireAllMet()
            result = .success(outcome)
        } catch { result = .failure(error) }
        if isClosed {
            throw DatabaseError(.closed, "the database was closed; '\(call.name)' goes on when it is opened")
        }
        if journal.isHandedOver, let row = journal.row, let successor = state.withLock({ $0.successor }) {
            if journal.hasStopped { return try await successor.goOn(withRow: row) }
            // It came to its end all the same.
            try await successor.forget(row)
            return try result.get()
        }
        if let row = journal.row, let problem = journal.problem {
            state.withLock { $0.problems[row] = problem }
            throw problem
        }
        try await leave(call, journal)
        return try result.get()
    }

    /// Goes on with durable calls that were interrupted.
    func resume(_ rows: [DurableCallRow]) throws(DatabaseError) {
        for row in rows {
            let position: Int
            do throws(DatabaseError) { position = try self.position(of: row) } catch {
                hold(row, error)
                continue
            }
            let failed = ResumedFailure(procedures: self, row: row)
            _ = try resume(row, position) { result in
                if case .failure(let error) = result { failed.report(error) }
            }
        }
    }

    private func resume(
        _ row: DurableCallRow, _ position: Int,
        whenDone: (@Sendable (Result<Outcome, any Error>) async -> Void)? = nil
    ) throws(DatabaseError) -> Task<Outcome, any Error> {
        try start(
            .procedure(position), .arguments(row.arguments), as: row.caller, at: row.timestamp,
            journal: StepJournal(row: row.id, seed: row.seed, recorded: row.steps), isLimited: false,
            whenDone: whenDone
        ).task
    }

    /// - Throws: why an interrupted call cannot go on.
    private func position(of row: DurableCallRow) throws(DatabaseError) -> Int {
        guard let position = table.procedures.firstIndex(where: { $0.name == row.procedure }),
            durable.contains(position)
        else {
            throw DatabaseError(
                .stepMismatch,
                "the procedure '\(row.procedure)' was interrupted and cannot go on, since the module has no durable procedure "
                    + "of that name; bring it back, or remove the call")
        }
        guard fits(row.arguments, table.procedures[position].parametersType) else {
            throw DatabaseError(
                .stepMismatch,
                "the procedure '\(row.procedure)' was interrupted and cannot go on, since its arguments are of other types now; "
                    + "bring it back under its old name, or remove the call")
        }
        return position
    }

    // MARK: Handing over

    var successor: Procedures? { state.withLock { $0.successor } }

    /// Notes who has taken over.
    ///
    /// - Returns: the durable calls that run.
    func takeSuccessor(_ successor: Procedures) -> [(StepJournal, Task<Outcome, any Error>)] {
        successor.state.withLock { $0.predecessor = self }
        return state.withLock { state in
            state.successor = successor
            return state.running.values.compactMap { running in running.call.journal.map { ($0, running.task) } }
        }
    }

    /// A call that another module began, as it goes on here.
    func resumed(_ row: UInt64) async throws -> Task<Outcome, any Error> {
        let rows = try await runner.snapshotWithOffset().0
        guard let call = try durableCallRows(in: rows).first(where: { $0.id == row }) else { throw CancellationError() }
        do throws(DatabaseError) { return try resume(call, position(of: call)) } catch {
            if error.code == .stepMismatch { hold(call, error) }
            throw error
        }
    }

    private struct ResumedFailure: Sendable {
        let procedures: Procedures
        let row: DurableCallRow

        func report(_ error: any Error) {
            if !procedures.isClosed { procedures.report(row, error) }
        }
    }

    private func fits(_ arguments: [UInt8], _ type: ProductType) -> Bool {
        var reader = BSATNReader(arguments.span.bytes)
        let typespace = runner.catalog.schema.typespace
        guard (try? AlgebraicValue(from: &reader, type: .product(type), in: typespace)) != nil else { return false }
        return reader.remaining == 0
    }

    /// Notes that a call cannot go on, and tells the program.
    private func hold(_ row: DurableCallRow, _ problem: DatabaseError) {
        state.withLock { $0.problems[row.id] = problem }
        runner.log.note(problem, of: row.procedure)
        report(row, problem)
    }

    private func report(_ row: DurableCallRow, _ error: any Error) {
        options.onFailure?(
            ProcedureFailure(
                name: row.procedure, caller: row.caller.identity, timestamp: row.timestamp, error: error))
    }

    func problem(of row: UInt64) -> (any Error)? { state.withLock { $0.problems[row] } }

    /// Cancels the call that a row stands for, if it runs, and waits for its end. It counts as ended then.
    func cancelDurableCall(_ row: UInt64) async {
        let task = state.withLock { state in
            state.problems[row] = nil
            return state.running.values.first { $0.call.journal?.row == row }?.task
        }
        task?.cancel()
        _ = await task?.result
    }

    // MARK: Sleeping, and waiting for it

    func fallsAsleep() { changeAwakeCount(by: -1) }

    func wakesUp() { changeAwakeCount(by: 1) }

    private func changeAwakeCount(by step: Int, _ change: (inout State) -> Void = { _ in }) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            change(&state)
            state.awakeCount += step
            guard state.awakeCount == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until every procedure has ended or sleeps: then nothing happens any more until the clock moves.
    package func settle() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.awakeCount > 0 { state.waiters.append(continuation) }
                return state.awakeCount == 0
            }
            if isSettled { continuation.resume() }
        }
    }

    /// True while every procedure sleeps.
    package var isSettled: Bool { state.withLock { $0.awakeCount == 0 } }

    /// How many calls run, those that sleep included.
    package var runningCount: Int { state.withLock { $0.running.count } }

    // MARK: The end

    /// Also if that is true of whoever has taken over.
    var isClosed: Bool {
        let (isClosed, successor) = state.withLock { ($0.isClosed, $0.successor) }
        return isClosed || successor?.isClosed == true
    }

    /// Cancels all calls, those too that run on with the code of modules that were replaced; no others are started. Does not wait
    /// for them.
    func close() {
        var next: Procedures? = self
        while let procedures = next {
            let tasks = procedures.state.withLock { state in
                state.isClosed = true
                next = state.predecessor
                return state.running.values.map(\.task)
            }
            for task in tasks { task.cancel() }
        }
    }
}
