package import SpacetimeEngine

/// The rows of a guest's scan, handed out in pieces as large as the guest has room for.
///
/// They are the rows as they were when the scan was opened, whatever the transaction writes meanwhile.
@usableFromInline
package final class GuestRows {
    private let scan: RowScan
    private let transaction: TransactionReference
    /// The rows of the scan's batch that are not handed out yet.
    private var next = 0
    private var count = 0
    private var isExhausted = false

    init(_ scan: RowScan, of transaction: TransactionReference) {
        self.scan = scan
        self.transaction = transaction
    }

    /// Counts what has to be copied when the table is written before all is read. If there is no room, reading throws.
    package func countCopies(in copies: ScanCopies) { scan.countCopies(in: copies) }

    package enum Piece: Equatable, Sendable {
        /// So many bytes of whole rows, one behind the other. No more follow if `isLast`; then there may be none at all.
        case rows(byteCount: Int, isLast: Bool)
        /// Not even the next row fits, which needs so many bytes. It stays the next.
        case tooLarge(byteCount: Int)
    }

    /// Writes as many rows as fit.
    ///
    /// - Throws: `transactionEnded`; `limitReached` if the table was written meanwhile, and there was no room for copies.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatabaseError) -> Piece {
        guard transaction.isCurrent else {
            throw DatabaseError(
                .transactionEnded, "the rows were to be read after their transaction had ended; read them in its call")
        }
        if scan.isLost {
            throw DatabaseError(
                .limitReached,
                "a table was written while scans of it were open, whose rows are too many to be copied; close scans, or read "
                    + "them to their ends, before you write")
        }
        var used = 0
        while fill() {
            let row = scan.batch[next]
            guard row.count <= buffer.count - used else {
                return used == 0 ? .tooLarge(byteCount: row.count) : .rows(byteCount: used, isLast: false)
            }
            UnsafeMutableRawBufferPointer(rebasing: buffer[used...]).copyMemory(from: row)
            used += row.count
            next += 1
        }
        return .rows(byteCount: used, isLast: true)
    }

    /// The rows that are left, one behind the other.
    package func readAll() throws(DatabaseError) -> [UInt8] {
        var bytes: [UInt8] = []
        guard transaction.isCurrent, !scan.isLost else {
            _ = try read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
            return bytes
        }
        while fill() {
            bytes.append(contentsOf: scan.batch[next])
            next += 1
        }
        return bytes
    }

    /// False if there is no row any more.
    private func fill() -> Bool {
        if next < count { return true }
        if isExhausted { return false }
        next = 0
        count = scan.refill()
        isExhausted = count == 0
        return !isExhausted
    }
}
