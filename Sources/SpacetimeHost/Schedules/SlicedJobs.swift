import SpacetimeEngine
import SpacetimeSATS
import Synchronization

/// Calls reducers for each row of their tables, a few rows at a time.
///
/// Each row is a transaction of its own, in which the job's position is kept as well; the lock is free between two of
/// them. So nothing waits longer for a job than for one call of its reducer, and a row is called once in a pass,
/// whatever crashes in between. The clock's alarm is another one than that of the schedules, which a job cannot hold
/// up.
///
/// `Sendable` is unchecked: `jobs` and `alarm` are touched with the database's lock held only.
final class SlicedJobs: @unchecked Sendable {
    private let runner: TransactionRunner
    private let table: JobTable
    private var jobs: [SlicedJob]
    private var alarm: (any HostAlarm)?
    private let isRinging = Atomic(false)
    /// Told of each call that failed, without the lock.
    private let onFailure: (@Sendable (ScheduleReport.Failure) -> Void)?

    /// Rows in a row. Then others who wait for the clock come first, and a job that is late goes on at once.
    private static let rowsPerRing = 128

    /// Nil if the module has no such jobs.
    init?(
        _ definitions: [SlicedJobDefinition], _ runner: TransactionRunner,
        onFailure: (@Sendable (ScheduleReport.Failure) -> Void)?
    ) throws(DatabaseError) {
        guard !definitions.isEmpty, let table = runner.catalog.systemTables.jobs else { return nil }
        let now = runner.clock.now()
        var jobs: [SlicedJob] = []
        for definition in definitions { jobs.append(try SlicedJob(definition, runner.catalog, now: now)) }
        self.runner = runner
        self.table = table
        self.jobs = jobs
        self.onFailure = onFailure
    }

    deinit { alarm?.cancel() }

    /// Goes on where the jobs were, or begins their first passes.
    func start() throws(DatabaseError) {
        let alarm = runner.clock.makeAlarm { [weak self] in self?.ring() }
        try runner.acquire()
        defer { runner.releaseAndFinish() }
        for position in jobs.indices where !restore(&jobs[position]) {
            // A crash before the first call does not begin the pass anew.
            keepPosition(of: jobs[position])
        }
        self.alarm = alarm
        setAlarm()
    }

    private func setAlarm() { alarm?.set(jobs.map(\.due).min()) }

    /// With the lock held.
    func stop() {
        alarm?.cancel()
        alarm = nil
    }

    // MARK: Calling

    private func ring() {
        // A virtual clock may be moved by two threads.
        guard !isRinging.exchange(true, ordering: .acquiring) else { return }
        defer { isRinging.store(false, ordering: .releasing) }
        let limit = runner.clock.now()
        for _ in 0..<Self.rowsPerRing {
            // Refused inside a transaction of this very thread, or because the log has failed.
            do throws(DatabaseError) { try runner.acquireForWrite() } catch { return }
            if runner.state.refusal != nil {
                stop()
                return runner.release()
            }
            guard let position = jobs.indices.min(by: { jobs[$0].due < jobs[$1].due }), jobs[position].due <= limit
            else {
                setAlarm()
                return runner.release()
            }
            let failure = advance(position)
            runner.releaseAndFinish()
            if let failure { onFailure?(failure) }
        }
        do throws(DatabaseError) { try runner.acquire() } catch { return }
        setAlarm()
        runner.release()
    }

    /// Does what is due for a job: one row at most. With the lock held, which is given away while keys are gathered.
    private func advance(_ position: Int) -> ScheduleReport.Failure? {
        if jobs[position].isFinished { jobs[position].beginPass(now: runner.clock.now()) }
        if jobs[position].batch.isEmpty {
            // The first of them may not be due yet.
            if gather(position), jobs[position].batch.isEmpty { finishPass(position) }
            return nil
        }
        let due = jobs[position].due
        while let key = jobs[position].batch.popLast() {
            jobs[position].position = key
            let row = key.withBytes { (try? runner.datastore.find(jobs[position].keyIndex, key: $0)) ?? nil }
            // Rows that were deleted meanwhile are passed over.
            if let row { return call(position, key, Array(row), due) }
        }
        return nil
    }

