import SpacetimeKit

@Table(.public)
struct Account {
    @PrimaryKey var id: UInt32
    var balance: Int64
}

/// What `Tests/Modules/transfer.c` and `transfer.rs` are, in Swift.
@Module
enum Bank {
    static let tables = Tables(Account.self)

    @Reducer static func fill(_ context: borrowing Context, accounts: UInt32, balance: Int64) throws {
        for id in 0..<accounts {
            do { try context.db.account.insert(Account(id: id, balance: balance)) } catch let error as DatabaseError
                where error.code == .uniqueViolation
            { throw SenderError("accountExists") }
        }
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt32, to: UInt32, amount: Int64) throws {
        guard from != to else { throw SenderError("sameAccount") }
        guard amount > 0 else { throw SenderError("amountNotPositive") }
        let accounts = context.db.account
        guard var source = accounts.id.find(from), var destination = accounts.id.find(to) else {
            throw SenderError("noSuchAccount")
        }
        guard source.balance >= amount else { throw SenderError("insufficientFunds") }
        source.balance -= amount
        destination.balance += amount
        try accounts.id.update(source)
        try accounts.id.update(destination)
    }

    @Reducer static func nothing(_ context: borrowing Context) {}
}
