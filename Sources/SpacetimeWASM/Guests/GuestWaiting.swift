import SpacetimeDurability
import SpacetimeHost
import Synchronization

/// Lets the thread of a guest wait for what suspends, and be woken if the call is cancelled.
final class GuestWaiting: Sendable {
    private struct State {
        var isCancelled = false
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// The call was cancelled: what it waits for is given up.
    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }

    /// Runs an asynchronous body, and blocks the thread until it is done.
    func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let outcome = Monitor<Result<Value, any Error>?>(nil)
        let task = Task {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            outcome.wake { $0 = result }
        }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
        outcome.wait { $0 != nil }
        state.withLock { $0.task = nil }
        guard let result = outcome.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}

/// Why there is nothing to be had of waiting.
enum WaitFailure: Error {
    case host(HostFailure)
    /// What was waited for has failed.
    case error(any Error)
}

extension GuestReference {
    func requireNotCancelled() throws(HostFailure) {
        if state.waiting?.isCancelled == true { throw .error(CancellationError()) }
    }

    /// Does something that may take long, which does not count as the guest's time.
    func waiting<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let time = state.time
        let before = time.ticks
        time.end()
        defer {
            time.begin()
            extend(by: time.ticks &- before)
        }
        return try body()
    }

    /// Waits for something that suspends.
    func wait<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) throws(WaitFailure) -> Result {
        guard let waiting = state.waiting else { throw .host(.trap("only procedures and handlers may wait")) }
        do { return try self.waiting { try waiting.wait(body) } } catch { throw .error(error) }
    }

    /// Gives the guest more time.
    private func extend(by ticks: UInt64) {
        guard ticks > 0, let context = state.context else { return }
        state.deadline &+= ticks
        let now = state.time.ticks
        let left = state.deadline > now ? state.deadline - now : 1
        context.setDeadline(left)
    }
}
