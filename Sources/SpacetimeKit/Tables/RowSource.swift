public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// Where a sequence of rows comes from: opened when its loop begins.
@usableFromInline
enum RowSource {
    case table(ScanCondition?)
    case range(IndexID, IndexRange)
    case key(IndexID, KeyBytes)
    /// Rows of the whole table that are sorted by the key of an index without order.
    case sorted(IndexID, ScanCondition?)
    /// The wanted rows of another source, from the last to the first.
    indirect case turned(RowSource, ScanWindow)

    @usableFromInline
    func open(_ reference: TableReference, _ window: ScanWindow) -> RowScan {
        let transaction = reference.transaction
        do throws(DatabaseError) {
            switch self {
            case .table(let condition):
                return try transaction.scan(reference.table, where: condition, window: window)
            case .range(let index, let range): return try transaction.scan(index, range: range, window: window)
            case .key(let index, let key):
                return try key.withBytes { bytes throws(DatabaseError) in
                    try transaction.scan(index, key: bytes, window: window)
                }
            case .sorted(let index, let condition):
                return try transaction.sortedScan(index, of: reference.table, where: condition, window: window)
            case .turned(let source, let inner):
                let scan = source.open(reference, inner)
                scan.turnRound(limit: window.limit)
                return scan
            }
        } catch {
            Self.refuse(error, in: transaction)
            return Self.nothing(reference)
        }
    }

    /// How many rows there are. Decodes none.
    @usableFromInline
    func count(_ reference: TableReference) -> Int {
        let transaction = reference.transaction
        do throws(DatabaseError) {
            switch self {
            case .table(nil), .sorted(_, nil): return transaction.count(reference.table)
            case .table(let condition?), .sorted(_, let condition?):
                return try transaction.count(reference.table, where: condition)
            case .range(let index, let range): return try transaction.count(index, range: range)
            case .key(let index, let key):
                return try key.withBytes { bytes throws(DatabaseError) in try transaction.count(index, key: bytes) }
            case .turned(let source, let inner): return min(source.count(reference), inner.limit)
            }
        } catch {
            Self.refuse(error, in: transaction)
            return 0
        }
    }

    /// A read has no way to throw: what can be wrong with a condition fails the transaction at its end, and anything else
    /// means that the handle is not one of this table.
    private static func refuse(_ error: DatabaseError, in transaction: TransactionReference) {
        guard error.code == .limitReached else { TransactionReference.broken(error) }
        transaction.fail(error)
    }

    private static func nothing(_ reference: TableReference) -> RowScan {
        do throws(DatabaseError) {
            return try reference.transaction.scan(reference.table, window: ScanWindow(limit: 0))
        } catch { TransactionReference.broken(error) }
    }
}
