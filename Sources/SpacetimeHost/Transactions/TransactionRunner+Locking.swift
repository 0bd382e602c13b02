import CThreads
import SpacetimeDurability

/// Taking and releasing the database, by threads that block and by tasks that suspend.
///
/// A thread runs at most one transaction at a time, of whatever database: a thread-local variable says of which. So a call
/// inside a call is refused instead of waiting for itself; and so is one to another database, since two databases whose
/// reducers call each other would wait for each other for ever.
extension TransactionRunner {
    /// This database, as the thread-local variable names it.
    private var address: UnsafeRawPointer { UnsafeRawPointer(stateAddress) }

    /// True if the calling thread is inside a transaction of this database.
    package var isHeldByCurrentThread: Bool { spacetime_get_held_database() == address }

    /// - Throws: `nestedTransaction` if the calling thread is inside a transaction, of whatever database.
    package func requireNoTransaction() throws(DatabaseError) {
        if spacetime_get_held_database() != nil { throw nestedTransaction() }
    }

    // MARK: Threads

    /// Takes the lock, blocking the thread while others have it.
    @inline(__always)
    func acquire() throws(DatabaseError) {
        if spacetime_get_held_database() != nil { throw nestedTransaction() }
        if !lock.lock() { throw replaced() }
        spacetime_set_held_database(address)
    }

    /// Takes the lock for writing: after waiting, if the log cannot keep up.
    @inline(__always)
    func acquireForWrite() throws(DatabaseError) {
        if durability.isSaturated { try waitForRoom() }
        try acquire()
    }

    /// Takes the lock if nobody has it and, for a write, the log has room.
    @usableFromInline
    package func acquireIfFree(toWrite: Bool) throws(DatabaseError) -> Bool {
        if spacetime_get_held_database() != nil { throw nestedTransaction() }
        if toWrite, durability.isSaturated { return false }
        guard lock.tryLock() else { return false }
        spacetime_set_held_database(address)
        return true
    }

    @inline(__always)
    func release() {
        spacetime_set_held_database(nil)
        lock.unlock()
    }

    /// Releases the lock to whoever has waited longest. For work that is cut into slices so that nobody waits for long: to take
    /// the lock again at once would be to keep it.
    func releaseToFirst() {
        spacetime_set_held_database(nil)
        lock.unlockToFirst()
    }

    // MARK: Tasks

    /// Takes the lock for `body`, which has to release it: at once if it is free, else after suspending the task.
    ///
    /// `body` is not async, so that nothing suspends between taking and releasing: the thread that the thread-local
    /// variable is set on is the one that clears it. It does not throw either, but returns a `Result`, so that this is
    /// inlined around the typed code of a caller as well as around the host's own.
    ///
    /// - Parameter toWrite: whether to wait until the log has room, too.
    @inlinable @inline(__always)
    package func takingLock<Outcome>(
        toWrite: Bool = false, _ body: () -> Outcome
    ) async throws(DatabaseError) -> Outcome {
        if try !acquireIfFree(toWrite: toWrite) {
            try await suspend(toWrite: toWrite)
            adoptLock()
        }
        return body()
    }

    /// Waits, suspending the task, until the log has room and the lock is its own.
    @usableFromInline
    package func suspend(toWrite: Bool) async throws(DatabaseError) {
        if toWrite, durability.isSaturated {
            try await suspendingAside { [self] () throws(DatabaseError) in try waitForRoom() }
        }
        if await !lock.lockSuspending() { throw replaced() }
    }

    /// The calling thread is the one that goes on with the lock that a task has taken. From here on there must be no
    /// `await` until ``release()``.
    @usableFromInline
    package func adoptLock() { spacetime_set_held_database(address) }

    // MARK: Event loops

    /// Has `body` called when whoever has the lock releases it. It gets the lock itself after a while, else a chance to take it.
    ///
    /// - Parameter since: when the waiting began, by `monotonicNanoseconds()`.
    /// - Returns: false if the lock is free. Then nothing is called.
    func whenReleased(since: Int64, _ body: @escaping @Sendable (HandedLock?) -> Void) -> Bool {
        lock.whenReleased(since: since) { [self] outcome in
            body(outcome == .owned ? HandedLock(self) : nil)
        }
    }

    // MARK: Refusing

    @inline(never)
    private func waitForRoom() throws(DatabaseError) {
        // Inside a transaction waiting would hold everybody up; `acquire` refuses the nesting.
        if spacetime_get_held_database() != nil { return }
        try durability.waitForRoom()
    }

    /// Another core has this one's rows and files; see ``ModuleUpdate``.
    var isReplaced: Bool { lock.isRetired }

    @inline(never)
    private func replaced() -> DatabaseError {
        DatabaseError(.moduleReplaced, "the database's module was replaced by a new version meanwhile; call again")
    }

    @inline(never)
    private func nestedTransaction() -> DatabaseError {
        if isHeldByCurrentThread {
            return DatabaseError(
                .nestedTransaction,
                "a reducer or read of this database is already running on this thread; call the function behind the "
                    + "reducer directly with the same context, or call the reducer after this one has returned")
        }
        return DatabaseError(
            .nestedTransaction,
            "a reducer or read of another database is running on this thread, and two databases that wait for each other "
                + "would stop both; write down in a table what the other database is to do, and do it from a "
                + "subscription to that table, or call it after this call has returned")
    }
}
