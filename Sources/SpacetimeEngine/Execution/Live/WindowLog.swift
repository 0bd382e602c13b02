/// The rows that came into windows and left them while a commit is followed.
struct WindowLog: ~Copyable {
    struct Event: BitwiseCopyable {
        var window: Int32
        /// How many times more the row is in the window: 1 or -1.
        var delta: Int32
        var entry: TreeEntry
    }

    private(set) var events = Buffer<Event>(capacity: 8)
    /// The window that moves.
    var window: Int32 = 0

    init() {}

    mutating func add(_ entry: TreeEntry, _ delta: Int32) {
        events.append(Event(window: window, delta: delta, entry: entry))
    }

    mutating func removeAll() { events.removeAll(keeping: 4_096, orShrinkingTo: 8) }

    /// Sorts by window and row.
    mutating func sort(by rows: borrowing WindowRows) {
        if events.count > 32 {
            var sorted: [Event] = []
            for position in 0..<events.count { sorted.append(events[position]) }
            rows.sort(&sorted)
            for position in 0..<events.count { events[position] = sorted[position] }
            return
        }
        // A few, without memory.
        for position in 1..<max(events.count, 1) {
            let event = events[position]
            var place = position
            while place > 0, rows.isBefore(event, events[place - 1]) {
                events[place] = events[place - 1]
                place -= 1
            }
            events[place] = event
        }
    }

    /// What remains when rows that left a window and came into it again have cancelled out. Windows are told by their
    /// positions, ascending.
    mutating func netChanges(_ rows: borrowing WindowRows) -> [(window: Int, changes: RowChanges)] {
        sort(by: rows)
        var result: [(window: Int, changes: RowChanges)] = []
        var start = 0
        while start < events.count {
            let event = events[start]
            var delta: Int32 = 0
            while start < events.count, events[start].window == event.window,
                rows.compare(events[start].entry, event.entry) == 0
            {
                delta += events[start].delta
                start += 1
            }
            if delta == 0 { continue }
            let window = Int(event.window)
            if result.last?.window != window { result.append((window, RowChanges())) }
            let image = unsafe rows.image(event.entry)
            if delta < 0 {
                unsafe result[result.count - 1].changes.deletes.append(image)
            } else {
                unsafe result[result.count - 1].changes.inserts.append(image)
            }
        }
        return result
    }
}

extension WindowRows {
    func isBefore(_ left: WindowLog.Event, _ right: WindowLog.Event) -> Bool {
        left.window != right.window ? left.window < right.window : compare(left.entry, right.entry) < 0
    }

    fileprivate func sort(_ events: inout [WindowLog.Event]) { events.sort { isBefore($0, $1) } }
}
