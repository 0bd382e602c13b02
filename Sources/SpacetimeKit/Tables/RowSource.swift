public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// Where a sequence of rows comes from: opened when its loop begins.
@usableFromInline
enum RowSource {
    case table(ScanCondition?)
    case range(IndexID, IndexRange)
    case key(IndexID, KeyBytes)

    @usableFromInline
    func open(_ reference: TableReference) -> RowScan {
        let transaction = reference.transaction
        do throws(DatabaseError) {
            switch self {
            case .table(let condition): return try transaction.scan(reference.table, where: condition)
            case .range(let index, let range): return try transaction.scan(index, range: range)
            case .key(let index, let key):
                return try key.withBytes { bytes throws(DatabaseError) in try transaction.scan(index, key: bytes) }
            }
        } catch { TransactionReference.broken(error) }
    }

    /// How many rows there are. Decodes none.
    @usableFromInline
    func count(_ reference: TableReference) -> Int {
        let transaction = reference.transaction
        do throws(DatabaseError) {
            switch self {
            case .table(nil): return transaction.count(reference.table)
            case .table(let condition?): return try transaction.count(reference.table, where: condition)
            case .range(let index, let range): return try transaction.count(index, range: range)
            case .key(let index, let key):
                return try key.withBytes { bytes throws(DatabaseError) in try transaction.count(index, key: bytes) }
            }
        } catch { TransactionReference.broken(error) }
    }
}
