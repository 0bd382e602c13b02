import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The schedule tables of a database, and the timers of their rows. Guarded by the database's lock.
///
/// Timers follow from the rows: they are made from them when the database is opened, and kept in step by observing each
/// commit. So a transaction that is rolled back leaves no trace here, and nothing of this is stored.
final class ScheduleTimers: CommitObserver {
    /// One schedule table.
    struct Source {
        let table: TableID
        let tableName: String
        /// The index of the primary key.
        let keyIndex: IndexID
        /// The reducer or procedure that is called.
        let function: Function
        let functionName: String
        private let keyColumn: ColumnOffset
        private let scheduleColumn: ColumnOffset

        init(_ schema: TableSchema, _ schedule: ScheduleSchema, in datastore: Datastore, _ module: ModuleSchema)
            throws(DatabaseError)
        {
            func refuse(_ reason: String) -> DatabaseError {
                DatabaseError(.invalidModule, "the schedule table '\(schema.name)' \(reason)")
            }
            // Reducers and procedures share one name space.
            let name = schedule.functionName
            if let reducer = module.reducers.firstIndex(where: { $0.name == name }) {
                function = .reducer(reducer)
            } else if let procedure = module.procedures.firstIndex(where: { $0.name == name }) {
                function = .procedure(procedure)
            } else {
                throw refuse("calls '\(name)', which is no reducer or procedure; only these can be scheduled")
            }
            functionName = name
            if schema.isEvent { throw refuse("is an event table, which keeps no rows; make it an ordinary one") }
            guard let table = datastore.tableID(named: schema.name),
                let index = schema.indexes.firstIndex(where: { $0.isUnique && $0.columns == schema.primaryKey }),
                let key = schema.primaryKey.first,
                let keyColumn = datastore.columnOffset(key.index, of: table),
                let scheduleColumn = datastore.columnOffset(schedule.column.index, of: table)
            else { throw refuse("needs a primary key with an index") }
            self.table = table
            tableName = schema.name
            keyIndex = datastore.indexIDs(of: table)[index]
            self.keyColumn = keyColumn
            self.scheduleColumn = scheduleColumn
        }

