import HeapModule
import SpacetimeSATS

/// The row that a timer stands for.
struct TimerID: Hashable {
    /// Position of the schedule table in the scheduler's list.
    let source: Int
    /// The row's primary key.
    let key: UInt64
}

/// When the rows of schedule tables are due. Pure: told what changed and what time it is, it says what is next.
///
/// Timers that are due at one time come in the order in which they were set, so that equal histories make equal calls.
struct ScheduleQueue {
    struct Timer: Hashable {
        /// What the row says.
        var schedule: ScheduleAt
        var due: Timestamp
        /// Grows with each timer that is set. A row whose timer was set anew has another one.
        var serial: UInt64
    }

    /// What lies in the heap: a timer as it was when it was set. Stale if the timer has another serial by now.
    private struct Entry: Comparable {
        let due: Timestamp
        let serial: UInt64
        let id: TimerID

        static func < (left: Entry, right: Entry) -> Bool { (left.due, left.serial) < (right.due, right.serial) }
    }

    private var timers: [TimerID: Timer] = [:]
    private var heap = Heap<Entry>()
    private(set) var lastSerial: UInt64 = 0

    /// Shorter intervals count as this long, since a row that is due again at once would leave no time for anything else.
    static let shortestPeriodInMicroseconds: Int64 = 1_000

    var count: Int { timers.count }

    func timer(_ id: TimerID) -> Timer? { timers[id] }

    /// A row was inserted or updated. An update that leaves the schedule alone leaves the timer alone.
    mutating func update(_ id: TimerID, _ schedule: ScheduleAt, now: Timestamp) {
        if timers[id]?.schedule != schedule { set(id, schedule, due: Self.firstDue(schedule, now: now)) }
    }

    /// Another row has the key now, even if it says the same: its timer is its own.
    mutating func replace(_ id: TimerID, _ schedule: ScheduleAt, now: Timestamp) {
        set(id, schedule, due: Self.firstDue(schedule, now: now))
    }

    mutating func remove(_ id: TimerID) { timers[id] = nil }

    /// The timer that is due first.
    mutating func next() -> (id: TimerID, timer: Timer)? {
        while let entry = heap.min {
            if let timer = timers[entry.id], timer.serial == entry.serial { return (entry.id, timer) }
            _ = heap.popMin()
        }
        return nil
    }

    /// An interval has run: its next time is a whole number of periods after the last one, and after `now`. The phase
    /// stays, and what was missed is skipped.
    ///
    /// - Returns: how many periods were skipped.
    @discardableResult
    mutating func advance(_ id: TimerID, past now: Timestamp) -> UInt64 {
        guard let timer = timers[id], case .interval(let interval) = timer.schedule else { return 0 }
        let (due, skipped) = Self.nextTick(after: timer.due, interval, now: now)
        set(id, timer.schedule, due: due)
        return skipped
    }

    private mutating func set(_ id: TimerID, _ schedule: ScheduleAt, due: Timestamp) {
        lastSerial += 1
        timers[id] = Timer(schedule: schedule, due: due, serial: lastSerial)
        heap.insert(Entry(due: due, serial: lastSerial, id: id))
        if heap.count > 2 * timers.count + 64 { dropStaleEntries() }
    }

    private mutating func dropStaleEntries() {
        heap = Heap(timers.map { Entry(due: $0.value.due, serial: $0.value.serial, id: $0.key) })
    }

    // MARK: Times

    static func firstDue(_ schedule: ScheduleAt, now: Timestamp) -> Timestamp {
        switch schedule {
        case .time(let time): time
        case .interval(let interval): now + TimeDuration(microseconds: period(interval))
        }
    }

    static func nextTick(
        after due: Timestamp, _ interval: TimeDuration, now: Timestamp
    ) -> (due: Timestamp, skipped: UInt64) {
        let period = period(interval)
        let late = max(0, (now - due).microseconds)
        let skipped = late / period
        let step = (skipped + 1).multipliedReportingOverflow(by: period)
        return (
            due + TimeDuration(microseconds: step.overflow ? .max : step.partialValue), UInt64(skipped)
        )
    }

    /// The time between two runs. A negative interval means the same as its positive.
    private static func period(_ interval: TimeDuration) -> Int64 {
        max(shortestPeriodInMicroseconds, Int64(clamping: interval.microseconds.magnitude))
    }
}
