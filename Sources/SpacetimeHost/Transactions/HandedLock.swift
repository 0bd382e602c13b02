import Synchronization

/// A database's lock on its way to an event loop that has waited for it. If it gets lost, because there is no such loop any more
/// or nobody left on whose behalf it waited, the lock is released.
package final class HandedLock: Sendable {
    private let runner: TransactionRunner
    private let isTaken = Atomic(false)

    init(_ runner: TransactionRunner) { self.runner = runner }

    deinit { if !isTaken.load(ordering: .relaxed) { runner.lock.unlock() } }

    /// From here on the calling thread has the lock, and has to release it. Once only.
    func take() {
        isTaken.store(true, ordering: .relaxed)
        runner.lock.accept()
        runner.adoptLock()
    }
}
