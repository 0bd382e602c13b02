import SpacetimeDurability
import SpacetimeSATS

/// An alarm of the machine's clock, with a thread of its own from the first time that is set.
final class SystemAlarm: HostAlarm {
    private struct State {
        var time: Timestamp?
        var hasThread = false
        var isCancelled = false
    }

    private let state = Monitor(State())
    private let ring: @Sendable () -> Void

    /// The machine's clock may be set while the thread waits, so it is read again after this time at the latest.
    private static let longestWaitInMicroseconds: Int64 = 1_000_000

    init(_ ring: @escaping @Sendable () -> Void) { self.ring = ring }

    func set(_ time: Timestamp?) {
        var needsThread = false
        state.wake { state in
            state.time = time
            needsThread = time != nil && !state.hasThread && !state.isCancelled
            if needsThread { state.hasThread = true }
        }
        // The thread keeps the alarm until it is cancelled. Without a thread to be had it is tried again at the next set.
        if needsThread, !startThreadIfPossible({ self.run() }) { state.withLock { $0.hasThread = false } }
    }

    func cancel() {
        state.wake { state in
            state.isCancelled = true
            state.time = nil
        }
    }

    private func run() {
        let clock = SystemClock()
        while true {
            var isCancelled = false
            state.wait { state -> Waiting in
                isCancelled = state.isCancelled
                if isCancelled { return .over }
                guard let time = state.time else { return .untilWoken }
                let left = (time - clock.now()).microseconds
                if left > 0 { return .atMost(1_000 * min(left, Self.longestWaitInMicroseconds)) }
                state.time = nil
                return .over
            }
            if isCancelled { return }
            ring()
        }
    }
}
