// Readers on snapshots, subscribers that await and subscribers that are called, clients that come and go, and databases
// that open and close, beside several writers; and a module in WebAssembly that falls over and is replaced meanwhile. To be
// run under the thread sanitizer, which reports any access to memory that is not ordered, and under the address sanitizer.
// A small program of its own: the tests would take the macro plugin and all its dependencies through an instrumented build
// for the same few lines.

import SpacetimeKit
import Synchronization

#if canImport(CSanitizerSupport)
import CSanitizerSupport
#endif

@main
enum SanitizerStress {
    /// Calls per writing thread; enough for each to meet the others many times, and seconds under the sanitizer.
    static let calls = 3_000

    static func main() async throws {
        try await runOnDisk()
        try await GuestStress(isRequired: CommandLine.arguments.contains("--with-guests"))?.run()
        let database = try await Database.open(.inMemory, module: Bank.self)
        let watcher = Watcher()
        try watcher.watch(5, database)
        let subscription = try await database.subscribe(Account.where { $0.branch == 3 }, bufferLimit: 1 << 20)
        // Two tasks read one subscription: each change goes to one of them.
        let shared = try await database.subscribe(Slip.all, bufferLimit: 1 << 20)

        let dropped = try await withThrowingTaskGroup(of: Int.self) { subscribers in
            subscribers.addTask {
                try await follow(subscription, 3, database)
                return 0
            }
            subscribers.addTask { try await fallBehind(7, database) }
            for _ in 0..<2 {
                subscribers.addTask {
                    for try await _ in shared {}
                    return 0
                }
            }
            try await runThreads(database)
            try await database.call(Bank.finish)
            shared.cancel()
            var dropped = 0
            for try await count in subscribers { dropped += count }
            return dropped
        }
        let alarms = try watcher.verify(5, against: database)
        try await checkSum(of: database.snapshot())
        #if canImport(CSanitizerSupport)
        print("waits for a mutex are \(sanitizer_sees_mutexes() ? "visible" : "invisible") to the thread sanitizer")
        #endif
        print("all sums stayed at \(Bank.total); \(alarms) events; a slow subscriber was dropped \(dropped) times")
        precondition(alarms > 0 && dropped > 0, "the run was too short to show anything")
    }

