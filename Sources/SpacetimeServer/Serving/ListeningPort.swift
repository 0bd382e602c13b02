import Synchronization

/// The port that a server listens on, for those who cannot begin before it does.
final class ListeningPort: Sendable {
    private struct State {
        var port: Int?
        /// Why the server does not listen, and will not.
        var failure: (any Error)?
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Int, any Error>)] = []
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Nil before the server listens.
    var value: Int? { state.withLock { $0.port } }

    func set(_ port: Int) { finish(.success(port)) }

    /// The server has ended. If it has listened before, this changes nothing.
    func fail(_ error: any Error) { finish(.failure(error)) }

    private func finish(_ outcome: Result<Int, any Error>) {
        let waiters = state.withLock { state in
            switch outcome {
            case .success(let port): state.port = port
            case .failure(let error): state.failure = error
            }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(with: outcome) }
    }

    func wait() async throws -> Int {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Int, any Error>? in
                    if let port = state.port { return .success(port) }
                    if let failure = state.failure { return .failure(failure) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }
}
