public import SpacetimeSATS
import Synchronization

/// A clock that stands still until it is told to move, for tests and simulations.
///
/// ```swift
/// let clock = VirtualClock()
/// clock.advance(by: .hours(24 * 30))
/// ```
///
/// What is scheduled up to the time that the clock is moved to runs during the move, on the thread that moves it, each
/// call at its own time. A month of hourly jobs takes as long as 720 calls.
public final class VirtualClock: HostClock {
    private let microseconds: Atomic<Int64>
    private let alarms = Mutex<[VirtualAlarm]>([])

    /// - Parameter start: the first time it shows; by default 2026-01-01T00:00:00Z.
    public init(start: Timestamp = Timestamp(microsecondsSinceUnixEpoch: 1_767_225_600_000_000)) {
        microseconds = Atomic(start.microsecondsSinceUnixEpoch)
    }

    public func now() -> Timestamp {
        Timestamp(microsecondsSinceUnixEpoch: microseconds.load(ordering: .relaxed))
    }

    public func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm {
        let alarm = VirtualAlarm(clock: self, ring)
        alarms.withLock { $0.append(alarm) }
        return alarm
    }

    fileprivate func forget(_ alarm: VirtualAlarm) { alarms.withLock { $0.removeAll { $0 === alarm } } }

    /// Moves the clock; whole microseconds count. A negative duration moves it back, as a machine's clock may jump.
    ///
    /// On the way it stops at each time for which something is scheduled, and runs it; zero runs what is due already.
    /// Returns when all of that has run. Stops the program if one moment has no end, because what is scheduled schedules
    /// itself again for the same moment, 100,000 times over.
    public func advance(by duration: Duration) {
        var left = TimeDuration(duration).microseconds
        var ringsAtThisTime = 0
        // Alarms whose ring did not set them again wait for somebody who does.
        var silent: [ObjectIdentifier: UInt64] = [:]
        while left >= 0 {
            let now = now()
            let limit = now + TimeDuration(microseconds: left)
            guard let (alarm, time, serial) = firstAlarm(until: limit, but: silent) else { break }
            let step = max(0, (time - now).microseconds)
            move(by: step)
            left -= step
            ringsAtThisTime = step == 0 ? ringsAtThisTime + 1 : 0
            precondition(ringsAtThisTime < 100_000, "what is scheduled for \(time) schedules itself again without end")
            alarm.ring()
            silent[ObjectIdentifier(alarm)] = serial
        }
        move(by: left)
    }

    /// The next time, up to a limit, for which something is scheduled. What is due already does not count.
    package func nextStop(until limit: Timestamp) -> Timestamp? {
        let now = now()
        return alarms.withLock { $0 }.compactMap { $0.setting?.time }.filter { $0 > now && $0 <= limit }.min()
    }

    private func move(by step: Int64) { microseconds.wrappingAdd(step, ordering: .relaxed) }

    /// The first alarm of those set up to a time; of equal ones that which was made first.
    private func firstAlarm(
        until limit: Timestamp, but silent: [ObjectIdentifier: UInt64]
    ) -> (alarm: VirtualAlarm, time: Timestamp, serial: UInt64)? {
        var first: (alarm: VirtualAlarm, time: Timestamp, serial: UInt64)?
        for alarm in alarms.withLock({ $0 }) {
            guard let (time, serial) = alarm.setting, time <= limit, silent[ObjectIdentifier(alarm)] != serial else {
                continue
            }
            if first.map({ time < $0.time }) ?? true { first = (alarm, time, serial) }
        }
        return first
    }
}

/// An alarm of a ``VirtualClock``, which asks it.
private final class VirtualAlarm: HostAlarm {
    private struct State {
        var time: Timestamp?
        var serial: UInt64 = 0
    }

    private let state = Mutex(State())
    private weak let clock: VirtualClock?
    let ring: @Sendable () -> Void

    init(clock: VirtualClock, _ ring: @escaping @Sendable () -> Void) {
        self.clock = clock
        self.ring = ring
    }

    /// When it is to ring, and how often it was set before.
    var setting: (time: Timestamp, serial: UInt64)? {
        state.withLock { state in state.time.map { ($0, state.serial) } }
    }

    func set(_ time: Timestamp?) {
        state.withLock { state in
            state.time = time
            state.serial += 1
        }
    }

    func cancel() {
        set(nil)
        clock?.forget(self)
    }
}
