import SpacetimeEngine
import SpacetimeSATS

/// Calls what is due. The contract is in the article Schedules of SpacetimeKit.
///
/// `Sendable` is unchecked: the timers are touched with the database's lock held only.
final class Scheduler: @unchecked Sendable {
    private let runner: TransactionRunner
    private let timers: ScheduleTimers
    private let followed: FollowedTables
    private let procedures: Procedures
    /// Told of each call that failed, without the lock.
    private let onFailure: (@Sendable (ScheduleReport.Failure) -> Void)?

    init(
        _ runner: TransactionRunner, _ timers: ScheduleTimers, _ followed: FollowedTables, _ procedures: Procedures,
        onFailure: (@Sendable (ScheduleReport.Failure) -> Void)?
    ) {
        self.runner = runner
        self.timers = timers
        self.followed = followed
        self.procedures = procedures
        self.onFailure = onFailure
    }

    /// Sets the timers of the rows that are there. From now on due rows are called, on the thread of the clock's alarm.
    func start() throws(DatabaseError) {
        let alarm = runner.clock.makeAlarm { [weak self] in self?.runDue() }
        try runner.acquire()
        defer { runner.release() }
        for source in timers.sources { followed.follow(source.table) }
        timers.start(alarm, runner.datastore.snapshot(), now: runner.clock.now())
    }

    /// Calls nothing any more. With the lock held.
    func stop() { timers.stop() }

    /// When the next call is due. With the lock held.
    var nextDue: Timestamp? { timers.queue.next()?.timer.due }

    /// How the schedules are doing.
    func report() throws(DatabaseError) -> ScheduleReport {
        try runner.acquire()
        defer { runner.release() }
        return timers.currentReport()
    }

    /// Calls what was due when this began, in order. What becomes due by that waits for the next ring, so that nothing
    /// can keep others waiting by scheduling itself again and again.
    private func runDue() {
        let limit = runner.clock.now()
        var newest: UInt64?
        while true {
            // Refused inside a transaction of this very thread, or because the log has failed: then there is nothing to
            // be done until somebody sets the alarm again.
            do throws(DatabaseError) { try runner.acquireForWrite() } catch { return }
            let newestSerial = newest ?? timers.queue.lastSerial
            newest = newestSerial
            if runner.state.refusal != nil {
                timers.stop()
                return runner.release()
            }
            guard let (id, timer) = timers.queue.next(), timer.due <= limit, timer.serial <= newestSerial else {
                timers.resetAlarm()
                return runner.release()
            }
            let followUp = call(id, timer)
            runner.releaseAndFinish()
            followUp?()
        }
    }

    /// Calls what is due for one row and settles what becomes of the row. With the lock held.
    ///
    /// - Returns: what is to be done without the lock.
    private func call(_ id: TimerID, _ timer: ScheduleQueue.Timer) -> (() -> Void)? {
        let source = timers.sources[id.source]
        guard let row = source.row(id.key, in: runner.datastore).map({ Array($0) }) else {
            // Every commit is followed, so there is no timer without a row. Were there one, it would mean nothing.
            timers.queue.remove(id)
            return nil
        }
        if timers.running.contains(id), case .interval = timer.schedule {
            timers.countSkipped(id, 1 + timers.queue.advance(id, past: runner.clock.now()))
            return nil
        }
        let now = runner.clock.now()
        timers.countCall(id, max(.zero, (now - timer.due).duration))
        let due = DueRow(
            id: id, timer: timer, function: source.function, functionName: source.functionName,
            tableName: source.tableName, row: row, timestamp: max(timer.due, now))
        return source.function.kind == .procedure ? callProcedure(due, source) : callReducer(due, source)
    }

    /// A row whose time has come.
    private struct DueRow: Sendable {
        let id: TimerID
        let timer: ScheduleQueue.Timer
        let function: Function
        let functionName: String
        let tableName: String
        let row: [UInt8]
        /// The time of the call.
        let timestamp: Timestamp

        func failure(_ error: any Error) -> ScheduleReport.Failure {
            ScheduleReport.Failure(
                reducer: functionName, table: tableName, key: id.key, timestamp: timestamp, error: error)
        }
    }

