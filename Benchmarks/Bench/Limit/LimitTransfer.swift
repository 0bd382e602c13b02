/// The transfer scenario by hand: a hash table, flat rows, and in one variant the log bytes of each call.
///
/// A record is 92 bytes: a header of 16 (length, checksum, offset), the call record of 28 (reducer, arguments, caller,
/// time), and for each of the two rows its table and kind (4), the old balance (8) and the row image (12).
final class LimitTransfer: Contestant {
    private struct Account {
        var id: UInt32
        var balance: Int64
    }

    private static let recordByteCount = 92

    let system = "limit"
    let variant: String
    private let workload: TransferWorkload
    private let log: LogFile?
    private let rows: UnsafeMutablePointer<Account>
    private var index: FlatHashTable
    private var offset: UInt64 = 0

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
        offset &+= 1
        record.storeBytes(of: UInt32(Self.recordByteCount), as: UInt32.self)
        record.storeBytes(of: offset, toByteOffset: 8, as: UInt64.self)
        record.storeBytes(of: 1, toByteOffset: 16, as: UInt32.self)
        record.storeBytes(of: rows[source].id, toByteOffset: 20, as: UInt32.self)
        record.storeBytes(of: rows[destination].id, toByteOffset: 24, as: UInt32.self)
        record.storeBytes(of: amount, toByteOffset: 28, as: Int64.self)
        record.storeBytes(of: offset, toByteOffset: 36, as: UInt64.self)
        image(of: rows[source], before: rows[source].balance &+ amount, at: record + 44)
        image(of: rows[destination], before: rows[destination].balance &- amount, at: record + 68)
        // Eight bytes at a time from the offset on, which leaves the last four for a final step.
        var checksum = UInt64(0xCBF2_9CE4_8422_2325)
        var position = 8
        while position <= Self.recordByteCount - 8 {
            let word = record.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            checksum = (checksum ^ word) &* 0x9E37_79B9_7F4A_7C15
            position &+= 8
        }
        checksum =
            (checksum ^ UInt64(record.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
            &* 0x9E37_79B9_7F4A_7C15
        record.storeBytes(of: UInt32(truncatingIfNeeded: checksum >> 32), toByteOffset: 4, as: UInt32.self)
    }

    @inline(__always)
    private func image(of account: Account, before: Int64, at bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: 2, as: UInt32.self)
        bytes.storeBytes(of: before, toByteOffset: 4, as: Int64.self)
        bytes.storeBytes(of: account.id, toByteOffset: 12, as: UInt32.self)
        bytes.storeBytes(of: account.balance, toByteOffset: 16, as: Int64.self)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        for position in 0..<workload.accounts { digest.add(UInt64(rows[position].id), rows[position].balance) }
        return digest.value &+ result.digest
    }
}
