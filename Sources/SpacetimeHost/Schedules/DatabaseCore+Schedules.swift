import SpacetimeEngine
import SpacetimeSATS

/// Calling what is due. The contract is in the article Schedules of SpacetimeKit.
extension DatabaseCore {
    /// Sets the timers of the rows that are there. From now on due rows are called, on the thread of the clock's alarm.
    package func startSchedules() throws(DatabaseError) {
        guard let scheduler else { return }
        let alarm = clock.makeAlarm { [weak self] in self?.runDueSchedules() }
        try acquire()
        defer { release() }
        for source in scheduler.sources { liveQueries.keepObserved(source.table) }
        scheduler.start(alarm, datastore.snapshot(), now: clock.now())
    }

    /// How the schedules are doing.
    package func scheduleReport() throws(DatabaseError) -> ScheduleReport {
        guard let scheduler else { return ScheduleReport() }
        try acquire()
        defer { release() }
        return scheduler.currentReport()
    }

    /// Calls what was due when this began, in order. What becomes due by that waits for the next ring, so that nothing
    /// can keep others waiting by scheduling itself again and again.
    private func runDueSchedules() {
        guard let scheduler else { return }
        let limit = clock.now()
        var newest: UInt64?
        while true {
            // Refused inside a transaction of this very thread, or because the log has failed: then there is nothing to
            // be done until somebody sets the alarm again.
            do throws(DatabaseError) { try acquireForWrite() } catch { return }
            let newestSerial = newest ?? scheduler.queue.lastSerial
            newest = newestSerial
            if state.pointee.refusal != nil {
                scheduler.stop()
                return release()
            }
            guard let (id, timer) = scheduler.queue.next(), timer.due <= limit, timer.serial <= newestSerial else {
                scheduler.resetAlarm()
                return release()
            }
            let failure = runDue(id, timer, scheduler)
            release()
            outbox.drain()
            maintainStore()
            if let failure { onScheduleFailure?(failure) }
        }
    }

    /// Calls the reducer of one row and settles what becomes of the row. With the lock held.
    private func runDue(
        _ id: TimerID, _ timer: ScheduleQueue.Timer, _ scheduler: Scheduler
    ) -> ScheduleReport.Failure? {
        let source = scheduler.sources[id.source]
        guard let row = source.row(id.key, in: datastore).map({ Array($0) }) else {
            // Every commit is followed, so there is no timer without a row. Were there one, it would mean nothing.
            scheduler.queue.remove(id)
            return nil
        }
        let now = clock.now()
        let timestamp = max(timer.due, now)
        scheduler.report.countCall(max(.zero, (now - timer.due).duration))
        var failure: ScheduleReport.Failure?
        do {
            _ = try run(
                .scheduled, reducer: source.reducer, arguments: row, as: Caller(identity: identity), at: timestamp)
        } catch {
            let failed = ScheduleReport.Failure(
                reducer: source.reducerName, table: source.tableName, key: id.key, timestamp: timestamp, error: error)
            scheduler.report.countFailure(failed)
            failure = failed
        }
        // Without writes nothing can be settled; it all happens again when the database is opened the next time.
        if state.pointee.refusal == nil { settle(id, timer, source, scheduler) }
        return failure
    }

    /// What becomes of a row that was called. If the call has set the timer anew, by another time or in another row under
    /// the key, that is another timer, and all is settled.
    private func settle(_ id: TimerID, _ timer: ScheduleQueue.Timer, _ source: Scheduler.Source, _ scheduler: Scheduler)
    {
        guard let current = scheduler.queue.timer(id), current.serial == timer.serial else { return }
        switch timer.schedule {
        case .interval: scheduler.report.skippedCount += scheduler.queue.advance(id, past: clock.now())
        case .time:
            do { try removeRow(id, of: source) } catch {
                // Only the log can have failed: the database takes no more writes then.
                scheduler.queue.remove(id)
            }
        }
    }

    /// In a transaction of its own, so that a one-shot reducer is called at least once, whatever happens in between.
    private func removeRow(_ id: TimerID, of source: Scheduler.Source) throws {
        let key = Self.keyBytes(id)
        _ = try run(
            .host, reducer: nil, arguments: [], as: Caller(identity: identity),
            after: { transaction throws(DatabaseError) in
                _ = try withBytes(of: key) { key throws(DatabaseError) in
                    try transaction.delete(source.keyIndex, key: key)
                }
            })
    }

    private static func keyBytes(_ id: TimerID) -> [UInt8] { withUnsafeBytes(of: id.key.littleEndian) { Array($0) } }
}
