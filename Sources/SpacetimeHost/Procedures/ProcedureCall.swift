package import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// One call of a procedure or of a handler, from its start to its end: whose it is, and what it can do.
///
/// It runs outside of transactions, beside everything else. Each transaction that it makes is one like any other: it
/// waits for the lock, and commits or is undone by itself.
package final class ProcedureCall: Sendable {
    package let function: Function
    /// As the module wrote it.
    package let name: String
    package let caller: Caller
    /// When it began, or was to begin. It stands still.
    package let timestamp: Timestamp
    /// Tells the calls of one opening of a database apart.
    let id: UInt64
    let runner: TransactionRunner
    let procedures: Procedures
    /// What is kept of it, if it is durable.
    let journal: StepJournal?

    private struct State {
        var random: DeterministicRandom
        var lastOffset: TxOffset?
        var isOver = false
        var uuidCounter: UInt32 = 0
    }

    private let state: Mutex<State>

    init(
        _ function: Function, name: String, caller: Caller, timestamp: Timestamp, seed: UInt64, id: UInt64,
        _ procedures: Procedures, journal: StepJournal? = nil
    ) {
        self.function = function
        self.name = name
        self.caller = caller
        self.timestamp = timestamp
        self.id = id
        runner = procedures.runner
        self.procedures = procedures
        self.journal = journal
        state = Mutex(State(random: DeterministicRandom(seed: seed)))
    }

    // MARK: Facts

    /// The database's identity.
    package var identity: Identity { runner.catalog.identity }
    package var owner: Identity { runner.catalog.owner.identity }
    /// The time now.
    package var now: Timestamp { runner.clock.now() }

    package func nextRandom() -> UInt64 { state.withLock { $0.random.next() } }

    /// A number that no other call of this within the procedure returned.
    package func nextUUIDCounter() -> UInt32 {
        state.withLock { state in
            state.uuidCounter &+= 1
            return state.uuidCounter
        }
    }

    /// The last commit that it made; nil if it made none.
    package var lastOffset: TxOffset? { state.withLock { $0.lastOffset } }

    func reseed(_ seed: UInt64) { state.withLock { $0.random = DeterministicRandom(seed: seed) } }

    func note(_ offset: TxOffset) { state.withLock { $0.lastOffset = max($0.lastOffset ?? offset, offset) } }

    /// Nothing can be done with it any more.
    func end() { state.withLock { $0.isOver = true } }

    func requireRunning() throws(DatabaseError) {
        guard !state.withLock({ $0.isOver }) else {
            throw DatabaseError(
                .procedureEnded,
                "the context of '\(name)' was used after that had returned; await everything that uses it before")
        }
        try journal?.requireIntact()
    }

    // MARK: Transactions

    /// Runs a body as one transaction on behalf of the caller. Suspends until the lock is free; nothing suspends
    /// within.
    ///
    /// - Throws: what the body threw; then nothing of it has happened.
    package func withTransaction<Result>(_ body: (TransactionReference) throws -> Result) async throws -> Result {
        try requireRunning()
        try Task.checkCancellation()
        return try await transact(body)
    }

    /// The same for the host itself, which also does it for a call that was cancelled or has ended.
    func transact<Result>(_ body: (TransactionReference) throws -> Result) async throws -> Result {
        var runner = runner
        while true {
            let outcome: Swift.Result<Result, any Error>
            do throws(DatabaseError) {
                outcome = try await runner.takingLock(toWrite: true) {
                    Swift.Result { try transactAndRelease(on: runner, body) }
                }
            } catch {
                runner = try successor(of: runner, behind: error)
                continue
            }
            return try outcome.get()
        }
    }

    /// Who runs the transactions of this call if one could not be begun because the module was replaced.
    ///
    /// - Throws: the error, if it was another one; or if the tables are others by now.
    func successor(of runner: TransactionRunner, behind error: DatabaseError) throws(DatabaseError) -> TransactionRunner
    {
        guard error.code == .moduleReplaced else { throw error }
        if let successor = runner.successor.withLock({ $0 }), successor.keepsIDs { return successor.runner }
        journal?.stop()
        throw DatabaseError(
            .procedureEnded,
            "the module was replaced by a new version, with other tables, while '\(name)' ran; call it again")
    }

    /// The position by which the log names the procedure; nil if it names procedures of another module by now.
    func loggedFunction(on runner: TransactionRunner) -> Int? {
        function.kind == .procedure && runner === self.runner ? function.position : nil
    }

    /// One transaction, with the lock held, which is released.
    private func transactAndRelease<Result>(
        on runner: TransactionRunner, _ body: (TransactionReference) throws -> Result
    ) throws -> Result {
        var result: Result?
        let end = try runner.runAndRelease(.procedure, function: loggedFunction(on: runner), as: caller) {
            transaction in
            result = try body(transaction)
        }
        note(end.offset)
        guard let result else {
            throw DatabaseError(.internalInconsistency, "a transaction was committed without its body")
        }
        return result
    }

    /// Runs code that cannot suspend on the calling thread, with transactions that it begins and ends itself: a
    /// guest's.
    ///
    /// One that is still open at the end is rolled back, and ``Procedures/onFailure`` is told.
    package func onThisThread<Result>(_ body: (GuestProcedure) throws -> Result) throws -> Result {
        try requireRunning()
        let guest = GuestProcedure(self)
        defer {
            if guest.rollBackIfOpen() {
                procedures.report(
                    self,
                    DatabaseError(
                        .transactionEnded,
                        "the procedure ended with a transaction open, which was rolled back; commit it before"))
            }
        }
        return try body(guest)
    }
}

