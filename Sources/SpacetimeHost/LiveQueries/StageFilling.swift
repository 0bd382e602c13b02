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
/// `Sendable` is unchecked: ``users`` and the backlog are touched with the database's lock held only, and the stage by the thread
/// that makes it, which hands it over under that lock.
final class StageFilling: @unchecked Sendable {
    private struct State {
        var end: Result<Void, DatabaseError>?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let query: LiveQuery
    private let stage: any LiveStage
    private let rows: SnapshotRows
    private let snapshot: DatastoreSnapshot
    private let runner: TransactionRunner
    /// What commits have changed since the snapshot.
    private var backlog: [RowChanges] = []
    private var backlogCount = 0
    /// Clients who want it.
    private var users = 0
    private let isCancelled = Atomic(false)
    private let state = Monitor(State())

    /// With fewer changed rows the rest of a backlog is worked off under the lock.
    private static let lockedCount = 256
    /// If commits bring changes faster than they are worked off, the rest is under the lock after so many rounds.
    private static let roundLimit = 12

    /// With the lock held. The query is in this state from now on.
    ///
    /// - Parameter stage: without rows yet.
    init(
        _ query: LiveQuery, _ stage: any LiveStage, _ rows: SnapshotRows, _ snapshot: DatastoreSnapshot,
        _ runner: TransactionRunner
    ) {
        self.query = query
        self.stage = stage
        self.rows = rows
        self.snapshot = snapshot
        self.runner = runner
        query.stage = .filling(self)
    }

    // MARK: With the lock held

    /// Takes down what a commit changed.
    func note(_ changes: RowChanges) {
        backlog.append(changes)
        backlogCount += changes.deletes.count + changes.inserts.count
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
    /// - Throws: what was wrong, as others get it who wait.
    func fill() throws(DatabaseError) {
        do {
            try rows.forEach(in: snapshot, runner.catalog, while: { [self] in !isCancelled.load(ordering: .relaxed) }) {
                stage.fill($0)
            }
            do throws(EngineError) { try stage.finishFilling(in: runner.datastore) } catch {
                throw DatabaseError(error)
            }
            try catchUp()
        } catch {
            try end(with: error as? DatabaseError ?? Self.stopped)
        }
    }

    static var stopped: DatabaseError {
        DatabaseError(.stopped, "the query was left before its rows were there")
    }

    /// Works off what has been committed meanwhile, and puts the stage into its place.
    private func catchUp() throws(DatabaseError) {
        for round in 1... {
            try runner.acquire()
            let changes = backlog
            backlog = []
            guard isInPlace else {
                runner.release()
                throw Self.stopped
            }
            let isLast = backlogCount <= Self.lockedCount || round == Self.roundLimit
            backlogCount = 0
            if !isLast { runner.release() }
            defer { if isLast { runner.release() } }
            let sum = Self.sum(changes)
            do throws(EngineError) {
                if !sum.isEmpty { _ = try stage.apply(sum, in: runner.datastore) }
            } catch { throw DatabaseError(error) }
            if !isLast { continue }
            query.stage = .ready(stage)
            finish(.success(()))
            return
        }
    }

    /// What is left of changes that came one after the other: of a row that has changed often, the first and the last form. A
    /// stage is done with that sooner than with each of them.
    private static func sum(_ changes: [RowChanges]) -> RowChanges {
        var bag = RowBag()
        for change in changes {
            change.deletes.forEach { bag.add($0, -1) }
            change.inserts.forEach { bag.add($0, 1) }
        }
        var sum = RowChanges()
        (sum.deletes, sum.inserts) = bag.changes()
        return sum
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
