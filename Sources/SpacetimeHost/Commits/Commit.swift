import SpacetimeEngine
import SpacetimeSATS

/// A commit, as those who follow commits see it. To be used while ``CommitObserver/observe(_:)`` runs, not longer.
struct Commit {
    let offset: TxOffset
    let kind: CommitKind
    /// The net changes of the tables that somebody follows, whoever that is; nil if they cancelled out.
    let changes: ChangeSet?
    private let runner: TransactionRunner

    init(offset: TxOffset, kind: CommitKind, changes: ChangeSet?, runner: TransactionRunner) {
        self.offset = offset
        self.kind = kind
        self.changes = changes
        self.runner = runner
    }

    // MARK: The call

    var caller: Caller { runner.state.caller }
    /// Position in the module's schema; nil if no reducer ran.
    var reducer: Int? { runner.state.reducer < 0 ? nil : runner.state.reducer }
    /// The time of the call. Read from the clock now if nobody has asked for it yet.
    var timestamp: Timestamp { runner.readTimestamp() }
}

/// Somebody who follows the commits of a database: schedules, live queries.
///
/// A database has a list of them, made when it is opened, and goes through it in order: so each sees a commit when those
/// before it have settled theirs. What one wants to hear of, it says to ``FollowedTables``; commits that change none of
/// the followed tables are told to nobody.
protocol CommitObserver: AnyObject {
    /// The running transaction is about to commit. What it did can be looked at, but nothing may be written.
    func prepare(_ datastore: Datastore)

    /// A transaction has committed. Called in commit order with the database's lock held: quickly, and without calling
    /// the database.
    ///
    /// - Returns: true if something is to be delivered once the lock is released.
    func observe(_ commit: Commit) -> Bool

    /// Delivers what is there to deliver, without the database's lock: may call anybody.
    func deliver()

    /// There will be no commits any more. With the database's lock held.
    func end(_ reason: SubscriptionEnd)
}

extension CommitObserver {
    func prepare(_ datastore: Datastore) {}
    func deliver() {}
}

/// The tables whose changes somebody follows. Guarded by the database's lock.
///
/// The datastore copies the changes of these tables only; and while there are none, commits do not even ask.
final class FollowedTables {
    /// By how many, by table id.
    private var followers: [Int]
    private var total = 0
    private let datastore: Datastore
    // Alive as the database is, whose observers alone use this.
    private let stateAddress: UnsafeMutablePointer<TransactionState>

    init(_ datastore: Datastore, _ stateAddress: UnsafeMutablePointer<TransactionState>) {
        self.datastore = datastore
        self.stateAddress = stateAddress
        // Ids have gaps where a migration removed a table.
        followers = Array(repeating: 0, count: Int(datastore.tableIDs.last?.rawValue ?? 0) + 1)
    }

    func follow(_ table: TableID) { change(table, by: 1) }

    func unfollow(_ table: TableID) { change(table, by: -1) }

    /// Sees to it that the datastore reports just these tables, whatever others who used it before had it report.
    func reassert() {
        for table in datastore.tableIDs {
            let position = Int(table.rawValue)
            datastore.setObserved(table, position < followers.count && followers[position] > 0)
        }
    }

    private func change(_ table: TableID, by step: Int) {
        let position = Int(table.rawValue)
        followers[position] += step
        total += step
        datastore.setObserved(table, followers[position] > 0)
        stateAddress.pointee.set(.observe, total > 0)
    }
}