        /// The row must be a valid image of the table's, so that both columns lie inside of it.
        func key(of row: UnsafeRawBufferPointer) -> UInt64 {
            guard let base = row.baseAddress else { return 0 }
            return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: keyColumn.offset(in: base), as: UInt64.self))
        }

        /// The row with that key; valid until the next write.
        func row(_ key: UInt64, in datastore: Datastore) -> UnsafeRawBufferPointer? {
            withUnsafeBytes(of: key.littleEndian) { (try? datastore.find(keyIndex, key: $0)) ?? nil }
        }

        func schedule(of row: UnsafeRawBufferPointer) -> ScheduleAt {
            guard let base = row.baseAddress else { return .time(.unixEpoch) }
            let offset = scheduleColumn.offset(in: base)
            let number = Int64(littleEndian: base.loadUnaligned(fromByteOffset: offset + 1, as: Int64.self))
            return base.load(fromByteOffset: offset, as: UInt8.self) == 0
                ? .interval(TimeDuration(microseconds: number))
                : .time(Timestamp(microsecondsSinceUnixEpoch: number))
        }
    }

    let sources: [Source]
    private let positions: [TableID: Int]
    var queue = ScheduleQueue()
    var report = ScheduleReport()
    /// By the position of the source.
    private(set) var jobs: [ScheduleReport.Job]
    /// Rows with an interval whose procedure is running.
    var running: Set<TimerID> = []
    private var alarm: (any HostAlarm)?
    private var alarmTime: Timestamp?

    /// Nil if the module schedules nothing.
    init?(_ module: ModuleSchema, _ datastore: Datastore) throws(DatabaseError) {
        var sources: [Source] = []
        for table in module.tables {
            guard let schedule = table.schedule else { continue }
            sources.append(try Source(table, schedule, in: datastore, module))
        }
        if sources.isEmpty { return nil }
        self.sources = sources
        jobs = sources.map { ScheduleReport.Job(function: $0.functionName, table: $0.tableName) }
        positions = Dictionary(uniqueKeysWithValues: sources.enumerated().map { ($1.table, $0) })
    }

    deinit { alarm?.cancel() }

    /// Sets the timers of all rows: one-shots for their time, intervals from now on.
    func start(_ alarm: any HostAlarm, _ rows: DatastoreSnapshot, now: Timestamp) {
        self.alarm = alarm
        for (position, source) in sources.enumerated() {
            rows.forEachRow(of: source.table) { row in
                queue.update(TimerID(source: position, key: source.key(of: row)), source.schedule(of: row), now: now)
            }
        }
        setAlarm()
    }

    /// Nothing is called any more.
    func stop() {
        alarm?.cancel()
        alarm = nil
        alarmTime = nil
    }

    private var isRunning: Bool { alarm != nil }

    // MARK: Following commits

    /// A row that a transaction inserted under the key of one that it deleted.
    private struct Replacement {
        let id: TimerID
        let schedule: ScheduleAt
    }

    /// Those of the transaction that is about to commit.
    private var replacements: [Replacement] = []

    /// Notes the replaced rows. The net changes do not tell them from updated ones, and say nothing at all of a row that
    /// was replaced by its like.
    func prepare(_ datastore: Datastore) {
        replacements = []
        guard isRunning else { return }
        for (position, source) in sources.enumerated() {
            datastore.forEachDeletedRow(of: source.table) { row in
                let id = TimerID(source: position, key: source.key(of: row))
                guard let new = source.row(id.key, in: datastore) else { return }
                replacements.append(Replacement(id: id, schedule: source.schedule(of: new)))
            }
        }
    }

    func observe(_ commit: Commit) -> Bool {
        guard isRunning else { return false }
        var touched = !replacements.isEmpty
        for table in commit.changes?.tables ?? [] {
            guard let position = positions[table.table] else { continue }
            touched = true
            let now = commit.timestamp
            let source = sources[position]
            var present: Set<UInt64> = []
            table.inserts.forEach { row in
                let key = source.key(of: row)
                present.insert(key)
                queue.update(TimerID(source: position, key: key), source.schedule(of: row), now: now)
            }
            table.deletes.forEach { row in
                let key = source.key(of: row)
                if !present.contains(key) { queue.remove(TimerID(source: position, key: key)) }
            }
        }
        for replaced in replacements { queue.replace(replaced.id, replaced.schedule, now: commit.timestamp) }
        if touched { setAlarm() }
        // What is due is called when the alarm rings.
        return false
    }

    func end(_ reason: SubscriptionEnd) { stop() }

    private func setAlarm() {
        let due = queue.next()?.timer.due
        if due != alarmTime { setAlarm(due) }
    }

    private func setAlarm(_ due: Timestamp?) {
        alarmTime = due
        alarm?.set(due)
    }

    /// The alarm has rung and its work is done: it is set again even if its time is the same.
    func resetAlarm() { setAlarm(queue.next()?.timer.due) }

    // MARK: Counting

    func countCall(_ id: TimerID, _ lateness: Duration) {
        report.countCall(lateness)
        jobs[id.source].countCall(lateness)
    }

    func countFailure(_ id: TimerID, _ failure: ScheduleReport.Failure) {
        report.countFailure(failure)
        jobs[id.source].countFailure(failure)
    }

    func countSkipped(_ id: TimerID, _ count: UInt64) {
        report.skippedCount += count
        jobs[id.source].skippedCount += count
    }

    /// The report with what is true right now.
    func currentReport() -> ScheduleReport {
        report.pendingCount = queue.count
        report.nextDue = queue.next()?.timer.due
        report.jobs = jobs
        return report
    }
}
