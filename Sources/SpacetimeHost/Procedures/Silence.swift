import Synchronization

/// What a test's executor throws in place of an answer that never comes: the procedure waits until its time is up.
package struct UnansweredRequest: Error {
    package init() {}
}

/// The waiting for an answer of which it is known that it does not come. The procedure counts as asleep meanwhile, so that
/// whoever moves a virtual clock does not wait for it.
final class Silence: Sendable {
    private enum Phase { case unknown, silent, over }

    private let phase = Mutex(Phase.unknown)
    private let procedures: Procedures

    init(_ procedures: Procedures) { self.procedures = procedures }

    func begin() {
        let begins = phase.withLock { phase in
            guard phase == .unknown else { return false }
            phase = .silent
            return true
        }
        if begins { procedures.fallsAsleep() }
    }

    /// Before the procedure is told that the waiting is over, so that nobody who waits for all to sleep overlooks it.
    func end() {
        let wasSilent = phase.withLock { phase in
            defer { phase = .over }
            return phase == .silent
        }
        if wasSilent { procedures.wakesUp() }
    }
}
