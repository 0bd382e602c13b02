import Synchronization

/// The first of several outcomes, for one task to wait for.
final class FirstOutcome<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, any Error>)
        case known(Result<Value, any Error>)
        case taken
    }

    private let state = Mutex(State.open)

    /// Notes an outcome. Later ones are dropped.
    func resolve(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state {
            case .open:
                state = .known(result)
                return nil
            case .awaited(let continuation):
                state = .taken
                return continuation
            case .known, .taken: return nil
            }
        }
        waiter?.resume(with: result)
    }

    /// Waits for it. To be called once.
    func wait() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let known = state.withLock { state -> Result<Value, any Error>? in
                guard case .known(let result) = state else {
                    state = .awaited(continuation)
                    return nil
                }
                state = .taken
                return result
            }
            if let known { continuation.resume(with: known) }
        }
    }
}
