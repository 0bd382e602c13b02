import SpacetimeEngine
import SpacetimeSATS

/// Calls what is due. The contract is in the article Schedules of SpacetimeKit.
///
/// `Sendable` is unchecked: the timers are touched with the database's lock held only.
final class Scheduler: @unchecked Sendable {
    private let runner: TransactionRunner
    private let timers: ScheduleTimers
    private let followed: FollowedTables
    /// Told of each call that failed, without the lock.
    private let onFailure: (@Sendable (ScheduleReport.Failure) -> Void)?

    init(
        _ runner: TransactionRunner, _ timers: ScheduleTimers, _ followed: FollowedTables,
        onFailure: (@Sendable (ScheduleReport.Failure) -> Void)?
    ) {
        self.runner = runner
        self.timers = timers
        self.followed = followed
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
            if runner.state.pointee.refusal != nil {
                timers.stop()
                return runner.release()
            }
            guard let (id, timer) = timers.queue.next(), timer.due <= limit, timer.serial <= newestSerial else {
                timers.resetAlarm()
                return runner.release()
            }
            let failure = call(id, timer)
            runner.releaseAndFinish()
            if let failure { onFailure?(failure) }
        }
    }

    /// Calls the reducer of one row and settles what becomes of the row. With the lock held.
    private func call(_ id: TimerID, _ timer: ScheduleQueue.Timer) -> ScheduleReport.Failure? {
        let source = timers.sources[id.source]
        guard let row = source.row(id.key, in: runner.datastore).map({ Array($0) }) else {
            // Every commit is followed, so there is no timer without a row. Were there one, it would mean nothing.
            timers.queue.remove(id)
            return nil
        }
        let now = runner.clock.now()
        let timestamp = max(timer.due, now)
        timers.report.countCall(max(.zero, (now - timer.due).duration))
        var failure: ScheduleReport.Failure?
        do {
            _ = try runner.run(.scheduled, reducer: source.reducer, arguments: row, as: database, at: timestamp)
        } catch {
            let failed = ScheduleReport.Failure(
                reducer: source.reducerName, table: source.tableName, key: id.key, timestamp: timestamp, error: error)
            timers.report.countFailure(failed)
            failure = failed
        }
        // Without writes nothing can be settled; it all happens again when the database is opened the next time.
        if runner.state.pointee.refusal == nil { settle(id, timer, source) }
        return failure
    }

    /// Scheduled calls are the database's own.
    private var database: Caller { Caller(identity: runner.catalog.identity) }

    /// What becomes of a row that was called. If the call has set the timer anew, by another time or in another row under
    /// the key, that is another timer, and all is settled.
    private func settle(_ id: TimerID, _ timer: ScheduleQueue.Timer, _ source: ScheduleTimers.Source) {
        guard let current = timers.queue.timer(id), current.serial == timer.serial else { return }
        switch timer.schedule {
        case .interval: timers.report.skippedCount += timers.queue.advance(id, past: runner.clock.now())
        case .time:
            do { try removeRow(id, of: source) } catch {
                // Only the log can have failed: the database takes no more writes then.
                timers.queue.remove(id)
            }
        }
    }

    /// In a transaction of its own, so that a one-shot reducer is called at least once, whatever happens in between.
    private func removeRow(_ id: TimerID, of source: ScheduleTimers.Source) throws {
        _ = try runner.run(
            .host, reducer: nil, arguments: [], as: database,
            after: { transaction throws(DatabaseError) in
                _ = try id.key.bsatn().withBytes { key throws(DatabaseError) in
                    try transaction.delete(source.keyIndex, key: key)
                }
            })
    }
}

extension DatabaseCore {
    /// How the schedules are doing; nothing of note if there are none.
    package func scheduleReport() throws(DatabaseError) -> ScheduleReport {
        try scheduler?.report() ?? ScheduleReport()
    }
}
