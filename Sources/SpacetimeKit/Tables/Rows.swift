public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// Rows of a table, decoded one by one as a loop asks for them.
///
/// A loop sees the rows as they were when it began: what it inserts, updates or deletes itself does not disturb it. One
/// allocation per loop, none per row unless the row type holds strings or arrays. Valid until the transaction ends.
public struct Rows<Row: TableRow>: Sequence {
    @usableFromInline let transaction: TransactionReference
    @usableFromInline let source: RowSource

    @inlinable
    init(_ transaction: TransactionReference, _ source: RowSource) {
        self.transaction = transaction
        self.source = source
    }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(transaction, source.open(transaction)) }

    /// How many rows there are. Decodes none.
    public var count: Int {
        do throws(DatabaseError) {
            switch source {
            case .table(let table, nil): return transaction.count(table)
            case .table(let table, let condition?): return try transaction.count(table, where: condition)
            case .range(let index, let range): return try transaction.count(index, range: range)
            case .key(let index, let key):
                return try withBytes(of: key) { bytes throws(DatabaseError) in
                    try transaction.count(index, key: bytes)
                }
            }
        } catch { TransactionReference.broken(error) }
    }

    /// The first row, if there is one.
    @inlinable
    public var first: Row? {
        var iterator = makeIterator()
        return iterator.next()
    }

    public struct Iterator: IteratorProtocol {
        @usableFromInline let transaction: TransactionReference
        @usableFromInline let scan: RowScan
        @usableFromInline var position = 0
        @usableFromInline var count = 0

        @inlinable
        init(_ transaction: TransactionReference, _ scan: RowScan) {
            self.transaction = transaction
            self.scan = scan
        }

        @inlinable
        public mutating func next() -> Row? {
            // Each time: the rows lie in pages that may be gone once the transaction is over.
            transaction.requireCurrent()
            if position == count {
                count = scan.refill()
                position = 0
                if count == 0 { return nil }
            }
            let image = scan.batch[position]
            position &+= 1
            return _decode(image, as: Row.self)
        }
    }
}

/// Where a sequence of rows comes from.
@usableFromInline
enum RowSource {
    case table(TableID, ScanCondition?)
    case range(IndexID, IndexRange)
    case key(IndexID, [UInt8])

    @usableFromInline
    func open(_ transaction: TransactionReference) -> RowScan {
        do throws(DatabaseError) {
            switch self {
            case .table(let table, let condition): return try transaction.scan(table, where: condition)
            case .range(let index, let range): return try transaction.scan(index, range: range)
            case .key(let index, let key):
                return try withBytes(of: key) { bytes throws(DatabaseError) in
                    try transaction.scan(index, key: bytes)
                }
            }
        } catch { TransactionReference.broken(error) }
    }
}
