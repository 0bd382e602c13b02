import SpacetimeDurability

/// Starts guests ahead of the time at which they are needed, one after the other, on a thread that all databases share.
package final class GuestNursery: Sendable {
    package static let shared = GuestNursery()

    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var hasThread = false
        var isBusy = false
    }

    private let state = Monitor(State())
    private static let threadStackByteCount = 4 << 20

    /// Has something done, without waiting for it. If the system gives no thread now, it waits for the next time.
    func add(_ job: @escaping @Sendable () -> Void) {
        var starts = false
        state.wake { state in
            state.jobs.append(job)
            starts = !state.hasThread
            state.hasThread = true
        }
        if starts, !startThreadIfPossible(stackByteCount: Self.threadStackByteCount, { [self] in run() }) {
            state.withLock { $0.hasThread = false }
        }
    }

    private func run() {
        while true {
            var job: (@Sendable () -> Void)?
            state.wait { state in
                if state.jobs.isEmpty { return false }
                job = state.jobs.removeFirst()
                state.isBusy = true
                return true
            }
            job?()
            job = nil
            state.wake { $0.isBusy = false }
        }
    }

    /// Blocks until all that was asked for has been done. For tests and benchmarks.
    package func waitUntilIdle() { state.wait { $0.jobs.isEmpty && !$0.isBusy } }
}
