import SpacetimeKit

/// The transfer scenario through the typed interface: one reducer call per operation.
final class KitTransfer: Contestant {
    let system = "spacetimekit"
    let variant: String
    private let workload: TransferWorkload
    private let database: Database<Bank>

    init(_ workload: TransferWorkload) throws {
        self.workload = workload
        variant = "memory"
        database = try Database.open(.inMemory, module: Bank.self)
        try database.call(Bank.fill, UInt32(workload.accounts), TransferWorkload.initialBalance)
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for pair in workload.pairs(pass: pass) {
            do {
                try database.call(Bank.transfer, pair.from, pair.to, TransferWorkload.amount)
                digest.add(1)
            } catch is TransferError {}
        }
        return PassResult(operations: workload.transfersPerPass, digest: digest.value)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        try database.read { db in
            var digest = Digest()
            for account in db.account.rows { digest.add(UInt64(account.id), account.balance) }
            return digest.value &+ result.digest
        }
    }
}

/// An empty reducer per operation.
final class KitNoop: Contestant {
    let system = "spacetimekit"
    private let calls: Int
    private let database: Database<Bank>

    init(calls: Int) throws {
        self.calls = calls
        database = try Database.open(.inMemory, module: Bank.self)
    }

    func run(pass: Int) throws -> PassResult {
        for _ in 0..<calls { try database.call(Bank.nothing) }
        return PassResult(operations: calls, digest: UInt64(calls))
    }
}
