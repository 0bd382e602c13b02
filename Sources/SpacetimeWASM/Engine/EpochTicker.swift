import SpacetimeDurability
import Synchronization

/// Counts the time by which guests are stopped, in the engine's epoch, on one thread. It stands still while no guest
/// runs: a program that does nothing wakes for nothing.
final class EpochTicker: Sendable {
    /// The length of a tick.
    static let period = Duration.milliseconds(10)
    private static let periodNanoseconds: Int64 = 10_000_000

    /// Whether a guest runs, and how often one did: odd while one does. Written by whoever runs it.
    final class Activity: Sendable {
        let count = Atomic<UInt64>(0)
    }

    private struct State {
        var activities: [ObjectIdentifier: Activity] = [:]
        /// The counts at the last tick at which something had changed.
        var seen: UInt64 = 0
        var hasThread = false
        var isWoken = false
    }

    private let counter: EpochCounter
    private let state = Monitor(State())
    /// How many ticks there have been.
    let ticks = Atomic<UInt64>(0)
    /// True if nobody counts: whoever starts a guest has to wake the thread.
    private let isParked = Atomic(true)

    init(_ counter: EpochCounter) { self.counter = counter }

    /// How many ticks a limit has, one more than fits: the first is shorter.
    static func ticks(in limit: Duration) -> UInt64 {
        let ticks = limit / period
        return ticks >= 1e15 ? 1 << 50 : UInt64(max(0, ticks).rounded(.up)) + 1
    }

    /// A guest that the ticker knows of, for as long as this is there.
    final class Registration {
        private let ticker: EpochTicker
        let activity = Activity()

        init(_ ticker: EpochTicker) {
            self.ticker = ticker
            ticker.state.withLock { [activity] in $0.activities[ObjectIdentifier(activity)] = activity }
        }

        deinit { ticker.state.withLock { $0.activities[ObjectIdentifier(activity)] = nil } }

        /// What the guest tells its time to. To be kept no longer than this.
        var time: GuestTime { GuestTime(ticker, activity) }
    }

    /// A guest begins to run. What is written here may be seen by the thread a little later: it looks twice, with a tick
    /// in between, before it stops counting.
    @inline(__always)
    func begin(_ activity: Activity) {
        activity.count.store(activity.count.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        if isParked.load(ordering: .relaxed) { unpark() }
    }

    @inline(__always)
    func end(_ activity: Activity) {
        activity.count.store(activity.count.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    @inline(never)
    private func unpark() {
        var starts = false
        state.wake { state in
            isParked.store(false, ordering: .sequentiallyConsistent)
            state.isWoken = true
            starts = !state.hasThread
            state.hasThread = true
        }
        // The engine, and with it this, is kept for as long as the program runs.
        if starts { startThread { [self] in run() } }
    }

    private func run() {
        while true {
            sleep()
            // In this order: whoever sets a deadline in between gets a tick too much, instead of one too few.
            counter.increment()
            ticks.add(1, ordering: .releasing)
            guard !somethingRuns() else { continue }
            isParked.store(true, ordering: .sequentiallyConsistent)
            sleep()
            if somethingRuns() {
                isParked.store(false, ordering: .sequentiallyConsistent)
                continue
            }
            state.wait { state in
                defer { state.isWoken = false }
                return state.isWoken ? .over : .untilWoken
            }
        }
    }

    private func sleep() {
        var hasSlept = false
        state.wait { _ in
            defer { hasSlept = true }
            return hasSlept ? .over : .atMost(Self.periodNanoseconds)
        }
    }

    /// Whether a guest runs, or one did since this was asked before.
    private func somethingRuns() -> Bool {
        state.withLock { state in
            var sum: UInt64 = 0
            var runs = false
            for activity in state.activities.values {
                let count = activity.count.load(ordering: .relaxed)
                sum &+= count
                if count & 1 == 1 { runs = true }
            }
            defer { state.seen = sum }
            return runs || sum != state.seen
        }
    }
}

/// The ticker, and what it knows a guest by, without counting who uses them: that would cost each call of a guest more than the
/// counting of its time does.
///
/// `@safe`: whoever has it keeps the ``EpochTicker/Registration``, and that both.
@safe
struct GuestTime {
    private let ticker: Unmanaged<EpochTicker>
    private let activity: Unmanaged<EpochTicker.Activity>

    fileprivate init(_ ticker: EpochTicker, _ activity: EpochTicker.Activity) {
        unsafe self.ticker = .passUnretained(ticker)
        unsafe self.activity = .passUnretained(activity)
    }

    /// How many ticks there have been.
    @inline(__always)
    var ticks: UInt64 { unsafe ticker._withUnsafeGuaranteedRef { $0.ticks.load(ordering: .relaxed) } }

    /// The guest begins to run.
    @inline(__always)
    func begin() {
        unsafe ticker._withUnsafeGuaranteedRef { ticker in
            unsafe activity._withUnsafeGuaranteedRef { ticker.begin($0) }
        }
    }

    @inline(__always)
    func end() {
        unsafe ticker._withUnsafeGuaranteedRef { ticker in
            unsafe activity._withUnsafeGuaranteedRef { ticker.end($0) }
        }
    }
}
