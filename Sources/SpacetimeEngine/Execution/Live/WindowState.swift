/// Where a window over ordered rows begins and ends, and how it moves when a row comes or goes: `OFFSET` and `LIMIT`.
///
/// Each change moves it by one row at most, so that it is enough to know its first and its last row and to look for their
/// neighbours; nobody counts how many rows are before.
struct WindowState: BitwiseCopyable {
    let offset: Int
    let limit: Int
    private(set) var count = 0
    /// Meaningless if there are no rows.
    private(set) var first = TreeEntry(high: 0, middle: 0, item: 0)
    private(set) var last = TreeEntry(high: 0, middle: 0, item: 0)

    init(offset: Int, limit: Int) {
        self.offset = offset
        self.limit = limit
    }

    /// Rows that must be known for the window to be full.
    var reach: Int {
        let (sum, overflow) = offset.addingReportingOverflow(limit)
        return limit == 0 ? 0 : overflow ? .max : sum
    }

    /// Finds the window, at the cost of a step for each sixty rows before its end.
    mutating func locate(in rows: borrowing WindowRows) {
        count = min(limit, max(rows.count - offset, 0))
        guard count > 0, let start = rows.tree.position(at: offset),
            let end = rows.tree.position(at: offset + count - 1)
        else { return }
        first = start.entry
        last = end.entry
    }

    /// Follows a row that has come.
    ///
    /// - Parameter log: takes each row that came into the window or left it, perhaps several times.
    @inline(__always)
    mutating func didInsert(_ entry: TreeEntry, _ rows: borrowing WindowRows, _ log: inout WindowLog) {
        if limit == 0 { return }
        if count == 0 {
            guard rows.count == offset &+ 1, let only = rows.tree.last?.entry else { return }
            (first, last, count) = (only, only, 1)
            return log.add(only, 1)
        }
        let isFull = count == limit
        if rows.compare(entry, last) > 0 {
            if isFull { return }
            last = entry
            count &+= 1
            return log.add(entry, 1)
        }
        insertBeforeEnd(entry, rows, isFull: isFull, &log)
    }

    @inline(never)
    private mutating func insertBeforeEnd(
        _ entry: TreeEntry, _ rows: borrowing WindowRows, isFull: Bool, _ log: inout WindowLog
    ) {
        if rows.compare(entry, first) < 0 {
            // Everything moves on by one: the row before the first is now in the window.
            guard let before = rows.entry(before: first) else { return }
            first = before
            log.add(before, 1)
        } else {
            log.add(entry, 1)
        }
        if isFull {
            log.add(last, -1)
            last = rows.entry(before: last) ?? first
        } else {
            count &+= 1
        }
    }

    /// Follows a row that has gone.
    @inline(__always)
    mutating func didRemove(_ entry: TreeEntry, _ rows: borrowing WindowRows, _ log: inout WindowLog) {
        if count == 0 || rows.compare(entry, last) > 0 { return }
        removeBeforeEnd(entry, rows, &log)
    }

    @inline(never)
    private mutating func removeBeforeEnd(
        _ entry: TreeEntry, _ rows: borrowing WindowRows, _ log: inout WindowLog
    ) {
        let next = rows.entry(behind: last)
        let isLast = rows.compare(entry, last) == 0
        let place = rows.compare(entry, first)
        log.add(place < 0 ? first : entry, -1)
        if let next { log.add(next, 1) } else { count &-= 1 }
        if count == 0 { return }
        if place <= 0, let second = rows.entry(behind: first) { first = second }
        if let next {
            last = next
        } else if isLast, let previous = rows.entry(before: last) {
            last = previous
        }
    }
}
