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
@safe
final class GuestLane: @unchecked Sendable {
    private let program: WASMProgram
    private let isTaken = Atomic(false)
    /// Nil until it is made. Owns its reference, which is not counted with each call, and lies behind a pointer, so that there is no
    /// check of exclusive access either: both would cost as much as the rest of this.
    private let guest: UnsafeMutablePointer<Unmanaged<Guest>?>
    private let reserve = Mutex(Reserve())

    private struct Reserve {
        /// Started, and not used yet.
        var spare: IdleGuest?
        var isStartingSpare = false
        /// Whether somebody is about to throw an instance away that was stopped.
        var isDiscarding = false
        /// For who comes while the guest is taken.
        var second: IdleGuest?
    }

    init(_ program: WASMProgram) {
        self.program = program
        unsafe guest = .allocate(capacity: 1)
        unsafe guest.initialize(to: nil)
    }

    deinit {
        unsafe guest.pointee?.release()
        unsafe guest.deallocate()
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
        let taken = try unsafe guest.pointee ?? make(identity())
        do {
            // The lane's reference is there for as long as it is taken.
            return try unsafe taken._withUnsafeGuaranteedRef { try body($0) }
        } catch {
            replaceIfStopped()
            throw error
        }
    }

    /// Has a guest started before it is needed. If one is at work, that was done.
    func start(for identity: Identity) throws(DatabaseError) {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { return }
        defer { isTaken.store(false, ordering: .releasing) }
        if unsafe guest.pointee == nil { _ = unsafe try make(identity) }
        try unsafe guest.pointee?.takeUnretainedValue().start()
    }

    @inline(never)
    private func make(_ identity: Identity) throws(DatabaseError) -> Unmanaged<Guest> {
        let new = unsafe Unmanaged.passRetained(try Guest(program, identity: identity))
        unsafe guest.pointee = new
        return unsafe new
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
        // The lane is taken by this thread.
        guard let stopped = unsafe guest.pointee?.takeUnretainedValue(), stopped.isStopped else { return }
        let (spare, discardsAside) = reserve.withLock { reserve -> (IdleGuest?, Bool) in
            if let spare = reserve.spare {
                reserve.spare = nil
                return (spare, false)
            }
            defer { reserve.isDiscarding = true }
            return (nil, !reserve.isDiscarding)
        }
        if let spare {
            unsafe guest.pointee?.release()
            unsafe guest.pointee = .passRetained(spare.guest)
            return startSpare(IdleGuest(stopped), of: stopped.identity)
        }
        // It goes on with another instance. Giving back the memory of the old one takes about as long as making that: it is done
        // aside, unless the one before it waits for that still.
        startSpare(nil, of: stopped.identity)
        guard discardsAside else { return stopped.discardStopped() }
        let remains = StoppedInstance(store: stopped.takeStopped())
        GuestNursery.shared.add { [self] in
            remains.discard()
            reserve.withLock { $0.isDiscarding = false }
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
            // Thrown away once the new one is there, for which somebody may be waiting.
            let remains = StoppedInstance(store: stopped?.guest.takeStopped())
            let spare = try? started(stopped, identity)
            // If it does not start, whoever calls the module next is told why.
            reserve.withLock { reserve in
                reserve.spare = spare
                reserve.isStartingSpare = false
            }
            remains.discard()
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

/// What is left of an instance that was stopped, on its way to whoever throws it away.
///
/// `Sendable` is unchecked: nobody else knows of it.
private final class StoppedInstance: @unchecked Sendable {
    private var store: WasmtimeStore?

    init(store: WasmtimeStore?) { self.store = store }

    func discard() { store = nil }
}
