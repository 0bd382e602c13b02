import CThreads
import Synchronization

/// Sessions that have something in their queues and whose outlets do not know of it yet.
///
/// Filled with the database's lock held. Whoever filled it wakes them after releasing the lock; so outlets may call the
/// database themselves. What such a call puts here is left to the frame that is at it already on the same thread: reducers
/// and outlets that call each other then need no more stack than one of them.
final class WakeList: Sendable {
    private struct State {
        var sessions: [Session] = []
        /// The memory of those that were woken before, for those that come next.
        var spare: [Session] = []
    }

    private let state = Mutex(State())

    func add(_ session: Session) {
        // Most often calls of one client follow each other.
        state.withLock { state in if state.sessions.last !== session { state.sessions.append(session) } }
    }

    func deliver() {
        guard !spacetime_is_delivering() else { return }
        spacetime_set_delivering(true)
        defer { spacetime_set_delivering(false) }
        while true {
            var batch = state.withLock { state in
                var batch: [Session] = []
                if state.sessions.isEmpty { return batch }
                swap(&batch, &state.spare)
                swap(&batch, &state.sessions)
                return batch
            }
            if batch.isEmpty { return }
            for session in batch { session.wake() }
            batch.removeAll(keepingCapacity: true)
            state.withLock { swap(&batch, &$0.spare) }
        }
    }
}