extension ProcedureCall {
    // MARK: Waiting

    /// Suspends until the clock shows a time; at once if it does already.
    ///
    /// - Throws: `CancellationError` if the call is cancelled meanwhile.
    package func sleep(until time: Timestamp) async throws {
        try requireRunning()
        try Task.checkCancellation()
        guard time > now else { return await Task.yield() }
        let outcome = FirstOutcome<Void>()
        let procedures = procedures
        let serial = procedures.sleepers.add(at: time) { end in
            // Counted as awake before it is, so that nobody who waits for all to sleep overlooks it.
            procedures.wakesUp()
            outcome.resolve(end == .isTime ? .success(()) : .failure(CancellationError()))
        }
        // Behind it, so that the clock is not moved before there is something to wake up for.
        procedures.fallsAsleep()
        try await withTaskCancellationHandler {
            try await outcome.wait()
        } onCancel: {
            procedures.sleepers.cancel(serial)
        }
    }

    /// How long a request may take at most.
    package static var longestTimeout: Duration { .seconds(180) }

    /// Sends a request by the program's executor.
    ///
    /// - Throws: ``DatabaseError`` with code `httpFailure` if there is no executor, no answer in time, or if the
    ///   executor fails.
    package func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
        try requireRunning()
        try Task.checkCancellation()
        guard let executor = procedures.options.http else {
            throw DatabaseError(
                .httpFailure,
                "a procedure wants to send a request to \(request.urlWithoutQuery), but the database has nothing to send "
                    + "it with; set DatabaseOptions.http to an HTTPExecutor")
        }
        let timeout = min(max(timeout, .zero), Self.longestTimeout)
        let outcome = FirstOutcome<HTTP.Response>()
        let silence = Silence(procedures)
        let serial = procedures.sleepers.add(at: now + TimeDuration(timeout)) { end in
            guard end == .isTime else { return }
            silence.end()
            outcome.resolve(
                .failure(
                    DatabaseError(
                        .httpFailure, "\(request.urlWithoutQuery) did not answer within \(timeout)")))
        }
        defer { procedures.sleepers.cancel(serial) }
        // A task of its own, so that an executor that does not care for cancelling holds nobody up.
        let sending = Task {
            do {
                outcome.resolve(.success(try await executor.send(request, timeout: timeout)))
            } catch is UnansweredRequest {
                silence.begin()
            } catch {
                outcome.resolve(.failure(Self.failure(of: request, error)))
            }
        }
        defer { sending.cancel() }
        return try await withTaskCancellationHandler {
            try await outcome.wait()
        } onCancel: {
            silence.end()
            outcome.resolve(.failure(CancellationError()))
        }
    }

    private static func failure(of request: HTTP.Request, _ error: any Error) -> any Error {
        if error is CancellationError || error is DatabaseError { return error }
        return DatabaseError(
            .httpFailure, "the request to \(request.urlWithoutQuery) failed: \(error)", cause: error)
    }
}