    private static func runThreads(_ database: Database<Bank>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 1...2 as ClosedRange<UInt32> {
                group.addTask { try await onThread { try write(database, seed: seed) } }
                group.addTask { try await onThread { try renew(database, seed: seed) } }
                group.addTask { try await onThread { try readSnapshots(database) } }
            }
            let kept = Snapshots()
            group.addTask { try await onThread { try keep(kept, database) } }
            group.addTask { try await onThread { try drop(kept) } }
            group.addTask { try await onThread { try readLocked(database) } }
            group.addTask { try await onThread { try comeAndGo(database) } }
            group.addTask { try await onThread { try openAndClose(seed: 1) } }
            group.addTask { try await onThread { try openAndClose(seed: 2) } }
            group.addTask { try await writeFromTask(database) }
            group.addTask { try await followUntilCancelled(database) }
            try await group.waitForAll()
        }
    }

    // MARK: Writers

    static func write(_ database: Database<Bank>, seed: UInt32) throws {
        var numbers = Numbers(seed: seed)
        for _ in 0..<calls {
            let (from, to) = (numbers.next(below: Bank.accounts), numbers.next(below: Bank.accounts))
            do { try database.call(Bank.transfer, from, to, 1) } catch is NoSuchAccount {}
        }
    }

    private static func writeFromTask(_ database: Database<Bank>) async throws {
        for round in 0..<UInt32(calls / 4) { try await database.call(Bank.transfer, round % 16, 16 + round % 16, 2) }
    }

    static func renew(_ database: Database<Bank>, seed: UInt32) throws {
        var numbers = Numbers(seed: seed)
        for round in 0..<calls {
            let length = round % 64 == 0 ? 100_001 : numbers.next(below: 300)
            let arguments = numbers.next(below: 64).bsatn() + length.bsatn()
            do { try database.call("renew", arguments: arguments) } catch is NoSuchAccount {}
        }
    }

    // MARK: Readers

    static func checkSum(of snapshot: DatabaseSnapshot<Bank>) throws {
        var sum: Int64 = 0
        try snapshot.forEach(Account.self) { sum += $0.balance }
        precondition(sum == Bank.total, "a snapshot shows half a transaction: \(sum)")
        var pairs: [UInt32: (count: Int, length: Int)] = [:]
        try snapshot.forEach(Slip.self) { slip in
            pairs[slip.pair, default: (0, slip.text.utf8.count)].count += 1
            precondition(pairs[slip.pair]?.length == slip.text.utf8.count, "two slips of different calls")
        }
        precondition(pairs.values.allSatisfy { $0.count == 2 }, "a snapshot shows one slip of a pair")
        let alarms = try snapshot.count(of: Alarm.self)
        precondition(alarms == 0, "an event was kept")
    }

    private static func readSnapshots(_ database: Database<Bank>) throws {
        for _ in 0..<60 { try checkSum(of: database.snapshot()) }
    }

    /// Snapshots that are taken by one thread, and read and dropped by another.
    private final class Snapshots: Sendable {
        let list = Mutex<[DatabaseSnapshot<Bank>]>([])
        let isOver = Atomic(false)
    }

    private static func keep(_ snapshots: Snapshots, _ database: Database<Bank>) throws {
        for _ in 0..<400 {
            let snapshot = try database.snapshot()
            snapshots.list.withLock { if $0.count < 8 { $0.append(snapshot) } }
        }
        snapshots.isOver.store(true, ordering: .releasing)
    }

    private static func drop(_ snapshots: Snapshots) throws {
        while true {
            let isOver = snapshots.isOver.load(ordering: .acquiring)
            // The newest first, so that older ones outlive younger ones.
            if let snapshot = snapshots.list.withLock({ $0.popLast() }) {
                try checkSum(of: snapshot)
            } else if isOver {
                return
            }
        }
    }

    private static func readLocked(_ database: Database<Bank>) throws {
        for _ in 0..<60 {
            let sum = try database.read { db in db.account.rows.reduce(Int64(0)) { $0 + $1.balance } }
            precondition(sum == Bank.total, "a read shows half a transaction: \(sum)")
        }
    }

    // MARK: Clients and databases

    /// Clients that connect, subscribe, make a call and leave; some without ending their subscriptions.
    private static func comeAndGo(_ database: Database<Bank>) throws {
        for round in 0..<80 as Range<UInt32> {
            let connection = try database.connect(as: "client \(round)")
            let observation = try connection.subscribe(Account.where { $0.branch == round % 16 }) { change in
                precondition(change.inserted.allSatisfy { $0.branch == round % 16 }, "a row of another branch")
            }
            let subscription = try connection.subscribe(Account.where { $0.branch == (round + 1) % 16 })
            try connection.call(Bank.transfer, round, round + 1, 1)
            if round % 2 == 0 { observation.cancel() }
            // Nothing may be there yet: another thread may be delivering.
            precondition(subscription.nextAvailable()?.isInitial != false, "a change came before the rows")
            // Every fourth client just vanishes.
            if round % 4 != 0 { try connection.disconnect() }
        }
    }

    private static func openAndClose(seed: UInt32) throws {
        for round in 0..<12 {
            let database = try Database.open(.inMemory, module: Bank.self)
            let subscription = try database.subscribe(Account.where { $0.id == seed })
            try database.call(Bank.transfer, seed, seed + 1, 5)
            let snapshot = try database.snapshot()
            try database.call(Bank.renew, UInt32(round), 9)
            try checkSum(of: snapshot)
            _ = subscription.nextAvailable()
            precondition(subscription.nextAvailable()?.updated.first?.new.balance == Bank.balance - 5, "no change came")
        }
    }
}
