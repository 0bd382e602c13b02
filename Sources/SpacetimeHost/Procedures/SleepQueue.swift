import HeapModule
import SpacetimeSATS
import Synchronization

/// Everything that waits for a time on the host's clock: procedures that sleep, requests that must not take too long.
/// One alarm serves all of them.
final class SleepQueue: Sendable {
    /// What ended the waiting.
    enum End: Sendable {
        case isTime
        case cancelled
    }

    typealias Action = @Sendable (End) -> Void

    private struct Entry: Comparable {
        let time: Timestamp
        /// Of two for the same time the one that came first goes first.
        let serial: UInt64

        static func < (left: Entry, right: Entry) -> Bool { (left.time, left.serial) < (right.time, right.serial) }
    }

    private struct State {
        var actions: [UInt64: Action] = [:]
        var heap = Heap<Entry>()
        var lastSerial: UInt64 = 0
        var alarm: (any HostAlarm)?
        var alarmTime: Timestamp?

        /// The first one that nobody took back.
        mutating func next() -> Entry? {
            while let entry = heap.min {
                if actions[entry.serial] != nil { return entry }
                _ = heap.popMin()
            }
            return nil
        }

        mutating func setAlarm() {
            let time = next()?.time
            if time == alarmTime { return }
            alarmTime = time
            alarm?.set(time)
        }
    }

    private let clock: any HostClock
    private let state = Mutex(State())

    init(_ clock: any HostClock) { self.clock = clock }

    deinit { state.withLock { $0.alarm?.cancel() } }

    /// Calls `action` once, at a time or when it is cancelled. It must be quick, and may be called at once.
    ///
    /// - Returns: what to cancel it by.
    func add(at time: Timestamp, _ action: @escaping Action) -> UInt64 {
        state.withLock { state in
            if state.alarm == nil { state.alarm = clock.makeAlarm { [weak self] in self?.ring() } }
            state.lastSerial += 1
            state.actions[state.lastSerial] = action
            state.heap.insert(Entry(time: time, serial: state.lastSerial))
            state.setAlarm()
            return state.lastSerial
        }
    }

    /// Calls the action, unless it was called before.
    func cancel(_ serial: UInt64) {
        let action = state.withLock { state in
            let action = state.actions.removeValue(forKey: serial)
            if action != nil {
                state.setAlarm()
                // Timeouts that were not needed do not pile up.
                if state.heap.count > 2 * state.actions.count + 64 {
                    let left = state.actions
                    state.heap = Heap(state.heap.unordered.filter { left[$0.serial] != nil })
                }
            }
            return action
        }
        action?(.cancelled)
    }

    private func ring() {
        let now = clock.now()
        let due = state.withLock { state in
            var due: [Action] = []
            while let entry = state.next(), entry.time <= now {
                _ = state.heap.popMin()
                if let action = state.actions.removeValue(forKey: entry.serial) { due.append(action) }
            }
            // It has rung: it is set again even if its time is the same.
            state.alarmTime = nil
            state.setAlarm()
            return due
        }
        for action in due { action(.isTime) }
    }
}
