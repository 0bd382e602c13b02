import SpacetimeKit

/// The transfer scenario by hand: a hash table, flat rows, and in one variant the log bytes of each call.
///
/// A record has the 67 bytes that SpacetimeKit logs for the same call: length, kind and flags, time, reducer, arguments,
/// and the new images of two rows. Each full buffer gets a CRC-32C.
final class LimitTransfer: Contestant {
    private struct Account {
        var id: UInt32
        var balance: Int64
    }

    private static let recordByteCount = 67

    let system = "limit"
    let variant: String
    private let workload: TransferWorkload
    private let log: LogFile?
    private let rows: UnsafeMutablePointer<Account>
    private var index: FlatHashTable

    init(_ workload: TransferWorkload, writesLog: Bool) throws {
        self.workload = workload
        variant = writesLog ? "log" : "memory"
        log = writesLog ? try LogFile() : nil
        rows = .allocate(capacity: workload.accounts)
        index = FlatHashTable(minimumCapacity: workload.accounts)
        for id in 0..<workload.accounts {
            (rows + id).initialize(to: Account(id: UInt32(id), balance: TransferWorkload.initialBalance))
            _ = index.insert(UInt64(id), position: id)
        }
    }

    deinit { rows.deallocate() }

    func prepare(pass: Int) throws {
        if pass % 20 == 19 { log?.truncate() }
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for pair in workload.pairs(pass: pass) {
            do {
                try transfer(from: pair.from, to: pair.to, amount: TransferWorkload.amount)
                digest.add(1)
            } catch {}
        }
        log?.flush()
        return PassResult(operations: workload.transfersPerPass, digest: digest.value)
    }

    @inline(__always)
    private func transfer(from: UInt32, to: UInt32, amount: Int64) throws(TransferError) {
        guard from != to else { throw .sameAccount }
        guard amount > 0 else { throw .amountNotPositive }
        guard let source = index.position(of: UInt64(from)) else { throw .noSuchAccount }
        guard let destination = index.position(of: UInt64(to)) else { throw .noSuchAccount }
        guard rows[source].balance >= amount else { throw .insufficientFunds }
        rows[source].balance -= amount
        rows[destination].balance += amount
        if let log { record(source, destination, amount, in: log) }
    }

    @inline(__always)
    private func record(_ source: Int, _ destination: Int, _ amount: Int64, in log: LogFile) {
        let record = log.reserve(Self.recordByteCount)
        record.storeBytes(of: UInt32(Self.recordByteCount - 4), as: UInt32.self)
        record.storeBytes(of: 0x0501, toByteOffset: 4, as: UInt16.self)
        record.storeBytes(of: SystemClock().coarseNow().microsecondsSinceUnixEpoch, toByteOffset: 6, as: Int64.self)
        record.storeBytes(of: 1, toByteOffset: 14, as: UInt16.self)
        record.storeBytes(of: 16, toByteOffset: 16, as: UInt32.self)
        record.storeBytes(of: rows[source].id, toByteOffset: 20, as: UInt32.self)
        record.storeBytes(of: rows[destination].id, toByteOffset: 24, as: UInt32.self)
        record.storeBytes(of: amount, toByteOffset: 28, as: Int64.self)
        record.storeBytes(of: 1, toByteOffset: 36, as: UInt8.self)
        record.storeBytes(of: 2, toByteOffset: 37, as: UInt32.self)
        image(of: rows[source], at: record + 41)
        image(of: rows[destination], at: record + 54)
    }

    @inline(__always)
    private func image(of account: Account, at bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: 4, as: UInt8.self)
        bytes.storeBytes(of: account.id, toByteOffset: 1, as: UInt32.self)
        bytes.storeBytes(of: account.balance, toByteOffset: 5, as: Int64.self)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        for position in 0..<workload.accounts { digest.add(UInt64(rows[position].id), rows[position].balance) }
        return digest.value &+ result.digest
    }
}
