import CThreads
import Synchronization

/// Sessions that have something in their queues and whose outlets do not know of it yet.
///
/// Filled with the database's lock held. Whoever filled it wakes them after releasing the lock; so outlets may call the
/// database themselves. What such a call puts here is left to the frame that is at it already on the same thread: reducers
/// and outlets that call each other then need no more stack than one of them.
final class WakeList: Sendable {
    private let sessions = Mutex<[Session]>([])

    func add(_ session: Session) {
        // Most often calls of one client follow each other.
        sessions.withLock { sessions in if sessions.last !== session { sessions.append(session) } }
    }

    func deliver() {
        guard !spacetime_is_delivering() else { return }
        spacetime_set_delivering(true)
        defer { spacetime_set_delivering(false) }
        while true {
            let batch = sessions.withLock { sessions in
                defer { sessions = [] }
                return sessions
            }
            if batch.isEmpty { return }
            for session in batch { session.wake() }
        }
    }
}
