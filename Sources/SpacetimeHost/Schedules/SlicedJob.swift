import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// One job that goes through a table row by row: how far it has come, and when the next row is due. Guarded by the
/// database's lock.
///
/// A pass goes through the rows in an order of their keys that is the same each time. So all that must be remembered of
/// it is the last key, and a row has about the same place in each pass: a period lies between two of its calls.
struct SlicedJob {
    let reducer: Int
    let reducerName: String
    let table: TableID
    let tableName: String
    /// The index of the primary key.
    let keyIndex: IndexID
    /// Finds the key in a row, also without the lock.
    let keys: KeyLocator
    let period: TimeDuration

    /// When the pass began.
    var started: Timestamp
    /// The key of the last row that was called; nil at the beginning of a pass.
    var position: [UInt8]?
    /// Rows that were called in this pass.
    var done: UInt64 = 0
    /// True between two passes.
    var isFinished = false
    /// Keys that come next, in falling order.
    var batch: [[UInt8]] = []
    /// Rows of this pass, those that were called included, as far as is known.
    var total: UInt64 = 0

    var report: ScheduleReport.Job

    init(_ definition: SlicedJobDefinition, _ catalog: Catalog, now: Timestamp) throws(DatabaseError) {
        let reducer = catalog.schema.reducers[definition.reducer]
        let schema = catalog.schema.tables[definition.table]
        table = catalog.tableMap.table(at: definition.table)
        func refuse(_ reason: String) -> DatabaseError {
            DatabaseError(
                .invalidModule, "the sliced reducer '\(reducer.name)' goes through '\(schema.name)', which \(reason)")
        }
        if schema.isEvent { throw refuse("keeps no rows; make it an ordinary table") }
        let indexes = try catalog.facts(of: table).indexes
        guard let keys = KeyLocator(schema), schema.primaryKey.count == 1,
            let index = schema.indexes.firstIndex(where: { $0.isUnique && $0.columns == schema.primaryKey })
        else { throw refuse("needs a primary key of one column, by which it is known how far the job has come") }
        guard definition.period.microseconds > 0 else {
            throw refuse("takes no time; say within which a pass is to be")
        }
        self.reducer = definition.reducer
        reducerName = reducer.name
        tableName = schema.name
        keyIndex = indexes[index]
        self.keys = keys
        period = definition.period
        started = now
        report = ScheduleReport.Job(function: reducer.name, table: schema.name)
    }

    // MARK: Pace

    /// A pass is to be over when this part of its time is, so that there is time left to catch up.
    private static let tenthsOfPeriod: Int128 = 9

    /// When there is something to be done: a row to be called, keys to be gathered, or a pass to be begun.
    var due: Timestamp {
        if isFinished { return started + period }
        if batch.isEmpty || total == 0 { return started }
        let share =
            Int128(period.microseconds) * Int128(min(done + 1, total)) * Self.tenthsOfPeriod / (10 * Int128(total))
        return started + TimeDuration(microseconds: Int64(clamping: share))
    }

    /// Begins the pass that should be running by now. Those that were missed are left out.
    mutating func beginPass(now: Timestamp) {
        let late = max(0, (now - started).microseconds)
        let passes = max(1, late / period.microseconds)
        report.skippedCount += UInt64(passes - 1)
        started = started + TimeDuration(microseconds: Int64(clamping: Int128(passes) * Int128(period.microseconds)))
        position = nil
        done = 0
        total = 0
        isFinished = false
        batch = []
    }

    // MARK: Keys

    /// Keys that are gathered at once: at most so many, or a part of the table if that is more.
    private static let batchLimit = 16_384
    private static let batchesPerPass = 64

    /// The keys of the rows that come next. Goes through the whole table; to be done without the lock.
    ///
    /// - Returns: the first of them, in falling order, and how many there are in all.
    func gather(from rows: DatastoreSnapshot) -> (keys: [[UInt8]], left: UInt64) {
        let limit = max(Self.batchLimit, rows.count(table) / Self.batchesPerPass)
        var found: [[UInt8]] = []
        /// Only smaller keys can be among the first, once there are enough.
        var ceiling: [UInt8]?
        var left: UInt64 = 0
        rows.forEachRow(of: table) { row in
            let key = keys.value(of: row)
            if let position, !position.lexicographicallyPrecedes(key) { return }
            left += 1
            if let ceiling, !key.lexicographicallyPrecedes(ceiling) { return }
            found.append(Array(key))
            if found.count >= 2 * limit {
                found.sort { $0.lexicographicallyPrecedes($1) }
                found.removeLast(found.count - limit)
                ceiling = found.last
            }
        }
        found.sort { $1.lexicographicallyPrecedes($0) }
        if found.count > limit { found.removeFirst(found.count - limit) }
        return (found, left)
    }
}
