import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Where guests wait that run procedures and handlers, of which many run at once.
///
/// `Sendable` is unchecked: a guest is in the list or with the one thread that took it out.
final class GuestPool: @unchecked Sendable {
    private let program: WASMProgram
    private let state: Mutex<State>

    private struct State {
        var idle: [IdleGuest] = []
        var runningCount = 0
    }

    /// How many are kept that have nothing to do.
    private static let idleLimit = 8

    init(_ program: WASMProgram) {
        self.program = program
        state = Mutex(State())
    }

    /// Calls a body with a guest, which is made if none is idle.
    ///
    /// - Throws: `limitReached` if too many run.
    func withGuest<Result>(of identity: Identity, _ body: (Guest) throws -> Result) throws -> Result {
        let limit = program.limits.procedureLimit
        let known = try state.withLock { state throws(DatabaseError) -> IdleGuest? in
            guard state.runningCount < limit else {
                throw DatabaseError(
                    .limitReached,
                    "\(state.runningCount) procedures and handlers of the module run already; try again later, or raise "
                        + "WASMLimits.procedureLimit")
            }
            state.runningCount += 1
            return state.idle.popLast()
        }
        defer { state.withLock { $0.runningCount -= 1 } }
        let guest = try known?.guest ?? Guest(program, identity: identity)
        defer {
            guest.discardStopped()
            let idle = IdleGuest(guest)
            state.withLock { if $0.idle.count < Self.idleLimit { $0.idle.append(idle) } }
        }
        return try body(guest)
    }
}
