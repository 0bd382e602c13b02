import SpacetimeKit
import Synchronization

/// What a subscriber knows of one branch from the changes alone.
struct Mirror: Sendable {
    private(set) var balances: [UInt32: Int64] = [:]
    private(set) var isComplete = false
    private var offset: TxOffset?

    mutating func apply(_ change: Change<Account>) {
        if let offset { precondition(change.offset > offset, "changes out of order") }
        offset = change.offset
        if change.isInitial { balances = [:] }
        for row in change.deleted { precondition(balances.removeValue(forKey: row.id) != nil, "an unknown row left") }
        for row in change.inserted {
            balances[row.id] = row.balance
            if row.id > Bank.accounts { isComplete = true }
        }
        for update in change.updated {
            precondition(balances[update.old.id] == update.old.balance, "an update of a row that was another")
            balances[update.new.id] = update.new.balance
        }
    }

    func verify(_ branch: UInt32, against database: Database<Bank>) throws {
        let rows = try database.read { db in db.account.branch.filter(branch).map { ($0.id, $0.balance) } }
        precondition(isComplete && balances == Dictionary(uniqueKeysWithValues: rows), "a subscriber missed something")
    }
}

extension SanitizerStress {
    /// Awaits changes until the last one.
    static func follow(_ subscription: Subscription<Account>, _ branch: UInt32, _ database: Database<Bank>) async throws
    {
        var mirror = Mirror()
        for try await change in subscription {
            mirror.apply(change)
            if mirror.isComplete { break }
        }
        try mirror.verify(branch, against: database)
    }

    /// Reads too slowly for its buffer, is dropped, and starts anew with the rows of that time.
    static func fallBehind(_ branch: UInt32, _ database: Database<Bank>) async throws -> Int {
        var dropped = 0
        while true {
            do {
                var mirror = Mirror()
                let query = Account.where { $0.branch == branch }
                for try await change in try await database.subscribe(query, bufferLimit: 4) {
                    mirror.apply(change)
                    if mirror.isComplete {
                        try mirror.verify(branch, against: database)
                        return dropped
                    }
                    for _ in 0..<20 { await Task.yield() }
                    // Until it has been dropped once: for more commits than its buffer can hold the changes of.
                    var patience = dropped == 0 ? 1_000_000 : 0
                    while patience > 0, try database.lastOffset().rawValue < change.offset.rawValue + 500 {
                        patience -= 1
                        await Task.yield()
                    }
                }
            } catch let error as DatabaseError where error.code == .subscriptionOverflow {
                dropped += 1
            }
        }
    }

    /// Awaits changes until it is cancelled from another task.
    static func followUntilCancelled(_ database: Database<Bank>) async throws {
        for _ in 0..<40 {
            let subscription = try await database.subscribe(Slip.all)
            let reader = Task {
                var count = 0
                for try await change in subscription { count += change.inserted.count }
                return count
            }
            for _ in 0..<10 { await Task.yield() }
            reader.cancel()
            subscription.cancel()
            _ = try await reader.value
        }
    }
}

/// Called with changes of one branch, and looks into the database itself now and then.
final class Watcher: Sendable {
    private let mirror = Mutex(Mirror())
    private let alarms = Atomic(0)

    func watch(_ branch: UInt32, _ database: Database<Bank>) throws {
        try database.subscribe(Account.where { $0.branch == branch }) { [self, weak database] change in
            mirror.withLock { $0.apply(change) }
            guard change.offset.rawValue % 32 == 0, let database else { return }
            do { try SanitizerStress.checkSum(of: database.snapshot()) } catch { fatalError("\(error)") }
        }
        try database.subscribe(Alarm.all) { [self] change in
            alarms.wrappingAdd(change.inserted.count, ordering: .relaxed)
            precondition(change.deleted.isEmpty, "an event was kept")
        }
    }

    func verify(_ branch: UInt32, against database: Database<Bank>) throws -> Int {
        try mirror.withLock { try $0.verify(branch, against: database) }
        return alarms.load(ordering: .relaxed)
    }
}
