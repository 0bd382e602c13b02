import SpacetimeKit

@Table(.public) struct Accounts {
    @PrimaryKey var id: UInt32
    var balance: Int64
}

/// One row that changes again and again, and says when.
@Table(.public) struct Beat {
    @PrimaryKey var id: UInt32
    var stamp: UInt64
    var x: Float
    var y: Float
    var z: Float
}

/// The same, many at a time.
@Table(.public) struct Burst {
    @PrimaryKey var id: UInt32
    var stamp: UInt64
    var x: Float
    var y: Float
    var z: Float
}

/// What the benchmarks over sockets do, as a user writes it.
@Module
enum Workload {
    static let tables = Tables(Accounts.self, Beat.self, Burst.self)

    @Reducer static func seed(_ context: borrowing Context, count: UInt32, balance: Int64, burst: UInt32) throws {
        for id in 0..<count { try context.db.accounts.insert(Accounts(id: id, balance: balance)) }
        try context.db.beat.insert(Beat(id: 0, stamp: 0, x: 0, y: 0, z: 0))
        for id in 0..<burst { try context.db.burst.insert(Burst(id: id, stamp: 0, x: 0, y: 0, z: 0)) }
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt32, to: UInt32, amount: Int64) throws {
        guard from != to, amount > 0 else { throw SenderError("no such transfer") }
        let accounts = context.db.accounts.id
        guard var source = accounts.find(from), var destination = accounts.find(to) else {
            throw SenderError("account_missing")
        }
        guard source.balance >= amount else { throw SenderError("insufficient_funds") }
        source.balance -= amount
        destination.balance += amount
        try accounts.update(source)
        try accounts.update(destination)
    }

    @Reducer static func beat(_ context: borrowing Context, stamp: UInt64) throws {
        try context.db.beat.id.update(Beat(id: 0, stamp: stamp, x: 1, y: 2, z: 3))
    }

    @Reducer static func burst(_ context: borrowing Context, stamp: UInt64, count: UInt32) throws {
        for id in 0..<count {
            try context.db.burst.id.update(Burst(id: id, stamp: stamp, x: 1, y: 2, z: 3))
        }
    }
}
