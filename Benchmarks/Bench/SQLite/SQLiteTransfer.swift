/// The transfer scenario: one transaction of two selects and two updates per operation.
final class SQLiteTransfer: Contestant {
    let system: String
    private let workload: TransferWorkload
    private let transfers: Int
    private let database: SQLite
    private let begin, commit, rollback, select, update: SQLiteStatement

    init(_ storage: SQLiteStorage, _ workload: TransferWorkload, transfers: Int? = nil) throws {
        system = storage.system
        self.transfers = transfers ?? workload.transfersPerPass
        self.workload = workload
        database = try SQLite(storage)
        try database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)")
        begin = try database.prepare("BEGIN")
        commit = try database.prepare("COMMIT")
        rollback = try database.prepare("ROLLBACK")
        select = try database.prepare("SELECT balance FROM account WHERE id = ?")
        update = try database.prepare("UPDATE account SET balance = ? WHERE id = ?")
        let insert = try database.prepare("INSERT INTO account VALUES (?, ?)")
        try begin.run()
        for id in 0..<workload.accounts {
            insert.bind(1, Int64(id))
            insert.bind(2, TransferWorkload.initialBalance)
            try insert.run()
        }
        try commit.run()
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for pair in workload.pairs(pass: pass).prefix(transfers) {
            try begin.run()
            do {
                try transfer(from: pair.from, to: pair.to, amount: TransferWorkload.amount)
                try commit.run()
                digest.add(1)
            } catch is TransferError {
                try rollback.run()
            }
        }
        return PassResult(operations: transfers, digest: digest.value)
    }

    private func transfer(from: UInt32, to: UInt32, amount: Int64) throws {
        guard from != to else { throw TransferError.sameAccount }
        guard amount > 0 else { throw TransferError.amountNotPositive }
        let source = try balance(of: from)
        let destination = try balance(of: to)
        guard source >= amount else { throw TransferError.insufficientFunds }
        try set(from, to: source - amount)
        try set(to, to: destination + amount)
    }

    private func balance(of id: UInt32) throws -> Int64 {
        select.bind(1, Int64(id))
        defer { select.reset() }
        guard select.step() else { throw TransferError.noSuchAccount }
        return select.int64(0)
    }

    private func set(_ id: UInt32, to balance: Int64) throws {
        update.bind(1, balance)
        update.bind(2, Int64(id))
        try update.run()
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        let rows = try database.prepare("SELECT id, balance FROM account")
        while rows.step() { digest.add(UInt64(rows.int64(0)), rows.int64(1)) }
        return digest.value &+ result.digest
    }
}
