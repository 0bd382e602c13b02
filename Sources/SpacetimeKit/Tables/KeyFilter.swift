public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// What all kinds of index do with a prefix and a range: not generic over the row until rows are decoded.
@usableFromInline
struct _KeyFilter {
    @usableFromInline let reference: TableReference
    @usableFromInline let index: IndexID

    @inlinable
    init(_ reference: TableReference, _ index: IndexID) {
        self.reference = reference
        self.index = index
    }

    /// Rows whose leading columns equal `prefix` and whose next one lies within `bounds`.
    @inlinable
    func rows<Row: TableRow>(_ bounds: KeyBounds? = nil, prefix: [[UInt8]] = []) -> Rows<Row> {
        Rows(reference.transaction, source(bounds, prefix: prefix))
    }

    @usableFromInline
    func source(_ bounds: KeyBounds?, prefix: [[UInt8]]) -> RowSource {
        guard let schema = reference.transaction.core.datastore.schema(of: index) else {
            preconditionFailure("the handle's index is not in the database")
        }
        if bounds == nil && prefix.count == schema.columns.count {
            return .key(index, prefix.count == 1 ? prefix[0] : Array(prefix.joined()))
        }
        // A hash index knows complete keys only.
        if schema.algorithm == .hash {
            let predicate = Self.predicate(bounds, prefix: prefix, columns: schema.columns)
            return .table(reference.table, ScanCondition(predicate))
        }
        return .range(index, range(bounds, prefix: prefix))
    }

    @usableFromInline
    func count(_ bounds: KeyBounds? = nil, prefix: [[UInt8]] = []) -> Int {
        do throws(DatabaseError) {
            switch source(bounds, prefix: prefix) {
            case .table(let table, nil): return reference.transaction.count(table)
            case .table(let table, let condition?):
                return try reference.transaction.count(table, where: condition)
            case .range(let index, let range): return try reference.transaction.count(index, range: range)
            case .key(let index, let key):
                return try withBytes(of: key) { bytes throws(DatabaseError) in
                    try reference.transaction.count(index, key: bytes)
                }
            }
        } catch { TransactionReference.broken(error) }
    }

    @usableFromInline
    func delete(_ bounds: KeyBounds? = nil, prefix: [[UInt8]] = []) throws(DatabaseError) -> Int {
        switch source(bounds, prefix: prefix) {
        case .range(let index, let range): return try reference.transaction.delete(index, range: range)
        case .key(let index, let key):
            return try withBytes(of: key) { bytes throws(DatabaseError) in
                try reference.transaction.delete(index, key: bytes)
            }
        case .table(let table, let condition):
            // No index to delete through: the rows are collected first, then deleted by value.
            let scan = try reference.transaction.scan(table, where: condition)
            var rows = RowBatch()
            scan.forEach { rows.append($0) }
            try rows.forEach { row throws(DatabaseError) in
                _ = try reference.transaction.delete(table, equalTo: row)
            }
            return rows.count
        }
    }

    private func range(_ bounds: KeyBounds?, prefix: [[UInt8]]) -> IndexRange {
        IndexRange(
            prefix: prefix.count == 1 ? prefix[0] : Array(prefix.joined()), prefixColumns: prefix.count,
            lower: bounds?.lower ?? .unbounded, upper: bounds?.upper ?? .unbounded)
    }

    /// The condition that prefix and range mean, for a scan of the whole table.
    private static func predicate(_ bounds: KeyBounds?, prefix: [[UInt8]], columns: [ColumnID]) -> RowPredicate {
        var parts = zip(columns, prefix).map { RowPredicate.compare($0, .equal, $1) }
        if let bounds {
            let column = columns[prefix.count]
            switch bounds.lower {
            case .included(let value): parts.append(.compare(column, .greaterOrEqual, value))
            case .excluded(let value): parts.append(.compare(column, .greater, value))
            case .unbounded: break
            }
            switch bounds.upper {
            case .included(let value): parts.append(.compare(column, .lessOrEqual, value))
            case .excluded(let value): parts.append(.compare(column, .less, value))
            case .unbounded: break
            }
        }
        return .and(parts)
    }
}