    private func call(_ position: Int, _ key: [UInt8], _ row: [UInt8], _ due: Timestamp) -> ScheduleReport.Failure? {
        let now = runner.clock.now()
        jobs[position].report.countCall(max(.zero, (now - due).duration))
        jobs[position].done += 1
        let job = jobs[position]
        do {
            _ = try runner.run(
                .scheduled, reducer: job.reducer, arguments: row, as: database, at: now,
                after: { transaction throws(DatabaseError) in try self.keep(job, in: transaction) })
            return nil
        } catch {
            let failure = ScheduleReport.Failure(
                reducer: job.reducerName, table: job.tableName, key: Self.number(key), timestamp: now, error: error)
            jobs[position].report.countFailure(failure)
            // Its changes are undone, but the job goes on behind it.
            keepPosition(of: job)
            return failure
        }
    }

    /// Gathers the keys that come next, without the lock.
    ///
    /// - Returns: false if the lock could not be had again.
    private func gather(_ position: Int) -> Bool {
        let job = jobs[position]
        let rows = runner.datastore.snapshot()
        runner.release()
        let (keys, left) = job.gather(from: rows)
        // Only this thread, which is in no transaction, moves jobs on; so it is refused to nobody else.
        do throws(DatabaseError) { try runner.acquire() } catch { preconditionFailure("a job ran in a transaction") }
        jobs[position].batch = keys
        jobs[position].total = job.done + left
        return runner.state.refusal == nil
    }

    private func finishPass(_ position: Int) {
        jobs[position].isFinished = true
        jobs[position].report.passCount += 1
        keepPosition(of: jobs[position])
    }

    /// Scheduled calls are the database's own.
    private var database: Caller { Caller(identity: runner.catalog.identity) }

    /// For reports: the key if it is a number, else its first bytes.
    private static func number(_ key: [UInt8]) -> UInt64 {
        key.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: The position

    private func keepPosition(of job: SlicedJob) {
        // Only the log can fail: the database takes no more writes then.
        _ = try? runner.run(
            .host, reducer: nil, arguments: [], as: database,
            after: { transaction throws(DatabaseError) in try self.keep(job, in: transaction) })
    }

    private func keep(_ job: SlicedJob, in transaction: TransactionReference) throws(DatabaseError) {
        let name = job.reducerName.bsatn()
        var row = BSATNWriter()
        row.append(name)
        row.write(job.started.microsecondsSinceUnixEpoch)
        row.write(job.position ?? [])
        row.write(job.done)
        row.write(job.isFinished)
        _ = try name.withBytes { key throws(DatabaseError) in try transaction.delete(table.key, key: key) }
        _ = try row.withUnsafeMutableBytes { bytes throws(DatabaseError) in
            try transaction.insert(table.id, trusted: bytes)
        }
    }

    /// - Returns: false if nothing is kept of the job.
    private func restore(_ job: inout SlicedJob) -> Bool {
        let kept = job.reducerName.bsatn().withBytes { (try? runner.datastore.find(table.key, key: $0)) ?? nil }
        guard let kept else { return false }
        var reader = BSATNReader(RawSpan(_unsafeBytes: kept))
        guard (try? reader.readString()) != nil, let started = try? Int64(from: &reader),
            let position = try? reader.readBytes(), let done = try? reader.readU64(),
            let isFinished = try? reader.readBool()
        else { return false }
        job.started = Timestamp(microsecondsSinceUnixEpoch: started)
        job.position = position.isEmpty ? nil : position
        job.done = done
        job.isFinished = isFinished
        return true
    }

    // MARK: Reporting

    /// How the jobs are doing. With the lock held.
    func reports() -> [ScheduleReport.Job] {
        jobs.map { job in
            var report = job.report
            report.pass = ScheduleReport.Job.Pass(
                started: job.started, done: job.done, total: max(job.total, job.done), isFinished: job.isFinished)
            report.nextDue = job.due
            return report
        }
    }
}