    /// Calls the reducer, and then settles what becomes of the row.
    private func callReducer(_ due: DueRow, _ source: ScheduleTimers.Source) -> (() -> Void)? {
        var failure: ScheduleReport.Failure?
        do {
            _ = try runner.run(
                .scheduled, reducer: due.function.position, arguments: due.row, as: database, at: due.timestamp)
        } catch {
            let failed = due.failure(error)
            timers.countFailure(due.id, failed)
            failure = failed
        }
        // Without writes nothing can be settled; it all happens again when the database is opened the next time.
        if runner.state.refusal == nil { settle(due.id, due.timer, source) }
        guard let failure, let onFailure else { return nil }
        return { onFailure(failure) }
    }

    /// Settles what becomes of the row, so that it is called once at most, and starts the procedure: it runs beside the
    /// others, which it cannot hold up. One that is durable is entered in the transaction that deletes the row, so that
    /// it is neither lost nor begun twice.
    private func callProcedure(_ due: DueRow, _ source: ScheduleTimers.Source) -> (() -> Void)? {
        let position = due.function.position
        var journal = procedures.isDurable(position) ? StepJournal() : nil
        switch due.timer.schedule {
        case .interval:
            timers.countSkipped(due.id, timers.queue.advance(due.id, past: runner.clock.now()))
            timers.running.insert(due.id)
        case .time:
            let seed = procedures.drawSeed()
            var entered: UInt64?
            do {
                try removeRow(due.id, of: source) { [procedures] transaction throws(DatabaseError) in
                    guard procedures.isDurable(position) else { return }
                    entered = try procedures.enter(
                        position, due.row, as: self.database, at: due.timestamp, seed: seed, in: transaction)
                }
            } catch {
                // Only the log can have failed: the database takes no more writes then.
                timers.queue.remove(due.id)
                return nil
            }
            if let entered { journal = StepJournal(row: entered, seed: seed, recorded: []) }
        }
        return { [self, journal] in
            // It fails only if the database was closed meanwhile, and then it is all the same.
            _ = try? procedures.start(
                due.function, .arguments(due.row), as: database, at: due.timestamp, journal: journal,
                isLimited: false, whenDone: { [weak self] in await self?.didRun(due, $0) })
        }
    }

    private func didRun(_ due: DueRow, _ result: Result<Outcome, any Error>) async {
        var failure: ScheduleReport.Failure?
        if case .failure(let error) = result, !procedures.isClosed { failure = due.failure(error) }
        // The lock is refused inside a transaction only, and this is none.
        try? await runner.takingLock {
            timers.running.remove(due.id)
            if let failure { timers.countFailure(due.id, failure) }
            runner.release()
        }
        if let failure { onFailure?(failure) }
    }

    /// Scheduled calls are the database's own.
    private var database: Caller { Caller(identity: runner.catalog.identity) }

    /// What becomes of a row that was called. If the call has set the timer anew, by another time or in another row under
    /// the key, that is another timer, and all is settled.
    private func settle(_ id: TimerID, _ timer: ScheduleQueue.Timer, _ source: ScheduleTimers.Source) {
        guard let current = timers.queue.timer(id), current.serial == timer.serial else { return }
        switch timer.schedule {
        case .interval: timers.countSkipped(id, timers.queue.advance(id, past: runner.clock.now()))
        case .time:
            do { try removeRow(id, of: source) } catch {
                // Only the log can have failed: the database takes no more writes then.
                timers.queue.remove(id)
            }
        }
    }

    /// In a transaction of its own, so that a one-shot reducer is called at least once, whatever happens in between.
    private func removeRow(
        _ id: TimerID, of source: ScheduleTimers.Source,
        and body: (TransactionReference) throws(DatabaseError) -> Void = { _ in }
    ) throws {
        _ = try runner.run(
            .host, reducer: nil, arguments: [], as: database,
            after: { transaction throws(DatabaseError) in
                _ = try id.key.bsatn().withBytes { key throws(DatabaseError) in
                    try transaction.delete(source.keyIndex, key: key)
                }
                try body(transaction)
            })
    }
}

extension DatabaseCore {
    /// How the schedules are doing; nothing of note if there are none.
    package func scheduleReport() throws(DatabaseError) -> ScheduleReport {
        var report = try scheduler?.report() ?? ScheduleReport()
        guard let slicedJobs else { return report }
        try runner.acquire()
        defer { runner.release() }
        report.jobs += slicedJobs.reports()
        return report
    }
}
