import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Where the guest waits that runs a database's reducers and views, one after the other.
///
/// What a module keeps in its memory from call to call stays as long as nothing stops it, since it is the same guest again.
/// Only where one database is run twice at a time, as when its history is played again, there are two for a while.
///
/// `Sendable` is unchecked: the guest is in here or with the one thread that took it out.
final class GuestLane: @unchecked Sendable {
    private let program: WASMProgram
    /// A guest, whose reference this owns.
    private let idle = Atomic<UnsafeMutableRawPointer?>(nil)

    init(_ program: WASMProgram) { self.program = program }

    deinit {
        if let guest = idle.load(ordering: .acquiring) { Unmanaged<Guest>.fromOpaque(guest).release() }
    }

    /// Calls a body with a guest, which is made if there is none.
    @inline(__always)
    func withGuest<Result>(
        of identity: @autoclosure () -> Identity, _ body: (Guest) throws -> Result
    ) throws -> Result {
        let guest =
            if let taken = idle.exchange(nil, ordering: .acquiring) {
                Unmanaged<Guest>.fromOpaque(taken)
            } else {
                Unmanaged.passRetained(try Guest(program, identity: identity()))
            }
        defer {
            let other = idle.exchange(guest.toOpaque(), ordering: .acquiringAndReleasing)
            if let other { Unmanaged<Guest>.fromOpaque(other).release() }
        }
        // Its reference is this call's for as long as it is not given back.
        return try guest._withUnsafeGuaranteedRef { try body($0) }
    }
}

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

    /// `Sendable` is unchecked: nobody uses it while it is in the list.
    private struct IdleGuest: @unchecked Sendable {
        let guest: Guest
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
            let idle = IdleGuest(guest: guest)
            state.withLock { if $0.idle.count < Self.idleLimit { $0.idle.append(idle) } }
        }
        return try body(guest)
    }
}
