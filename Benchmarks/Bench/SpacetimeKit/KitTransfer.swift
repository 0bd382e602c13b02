import SpacetimeDurability
import SpacetimeKit
import SpacetimeTestSupport

/// The transfer scenario through the typed interface: one reducer call per operation.
final class KitTransfer: Contestant {
    let system = "spacetimekit"
    let variant: String
    private let workload: TransferWorkload
    private let database: Database<Bank>

    private let directory: TemporaryDirectory?

    /// - Parameters:
    ///   - writesLog: with files, and calls that do not wait for them.
    ///   - name: what the variant is called, if not by where its rows are.
    init(_ workload: TransferWorkload, writesLog: Bool = false, variant name: String? = nil) throws {
        self.workload = workload
        variant = name ?? (writesLog ? "log-async" : "memory")
        directory = writesLog ? try TemporaryDirectory() : nil
        let storage = directory.map { Storage.directory($0.path + "/bank") } ?? .inMemory
        database = try Database.open(storage, module: Bank.self)
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

/// The transfer scenario with calls that return when they are on disk, from so many threads.
final class KitDurableTransfer: Contestant {
    let system = "spacetimekit"
    let variant: String
    private let callers: Int
    private let workload: TransferWorkload
    private let transfers: Int
    private let database: Database<Bank>
    private let directory: TemporaryDirectory

    init(_ workload: TransferWorkload, callers: Int, transfers: Int) throws {
        self.workload = workload
        self.callers = callers
        self.transfers = transfers
        variant = "log-durable-\(callers)"
        directory = try TemporaryDirectory()
        database = try Database.open(at: directory.path + "/bank", module: Bank.self)
        try database.call(Bank.fill, UInt32(workload.accounts), TransferWorkload.initialBalance, until: .durable)
    }

    func run(pass: Int) throws -> PassResult {
        let pairs = Array(workload.pairs(pass: pass).prefix(transfers))
        let finished = Monitor((threads: 0, calls: 0))
        for caller in 0..<callers {
            startThread { [database, callers] in
                var calls = 0
                for i in stride(from: caller, to: pairs.count, by: callers) {
                    let call: TxOffset? = try? database.call(
                        Bank.transfer, pairs[i].from, pairs[i].to, TransferWorkload.amount, until: .durable)
                    if call != nil { calls += 1 }
                }
                finished.wake { $0 = ($0.threads + 1, $0.calls + calls) }
            }
        }
        finished.wait { $0.threads == callers }
        var digest = Digest()
        for _ in 0..<finished.withLock({ $0.calls }) { digest.add(1) }
        return PassResult(operations: pairs.count, digest: digest.value)
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
    let variant: String
    private let calls: Int
    private let isAsync: Bool
    private let database: Database<Bank>

    /// - Parameter isAsync: by the form that suspends, from one task.
    init(calls: Int, isAsync: Bool = false) throws {
        self.calls = calls
        self.isAsync = isAsync
        variant = isAsync ? "async" : ""
        database = try Database.open(.inMemory, module: Bank.self)
    }

    func run(pass: Int) throws -> PassResult {
        if isAsync { return try runInTask() }
        for _ in 0..<calls { try database.call(Bank.nothing) }
        return PassResult(operations: calls, digest: UInt64(calls))
    }

    private func runInTask() throws -> PassResult {
        let outcome = Monitor<Result<Void, any Error>?>(nil)
        Task.detached { [calls, database] in
            do {
                for _ in 0..<calls { try await database.call(Bank.nothing) }
                outcome.wake { $0 = .success(()) }
            } catch {
                outcome.wake { $0 = .failure(error) }
            }
        }
        outcome.wait { $0 != nil }
        try outcome.withLock { $0 }?.get()
        return PassResult(operations: calls, digest: UInt64(calls))
    }
}
