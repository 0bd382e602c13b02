import SpacetimeKit

@Table(.public)
struct Account {
    @PrimaryKey var id: UInt32
    var balance: Int64
}

/// The transfer scenario as a user writes it.
@Module
enum Bank {
    static let tables = Tables(Account.self)

    @Reducer static func fill(_ context: borrowing Context, accounts: UInt32, balance: Int64) throws {
        for id in 0..<accounts { try context.db.account.insert(Account(id: id, balance: balance)) }
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt32, to: UInt32, amount: Int64) throws {
        guard from != to else { throw TransferError.sameAccount }
        guard amount > 0 else { throw TransferError.amountNotPositive }
        let accounts = context.db.account
        guard var source = accounts.id.find(from), var destination = accounts.id.find(to) else {
            throw TransferError.noSuchAccount
        }
        guard source.balance >= amount else { throw TransferError.insufficientFunds }
        source.balance -= amount
        destination.balance += amount
        try accounts.id.update(source)
        try accounts.id.update(destination)
    }

    @Reducer static func nothing(_ context: borrowing Context) {}
}
