import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// A guest that waits, or is on its way to another thread.
///
/// `Sendable` is unchecked: nobody uses it meanwhile.
struct IdleGuest: @unchecked Sendable {
    let guest: Guest

    init(_ guest: Guest) { self.guest = guest }
}

/// Where the guest waits that runs a database's reducers and views, one after the other.
///
/// What a module keeps in its memory from call to call stays as long as nothing stops it, since it is the same guest again.
/// Only where one database is run twice at a time, as when its history is played again, there are two for a while.
///
/// A module that has been stopped once is likely to be stopped again: from then on another guest is kept that has been started
/// already, and takes over at once. Starting one takes tens of microseconds, and much longer if the module has a lot to set up.
///
/// `Sendable` is unchecked: the guest is with the one thread that has set ``isTaken``.
final class GuestLane: @unchecked Sendable {
    private let program: WASMProgram
    private let isTaken = Atomic(false)
    /// Nil until it is made. Owns its reference.
    private let guest: UnsafeMutablePointer<Unmanaged<Guest>?>
    private let reserve = Mutex(Reserve())

    private struct Reserve {
        /// Started, and not used yet.
        var spare: IdleGuest?
        var isStartingSpare = false
        /// For who comes while the guest is taken.
        var second: IdleGuest?
    }

    init(_ program: WASMProgram) {
        self.program = program
        guest = .allocate(capacity: 1)
        guest.initialize(to: nil)
    }

    deinit {
        guest.pointee?.release()
        guest.deallocate()
    }

    /// Calls a body with a guest, which is made if there is none.
    @inline(__always)
    func withGuest<Result>(
        of identity: @autoclosure () -> Identity, _ body: (Guest) throws -> Result
    ) throws -> Result {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return try withSecond(identity(), body)
        }
        defer { isTaken.store(false, ordering: .releasing) }
        let taken = try guest.pointee ?? make(identity())
        do {
            // The lane's reference is there for as long as it is taken.
            return try taken._withUnsafeGuaranteedRef { try body($0) }
        } catch {
            replaceIfStopped()
            throw error
        }
    }

    @inline(never)
    private func make(_ identity: Identity) throws(DatabaseError) -> Unmanaged<Guest> {
        let new = Unmanaged.passRetained(try Guest(program, identity: identity))
        guest.pointee = new
        return new
    }

    @inline(never)
    private func withSecond<Result>(_ identity: Identity, _ body: (Guest) throws -> Result) throws -> Result {
        let known = reserve.withLock { reserve in
            defer { reserve.second = nil }
            return reserve.second
        }
        let second = try known ?? IdleGuest(Guest(program, identity: identity))
        defer {
            second.guest.discardStopped()
            reserve.withLock { $0.second = second }
        }
        return try body(second.guest)
    }

    // MARK: Taking over

    @inline(never)
    private func replaceIfStopped() {
        guard let stopped = guest.pointee?.takeUnretainedValue(), stopped.isStopped else { return }
        let spare = reserve.withLock { reserve in
            defer { reserve.spare = nil }
            return reserve.spare
        }
        if let spare {
            guest.pointee?.release()
            guest.pointee = .passRetained(spare.guest)
            startSpare(IdleGuest(stopped), of: stopped.identity)
        } else {
            stopped.discardStopped()
            startSpare(nil, of: stopped.identity)
        }
    }

    /// Has a guest started for the next time.
    ///
    /// - Parameter stopped: one that nobody else uses; nil to make one.
    private func startSpare(_ stopped: IdleGuest?, of identity: Identity) {
        let begins = reserve.withLock { reserve in
            defer { reserve.isStartingSpare = true }
            return !reserve.isStartingSpare
        }
        guard begins else { return }
        GuestNursery.shared.add { [self] in
            let spare = try? started(stopped, identity)
            // If it does not start, whoever calls the module next is told why.
            reserve.withLock { reserve in
                reserve.spare = spare
                reserve.isStartingSpare = false
            }
        }
    }

    private func started(_ stopped: IdleGuest?, _ identity: Identity) throws(DatabaseError) -> IdleGuest {
        let spare = if let stopped { stopped } else { IdleGuest(try Guest(program, identity: identity)) }
        try spare.guest.start()
        return spare
    }

    /// Whether there is a guest that could take over. For tests.
    var hasSpare: Bool { reserve.withLock { $0.spare != nil } }
}
