import SpacetimeSchema

// Memory safety. Valid images: rows are those of the table.

/// What ``LiveWindows`` is, without the checks of access that an object's variables cost.
struct WindowSet: ~Copyable {
    private var rows: WindowRows
    /// By their ids; those that are gone have no limit.
    private var windows = Buffer<WindowState>(capacity: 1)
    private var freeIDs: [Int] = []
    private let tableName: String
    private let index: LiveWindows.Index?
    private let predicate: CompiledPredicate?
    /// How many rows are kept behind the last window.
    private var slack: Int
    private let leastSlack: Int
    private var log = WindowLog()
    private var isFilled = false

    /// A refill keeps one row at least for so many that it looked at: so looking costs that much for each row that goes
    /// before the next one, however hard rows are to find.
    private static let examinedPerRow = 8

    init(
        _ order: consuming WindowOrder, tableName: String, _ index: LiveWindows.Index?,
        _ predicate: CompiledPredicate?, slack: Int
    ) {
        rows = WindowRows(order)
        self.tableName = tableName
        self.index = index
        self.predicate = predicate
        leastSlack = slack
        self.slack = slack
    }

    var byteCount: Int { rows.byteCount }
    var keptCount: Int { rows.count }
    var windowCount: Int { windows.count - freeIDs.count }

    // MARK: Filling

    mutating func fill(_ row: UnsafeRawBufferPointer) {
        precondition(index == nil && !isFilled, "rows are filled in before windows are added, and not beside an index")
        unsafe rows.fill(row)
    }

    private mutating func finishFilling() {
        if isFilled { return }
        isFilled = true
        rows.buildOfFilled(isComplete: index == nil)
    }

    // MARK: Windows

    mutating func add(
        _ window: WindowState, _ datastore: Datastore, _ examinedLimit: Int
    ) throws(EngineError) -> Int {
        var window = window
        finishFilling()
        try refill(upTo: window.reach, datastore, examinedLimit)
        window.locate(in: rows)
        if let position = freeIDs.popLast() {
            windows[position] = window
            return position
        }
        windows.append(window)
        return windows.count - 1
    }

    mutating func remove(_ position: Int) {
        windows[position] = WindowState(offset: 0, limit: 0)
        freeIDs.append(position)
    }

    func rowCount(of window: Int) -> Int { windows[window].count }

    func rows(of window: Int) -> RowBatch {
        var batch = RowBatch()
        let window = windows[window]
        var position = window.count > 0 ? rows.tree.position(at: window.offset) : nil
        while batch.count < window.count, let place = position {
            unsafe batch.append(rows.image(place.entry))
            position = rows.tree.position(behind: place)
        }
        return batch
    }

    /// Rows that must be known for all windows to be full.
    private var reach: Int {
        var reach = 0
        for position in 0..<windows.count { reach = max(reach, windows[position].reach) }
        return reach
    }

    // MARK: Changes

    mutating func insert(_ row: UnsafeRawBufferPointer) -> Bool {
        if !isFilled { finishFilling() }
        guard let entry = unsafe rows.insert(row) else { return false }
        follow(entry)
        return true
    }

    private mutating func follow(_ entry: TreeEntry) {
        for position in 0..<windows.count {
            log.window = Int32(position)
            windows[position].didInsert(entry, rows, &log)
        }
    }

    mutating func delete(_ row: UnsafeRawBufferPointer) {
        if !isFilled { finishFilling() }
        guard let entry = unsafe rows.remove(row) else { return }
        for position in 0..<windows.count {
            log.window = Int32(position)
            windows[position].didRemove(entry, rows, &log)
        }
    }

    mutating func finish(_ datastore: Datastore) throws(EngineError) -> [(window: Int, changes: RowChanges)] {
        let reach = reach
        try refill(upTo: reach, datastore, .max)
        let changes = log.events.count > 0 ? log.netChanges(rows) : []
        log.removeAll()
        rows.release()
        if index != nil, rows.count - reach > 2 * slack { rows.truncate(to: reach + slack) }
        return changes
    }

    // MARK: Refilling

    @inline(__always)
    private mutating func refill(
        upTo reach: Int, _ datastore: Datastore, _ examinedLimit: Int
    ) throws(EngineError) {
        if rows.isComplete || rows.count >= reach { return }
        let (wanted, overflow) = (reach - rows.count).addingReportingOverflow(slack)
        try refill(by: overflow ? .max : wanted, datastore, examinedLimit)
    }

    /// Takes the next rows from the index, at least so many of them if there are.
    @inline(never)
    private mutating func refill(
        by wanted: Int, _ datastore: Datastore, _ examinedLimit: Int
    ) throws(EngineError) {
        guard let index, let leading = rows.leadingColumn else { return }
        let columns = datastore.schema(of: index.id)?.columns ?? []
        guard columns.dropFirst(index.prefixColumns).first?.index == leading.column else {
            throw .invalidCondition(
                table: tableName, reason: "the index of a window has no column to order by behind the prefix")
        }
        var range = IndexRange(prefix: index.prefix, prefixColumns: index.prefixColumns)
        if let value = rows.lastLeadingValue {
            if leading.isDescending { range.upper = .included(value) } else { range.lower = .included(value) }
        }
        let scan = try datastore.scan(index.id, range: range, window: ScanWindow(isReversed: leading.isDescending))
        let (examined, isAtEnd) = try fill(from: scan, wanted, examinedLimit)
        slack = max(leastSlack, examined / Self.examinedPerRow)
        if windows.count == 0 { return rows.buildOfFilled(isComplete: isAtEnd) }
        rows.beginTakingFilled(isComplete: isAtEnd)
        for position in 0..<rows.fillingCount {
            if let entry = rows.takeFilled(position) { follow(entry) }
        }
        rows.endFilling()
    }

    /// Fills in rows that are behind all that are there, until there are enough and the next one has another value in the
    /// first field: the index says nothing of the order of those that have the same.
    private mutating func fill(
        from scan: RowScan, _ wanted: Int, _ examinedLimit: Int
    ) throws(EngineError) -> (examined: Int, isAtEnd: Bool) {
        var examined = 0
        while true {
            let count = scan.refill()
            if count == 0 { return (examined, true) }
            if examined > examinedLimit { throw .budgetExceeded(what: "rows to look at", limit: examinedLimit) }
            for position in 0..<count {
                let row = unsafe scan.batch[position]
                examined += 1
                if let predicate, unsafe !predicate.matches(row) { continue }
                guard unsafe rows.isBehindAll(row) else { continue }
                if rows.fillingCount >= max(wanted, examined / Self.examinedPerRow), let last = unsafe rows.lastFilled,
                    unsafe rows.compareLeading(last, row) != 0
                {
                    return (examined, false)
                }
                unsafe rows.fill(row)
            }
        }
    }

    // MARK: Checks

    func checkInvariants() throws(InvariantViolation) {
        try rows.checkInvariants()
        for position in 0..<windows.count {
            let window = windows[position]
            var located = WindowState(offset: window.offset, limit: window.limit)
            located.locate(in: rows)
            try check(located.count == window.count, "a window of \(window.count) rows has \(located.count)")
            if window.count == 0 { continue }
            try check(
                rows.compare(window.first, located.first) == 0 && rows.compare(window.last, located.last) == 0,
                "a window begins or ends at another row")
        }
    }
}
