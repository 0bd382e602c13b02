import SpacetimeHost
import Synchronization

extension DurabilityWatch {
    enum Waiting: Sendable {
        case durable
        /// It is not on disk yet.
        case late
        /// It never will be.
        case failed(DatabaseError)
    }

    /// Suspends until a commit is on disk, but no longer than some seconds.
    func wait(for offset: TxOffset, seconds: Double) async -> Waiting {
        if isDurable(offset) { return .durable }
        return await withCheckedContinuation { continuation in
            let shared = FirstToCome(continuation)
            whenDurable(offset) { error in shared.resolve(error.map { Waiting.failed($0) } ?? .durable) }
            Task {
                try? await Task.sleep(for: .seconds(seconds))
                shared.resolve(.late)
            }
        }
    }
}

/// A continuation that the first of two resumes.
private final class FirstToCome: Sendable {
    private let continuation: Mutex<CheckedContinuation<DurabilityWatch.Waiting, Never>?>

    init(_ continuation: CheckedContinuation<DurabilityWatch.Waiting, Never>) {
        self.continuation = Mutex(continuation)
    }

    func resolve(_ outcome: DurabilityWatch.Waiting) {
        let waiting = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(returning: outcome)
    }
}
