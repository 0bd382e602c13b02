package import SpacetimeSchema

// Memory safety. Valid images: rows are those of the table.

/// Windows over the rows of one table in one order, kept up to date: `ORDER BY score DESC LIMIT 10 OFFSET 20`.
///
/// Whoever owns it says which rows there are: those that meet the query's conditions. After a commit it is given those that
/// went and those that came, and tells for each window which rows left it and which came into it. All windows in this order over
/// the same rows share one structure.
///
/// ```text
/// let windows = try LiveWindows(by: [.init(score, isDescending: true)], for: schema, following: index)
/// let topTen = try windows.add(offset: 0, limit: 10, in: datastore)
/// let first = windows.rows(of: topTen)
/// for (window, changes) in try windows.apply(deletes: …, inserts: …, in: datastore) { … }
/// ```
///
/// Without an index it keeps a copy of every row, in order. With an ordered index that leads to the rows in the order of the
/// first field it keeps only those up to the end of the last window and some more behind them, and looks into the index when
/// too many of these have gone. A change costs a way down a tree; one behind what is kept costs one comparison. See
/// <doc:LiveWindowsAndAggregates>.
package final class LiveWindows {
    /// Names one of the windows.
    package struct ID: Hashable, Sendable {
        fileprivate let position: Int
    }

    /// An ordered index of the table that leads to the rows of the query by the first field of the order.
    package struct Index: Hashable, Sendable {
        package var id: IndexID
        /// The values of the leading columns in all rows of the query, in BSATN; the column behind them is the first field
        /// of the order, as a whole.
        package var prefix: [UInt8]
        package var prefixColumns: Int

        package init(_ id: IndexID, prefix: [UInt8] = [], prefixColumns: Int = 0) {
            self.id = id
            self.prefix = prefix
            self.prefixColumns = prefixColumns
        }
    }

    private struct Event: BitwiseCopyable {
        var window: Int32
        var delta: Int32
        var entry: TreeEntry

        init(_ window: Int32, _ entry: TreeEntry, _ delta: Int32) {
            self.window = window
            self.delta = delta
            self.entry = entry
        }
    }

    private var rows: WindowRows
    /// By their ids; those that are gone have no limit.
    private var windows = Buffer<WindowState>(capacity: 1)
    private var freeIDs: [Int] = []
    private let tableName: String
    private let index: Index?
    private let predicate: CompiledPredicate?
    /// How many rows are kept behind the last window.
    private var slack: Int
    private let leastSlack: Int
    private var events = Buffer<Event>(capacity: 8)
    private var isFilled = false

    /// A refill keeps one row at least for so many that it looked at: so looking costs that much for each row that goes
    /// before the next one, however hard rows are to find.
    private static let examinedPerRow = 8

    /// - Parameters:
    ///   - index: if nil, all rows are kept here, and ``fill(_:)`` has to be called with each before windows are added.
    ///   - predicate: what rows found by the index must meet.
    ///   - slack: rows kept behind the last window, at least.
    /// - Throws: `invalidCondition` if a field is not there, or the first one cannot come from an index.
    package init(
        by terms: [RowOrder.Term], for schema: TableSchema, following index: Index? = nil,
        where predicate: CompiledPredicate? = nil, slack: Int = 64
    ) throws(EngineError) {
        let order = try RowOrder(terms, for: schema)
        if index != nil, order.leadingColumn == nil {
            throw .invalidCondition(
                table: schema.name, reason: "no index has the rows in the order of a part of a column")
        }
        rows = WindowRows(order)
        tableName = schema.name
        self.index = index
        self.predicate = predicate
        leastSlack = slack
        self.slack = slack
    }

    /// Bytes of all memory.
    package var byteCount: Int { rows.byteCount }
    /// Rows of which a copy is kept.
    package var keptCount: Int { rows.count }
    /// The number of windows.
    package var count: Int { windows.count - freeIDs.count }

    // MARK: Filling

    /// Adds one of the rows that there are when it is made, if there is no index. They may come in any order, from a snapshot
    /// too, if the changes since follow before any window is added.
    package func fill(_ row: UnsafeRawBufferPointer) {
        precondition(index == nil && !isFilled, "rows are filled in before windows are added, and not beside an index")
        unsafe rows.fill(row)
    }

    private func finishFilling() {
        if isFilled { return }
        isFilled = true
        rows.buildOfFilled(isComplete: index == nil)
    }

    // MARK: Windows

    /// Adds a window. Its rows may be had at once.
    ///
    /// - Parameter datastore: what the table is in, as it was left by the commit that was applied last.
    /// - Throws: if the index is not there.
    package func add(offset: Int, limit: Int, in datastore: Datastore) throws(EngineError) -> ID {
        var window = WindowState(offset: max(offset, 0), limit: max(limit, 0))
        finishFilling()
        try refill(upTo: window.reach, datastore)
        window.locate(in: rows)
        if let position = freeIDs.popLast() {
            windows[position] = window
            return ID(position: position)
        }
        windows.append(window)
        return ID(position: windows.count - 1)
    }

    /// Forgets a window. What is kept for it goes with one of the next commits.
    package func remove(_ id: ID) {
        windows[id.position] = WindowState(offset: 0, limit: 0)
        freeIDs.append(id.position)
    }

    /// The rows of a window, in order.
    package func rows(of id: ID) -> RowBatch {
        var batch = RowBatch()
        let window = windows[id.position]
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

    /// Follows a row that came into the query; ``finish(in:)`` tells what that changed.
    package func insert(_ row: UnsafeRawBufferPointer) {
        if !isFilled { finishFilling() }
        guard let entry = unsafe rows.insert(row) else { return }
        follow(entry)
    }

    @inline(__always)
    private func follow(_ entry: TreeEntry) {
        for position in 0..<windows.count {
            windows[position].didInsert(entry, rows) { events.append(Event(Int32(position), $0, $1)) }
        }
    }

    /// Follows a row that left the query; ``finish(in:)`` tells what that changed.
    package func delete(_ row: UnsafeRawBufferPointer) {
        if !isFilled { finishFilling() }
        guard let entry = unsafe rows.remove(row) else { return }
        for position in 0..<windows.count {
            windows[position].didRemove(entry, rows) { events.append(Event(Int32(position), $0, $1)) }
        }
    }

    /// The net changes of the windows since the last time: those that changed, in the order of their ids. The rows of each are in
    /// the order of the window.
    ///
    /// - Parameter datastore: what the table is in, with the changes that were followed and no others.
    /// - Throws: if the index is not there.
    package func finish(in datastore: Datastore) throws(EngineError) -> [(window: ID, changes: RowChanges)] {
        let reach = reach
        try refill(upTo: reach, datastore)
        let changes = events.count > 0 ? netChanges() : []
        events.removeAll(keeping: 4_096, orShrinkingTo: 8)
        rows.release()
        if index != nil, rows.count - reach > 2 * slack { rows.truncate(to: reach + slack) }
        return changes
    }

    /// What a commit does to the windows.
    ///
    /// - Parameters:
    ///   - deletes: rows of the query that went.
    ///   - inserts: rows of the query that came.
    package func apply(
        deletes: RowBatch, inserts: RowBatch, in datastore: Datastore
    ) throws(EngineError) -> [(window: ID, changes: RowChanges)] {
        unsafe deletes.forEach { unsafe delete($0) }
        unsafe inserts.forEach { unsafe insert($0) }
        return try finish(in: datastore)
    }

    /// Rows that left a window and came into it again cancel out.
    private func netChanges() -> [(window: ID, changes: RowChanges)] {
        sortEvents()
        var result: [(window: ID, changes: RowChanges)] = []
        var start = 0
        while start < events.count {
            let event = events[start]
            var delta: Int32 = 0
            var end = start
            while end < events.count, events[end].window == event.window,
                rows.compare(events[end].entry, event.entry) == 0
            {
                delta += events[end].delta
                end += 1
            }
            start = end
            if delta == 0 { continue }
            let id = ID(position: Int(event.window))
            if result.last?.window != id { result.append((id, RowChanges())) }
            let image = unsafe rows.image(event.entry)
            if delta < 0 {
                unsafe result[result.count - 1].changes.deletes.append(image)
            } else {
                unsafe result[result.count - 1].changes.inserts.append(image)
            }
        }
        return result
    }

    /// Sorts by window and row.
    private func sortEvents() {
        if events.count > 32 {
            var sorted: [Event] = []
            for position in 0..<events.count { sorted.append(events[position]) }
            sorted.sort { isBefore($0, $1) }
            for position in 0..<events.count { events[position] = sorted[position] }
            return
        }
        // A few, without memory.
        for position in 1..<max(events.count, 1) {
            let event = events[position]
            var place = position
            while place > 0, isBefore(event, events[place - 1]) {
                events[place] = events[place - 1]
                place -= 1
            }
            events[place] = event
        }
    }

    private func isBefore(_ left: Event, _ right: Event) -> Bool {
        left.window != right.window ? left.window < right.window : rows.compare(left.entry, right.entry) < 0
    }

    // MARK: Refilling

    @inline(__always)
    private func refill(upTo reach: Int, _ datastore: Datastore) throws(EngineError) {
        if rows.isComplete || rows.count >= reach { return }
        let (wanted, overflow) = (reach - rows.count).addingReportingOverflow(slack)
        try refill(by: overflow ? .max : wanted, datastore)
    }

    /// Takes the next rows from the index, at least so many of them if there are.
    @inline(never)
    private func refill(by wanted: Int, _ datastore: Datastore) throws(EngineError) {
        guard let index, let leading = rows.leadingColumn else { return }
        guard datastore.schema(of: index.id)?.columns.dropFirst(index.prefixColumns).first?.index == leading.column
        else {
            throw .invalidCondition(
                table: tableName, reason: "the index of a window has no column to order by behind the prefix")
        }
        var range = IndexRange(prefix: index.prefix, prefixColumns: index.prefixColumns)
        if let value = rows.lastLeadingValue {
            if leading.isDescending { range.upper = .included(value) } else { range.lower = .included(value) }
        }
        let scan = try datastore.scan(
            index.id, range: range, window: ScanWindow(isReversed: leading.isDescending))
        let (examined, isAtEnd) = fill(from: scan, wanted)
        slack = max(leastSlack, examined / Self.examinedPerRow)
        if windows.count == 0 { return rows.buildOfFilled(isComplete: isAtEnd) }
        rows.takeFilled(isComplete: isAtEnd) { rows, entry in
            for position in 0..<windows.count {
                windows[position].didInsert(entry, rows) { events.append(Event(Int32(position), $0, $1)) }
            }
        }
    }

    /// Fills in rows that are behind all that are there, until there are enough and the next one has another value in the
    /// first field: the index says nothing of the order of those that have the same.
    private func fill(from scan: RowScan, _ wanted: Int) -> (examined: Int, isAtEnd: Bool) {
        var examined = 0
        while true {
            let count = scan.refill()
            if count == 0 { return (examined, true) }
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

    /// For tests: the structure, and each window against its bounds.
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
