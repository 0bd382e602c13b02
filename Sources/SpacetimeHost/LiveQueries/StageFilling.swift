import SpacetimeDurability
import SpacetimeEngine
import SpacetimeQuery
import Synchronization

/// A stage that is being made without the lock, since that means to look at many rows: these come from a snapshot, and what
/// commits change meanwhile is kept until they are in it.
///
/// Whoever wants the query first makes the stage; others who come meanwhile wait for it. The query is watched by nobody until
/// then, so that all that a client is told begins with one state.
///
/// `Sendable` is unchecked: ``users`` and the backlog are touched with the database's lock held only, and the stage and the sum by
/// the thread that makes it, until it hands them over under that lock by setting ``isSettling``.
final class StageFilling: @unchecked Sendable {
    private struct State {
        var end: Result<Void, DatabaseError>?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let query: LiveQuery
    private let stage: any LiveStage
    private let rows: SnapshotRows
    /// Nil once its rows have been taken in.
    private var snapshot: DatastoreSnapshot?
    private let runner: TransactionRunner
    private let pace: Pace
    /// What commits have changed since the snapshot, and is not in the stage yet.
    private var backlog = ChangeQueue()
    /// The rest of the backlog is taken in under the lock.
    private var isSettling = false
    /// What is being added up. Empty in between.
    private var sum = RowBag()
    /// Clients who want it.
    private var users = 0
    private let isCancelled = Atomic(false)
    private let state = Monitor(State())

    /// How much is done at a time.
    struct Pace {
        /// With no more changed rows in the backlog, the rest is taken in under the lock.
        var settledCount = 4_096
        /// So many of them at a time, with the lock released in between: for some tens of microseconds.
        var sliceCount = 128
        /// Meanwhile each commit takes in so many besides twice what it changed itself, so that there is an end to it.
        var commitCount = 64
        /// Different rows that are added up at a time. Within the caches of a processor; what changes again and again fits.
        var sumCount = 8_192
    }

    /// With the lock held. The query is in this state from now on.
    ///
    /// - Parameter stage: without rows yet.
    init(
        _ query: LiveQuery, _ stage: any LiveStage, _ rows: SnapshotRows, _ snapshot: DatastoreSnapshot,
        _ runner: TransactionRunner, _ pace: Pace
    ) {
        self.query = query
        self.stage = stage
        self.rows = rows
        self.snapshot = snapshot
        self.runner = runner
        self.pace = pace
        query.stage = .filling(self)
    }

    // MARK: With the lock held

    /// Takes down what a commit changed.
    func note(_ changes: RowChanges) {
        backlog.append(changes)
        if isSettling { settle(pace.commitCount + 2 * changes.rowCount) }
    }

    func addUser() { users += 1 }

    /// One client less. Without any nobody goes on with it, and the next one who wants the query begins anew.
    func removeUser() {
        users -= 1
        if users > 0 { return }
        isCancelled.store(true, ordering: .relaxed)
        leaveQuery()
    }

    private func leaveQuery() { if isInPlace { query.stage = nil } }

    private var isInPlace: Bool {
        if case .filling(let filling) = query.stage { filling === self } else { false }
    }

    // MARK: Making it

    /// Makes the stage. Takes the lock now and then, for a moment.
    ///
    /// - Parameter meanwhile: called where others may commit. For tests.
    /// - Throws: what was wrong, as others get it who wait.
    func fill(meanwhile: () -> Void = {}) throws(DatabaseError) {
        do {
            if let snapshot {
                try rows.forEach(
                    in: snapshot, runner.catalog, while: { [self] in !isCancelled.load(ordering: .relaxed) }
                ) { stage.fill($0) }
            }
            snapshot = nil
            do throws(EngineError) { try stage.finishFilling(in: runner.datastore) } catch {
                throw DatabaseError(error)
            }
            try catchUp(meanwhile)
        } catch {
            try end(with: error as? DatabaseError ?? Self.stopped)
        }
    }

    static var stopped: DatabaseError {
        DatabaseError(.stopped, "the query was left before its rows were there")
    }

    /// Takes in what has been committed meanwhile, and puts the stage into its place.
    ///
    /// Without the lock, for as long as the backlog shrinks that way: by half at least from one round to the next.
    private func catchUp(_ meanwhile: () -> Void) throws(DatabaseError) {
        var before = Int.max
        while true {
            meanwhile()
            try runner.acquire()
            if !isInPlace { break }
            let count = backlog.rowCount
            if count <= pace.settledCount || count > before / 2 {
                isSettling = true
                break
            }
            before = count
            var changes = ChangeQueue()
            swap(&changes, &backlog)
            runner.release()
            try takeIn(&changes)
        }
        try settle(meanwhile)
    }

    /// Takes in changes, without the lock. Of a row that has changed often only the first and the last form matter, so changes
    /// are added up before the stage follows them: it is done with a sum sooner than with each of them.
    private func takeIn(_ changes: inout ChangeQueue) throws(DatabaseError) {
        while !changes.isEmpty {
            changes.take(pace.sumCount, into: &sum)
            if sum.count < pace.sumCount, !changes.isEmpty { continue }
            sum.dropCancelled()
            // Mostly the same rows change again and again, so that few are left.
            if sum.count < pace.sumCount / 2, !changes.isEmpty { continue }
            do throws(EngineError) { try applySum() } catch { throw DatabaseError(error) }
        }
    }

    /// With the lock held, which is released: takes in the rest of the backlog, slice by slice. Commits that come in between
    /// do the same with more than they add.
    private func settle(_ meanwhile: () -> Void) throws(DatabaseError) {
        while true {
            if let end = state.withLock({ $0.end }) {
                runner.release()
                return try end.get()
            }
            if !isInPlace {
                runner.release()
                throw Self.stopped
            }
            settle(pace.sliceCount)
            if state.withLock({ $0.end != nil }) { continue }
            runner.releaseToFirst()
            meanwhile()
            try runner.acquire()
        }
    }

    /// With the lock held: takes in so many rows of the backlog. If those were all, the stage is in its place from now on.
    private func settle(_ count: Int) {
        backlog.take(count, into: &sum)
        do throws(EngineError) { try applySum() } catch {
            leaveQuery()
            return finish(.failure(DatabaseError(error)))
        }
        if !backlog.isEmpty { return }
        query.stage = .ready(stage)
        finish(.success(()))
    }

    private func applySum() throws(EngineError) {
        var changes = RowChanges()
        (changes.deletes, changes.inserts) = sum.changes()
        sum.removeAll()
        if !changes.isEmpty { _ = try stage.apply(changes, in: runner.datastore) }
    }

    private func end(with error: DatabaseError) throws(DatabaseError) {
        if (try? runner.acquire()) != nil {
            leaveQuery()
            runner.release()
        }
        finish(.failure(error))
        throw error
    }

    private func finish(_ end: Result<Void, DatabaseError>) {
        var waiters: [CheckedContinuation<Void, Never>] = []
        state.wake { state in
            if state.end != nil { return }
            state.end = end
            swap(&waiters, &state.waiters)
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Waiting for it

    /// Waits for whoever makes it, blocking the thread.
    func wait() throws(DatabaseError) {
        state.wait { $0.end != nil }
        try state.withLock { $0.end }?.get()
    }

    /// Waits for whoever makes it.
    func wait() async throws(DatabaseError) {
        await withCheckedContinuation { waiter in
            let isOver = state.withLock { state in
                if state.end == nil { state.waiters.append(waiter) }
                return state.end != nil
            }
            if isOver { waiter.resume() }
        }
        try state.withLock { $0.end }?.get()
    }
}
