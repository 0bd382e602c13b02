import SpacetimeKit

@Table(.public)
struct Account {
    @PrimaryKey var id: UInt32
    @Indexed var branch: UInt32
    var balance: Int64
    var note: String
}

/// Written and deleted in pairs: no reader may see one of a pair.
@Table(.public)
struct Slip {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var pair: UInt32
    var text: String
}

@Table(.public, .event)
struct Alarm {
    var pair: UInt32
}

/// Makes a transfer each millisecond, on the thread of the clock, until the end.
@Table
struct Pulse {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

struct NoSuchAccount: Error {}

@Module
enum Bank {
    static let tables = Tables(Account.self, Slip.self, Alarm.self, Pulse.self)
    static let accounts: UInt32 = 2_000
    static let balance: Int64 = 1_000
    static let total = Int64(accounts) * balance
    /// The account whose appearance tells subscribers that nothing follows.
    static let last: UInt32 = .max

    @Reducer(.initialize) static func open(_ context: borrowing Context) throws {
        for id in 0..<accounts {
            try context.db.account.insert(Account(id: id, branch: id % 16, balance: balance, note: "account \(id)"))
        }
        try context.db.pulse.insert(Pulse(id: 0, when: .interval(.milliseconds(1))))
    }

    @Reducer(.scheduled) static func beat(_ context: borrowing Context, pulse: Pulse) throws {
        // Not the first accounts, which some follow alone. One-shots come and go, so timers change all the time.
        let from = 100 + UInt32(context.random.next() % 1_000)
        try transfer(context, from: from, to: from + 1, amount: 1)
        guard case .interval = pulse.when else { return }
        try context.db.pulse.insert(Pulse(id: 0, when: .time(context.timestamp)))
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt32, to: UInt32, amount: Int64) throws {
        let table = context.db.account
        guard from != to, var source = table.id.find(from), var destination = table.id.find(to) else {
            throw NoSuchAccount()
        }
        source.balance -= amount
        // Texts of changing length make rows move between pages.
        source.note = String(repeating: "s", count: Int(from % 60))
        try table.update(source)
        destination.balance += amount
        try table.update(destination)
    }

    /// Replaces the slips of a pair by longer or shorter ones, now and then by some that need pages of their own.
    @Reducer static func renew(_ context: borrowing Context, pair: UInt32, length: UInt32) throws {
        let slips = context.db.slip
        try slips.pair.delete(pair)
        let text = String(repeating: "x", count: Int(length))
        for _ in 0..<2 { try slips.insert(Slip(id: 0, pair: pair, text: text)) }
        try context.db.alarm.insert(Alarm(pair: pair))
        // Every eighth is undone as a whole.
        if length % 8 == 0 { throw NoSuchAccount() }
    }

    @Reducer(.clientDisconnected) static func leave(_ context: borrowing Context) throws {
        try context.db.slip.pair.delete(UInt32(context.random.next() % 64))
    }

    @Reducer static func finish(_ context: borrowing Context) throws {
        try context.db.pulse.clear()
        for branch in 0..<16 as Range<UInt32> {
            try context.db.account.insert(Account(id: last - branch, branch: branch, balance: 0, note: ""))
        }
    }
}
