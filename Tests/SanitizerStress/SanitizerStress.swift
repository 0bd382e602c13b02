// Readers on snapshots, subscribers and other callers beside a writer, to be run under the thread sanitizer, which
// reports any access to memory that is not ordered. A small program of its own: the tests would take the macro plugin
// and all its dependencies through an instrumented build for the same few lines.

import SpacetimeKit

#if canImport(CSanitizerSupport)
import CSanitizerSupport
#endif

@Table(.public)
struct Account {
    @PrimaryKey var id: UInt32
    @Indexed var branch: UInt32
    var balance: Int64
    var note: String
}

struct NoSuchAccount: Error {}

@Module
enum Bank {
    static let tables = Tables(Account.self)
    static let accounts: UInt32 = 2_000
    static let balance: Int64 = 1_000

    @Reducer(.initialize) static func open(_ context: borrowing Context) throws {
        for id in 0..<accounts {
            try context.db.account.insert(Account(id: id, branch: id % 16, balance: balance, note: "account \(id)"))
        }
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt32, to: UInt32, amount: Int64) throws {
        let table = context.db.account
        guard from != to, var source = table.id.find(from), var destination = table.id.find(to) else {
            throw NoSuchAccount()
        }
        source.balance -= amount
        destination.balance += amount
        // Texts of changing length make rows move between pages.
        source.note = String(repeating: "s", count: Int(from % 60))
        try table.update(source)
        try table.update(destination)
    }
}

@main
enum SanitizerStress {
    /// Calls per writing task; enough for each task to meet the others many times, and seconds under the sanitizer.
    static let calls = 3_000

    static func main() async throws {
        let database = try openBank()
        let total = Int64(Bank.accounts) * Bank.balance
        let subscription = try database.subscribe(Account.where { $0.branch == 3 }, bufferLimit: 1 << 20)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 { group.addTask { try write(database, seed: UInt32(writer + 1)) } }
            for _ in 0..<2 { group.addTask { try readSnapshots(database, total: total) } }
            group.addTask { try readLocked(database, total: total) }
            group.addTask { try comeAndGo(database) }
            try await group.waitForAll()
        }
        try verify(subscription, against: database)
        #if canImport(CSanitizerSupport)
        print("waits for a mutex are \(sanitizer_sees_mutexes() ? "visible" : "invisible") to the thread sanitizer")
        #endif
        print("all sums stayed at \(total); the subscriber saw every change")
    }

    private static func openBank() throws -> Database<Bank> { try Database.open(.inMemory, module: Bank.self) }

    private static func write(_ database: Database<Bank>, seed: UInt32) throws {
        var state = seed
        func next() -> UInt32 {
            state = state &* 1_664_525 &+ 1_013_904_223
            return (state >> 8) % Bank.accounts
        }
        for _ in 0..<calls {
            do { try database.call(Bank.transfer, next(), next(), 1) } catch is NoSuchAccount {}
        }
    }

    private static func readSnapshots(_ database: Database<Bank>, total: Int64) throws {
        for _ in 0..<60 {
            var sum: Int64 = 0
            try database.snapshot().forEach(Account.self) { sum += $0.balance }
            precondition(sum == total, "a snapshot shows half a transaction: \(sum)")
        }
    }

    private static func readLocked(_ database: Database<Bank>, total: Int64) throws {
        for _ in 0..<60 {
            let sum = try database.read { db in db.account.rows.reduce(Int64(0)) { $0 + $1.balance } }
            precondition(sum == total, "a read shows half a transaction: \(sum)")
        }
    }

    /// Clients that connect, subscribe by a closure, make a call and leave.
    private static func comeAndGo(_ database: Database<Bank>) throws {
        for round in 0..<40 {
            let connection = try database.connect(as: "client \(round)")
            let observation = try connection.subscribe(Account.where { $0.branch == UInt32(round % 16) }) { change in
                precondition(change.inserted.allSatisfy { $0.id < Bank.accounts }, "a row that was never written")
            }
            try connection.call(Bank.transfer, UInt32(round), UInt32(round + 1), 1)
            observation.cancel()
            try connection.disconnect()
        }
    }

    /// What a subscriber builds from the changes it was sent must be what the table holds.
    private static func verify(_ subscription: Subscription<Account>, against database: Database<Bank>) throws {
        var seen: [UInt32: Int64] = [:]
        while let change = subscription.nextAvailable() {
            for row in change.deleted { seen[row.id] = nil }
            for row in change.inserted { seen[row.id] = row.balance }
            for update in change.updated { seen[update.new.id] = update.new.balance }
        }
        let rows = try database.read { db in db.account.branch.filter(3).map { ($0.id, $0.balance) } }
        precondition(seen == Dictionary(uniqueKeysWithValues: rows), "the subscriber's rows are not the table's")
    }
}
