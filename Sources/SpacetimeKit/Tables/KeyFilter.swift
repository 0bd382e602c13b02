public import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSchema

/// What all kinds of index do with a key, a prefix and a range: not generic over the row until rows are decoded.
@usableFromInline
struct _KeyFilter {
    @usableFromInline let reference: TableReference
    @usableFromInline let index: IndexID

    @inlinable
    init(_ reference: TableReference, _ index: IndexID) {
        self.reference = reference
        self.index = index
    }

    /// The rows with the whole key that is in the key scratch.
    @inlinable @inline(__always)
    func scratchKey() -> RowSource { .key(index, KeyBytes(reference.transaction.state.pointee.keyScratch.pointee)) }

    /// The rows whose first column lies within `bounds`; or, given its value, whose second one does.
    @usableFromInline
    func source(_ bounds: KeyBounds?, prefix: [UInt8]? = nil) -> RowSource {
        // A hash index knows complete keys only.
        reference.transaction.requireCurrent()
        guard reference.transaction.state.pointee.tableMap.isOrdered(index) else {
            return wholeTable(bounds, prefix: prefix)
        }
        return .range(
            index,
            IndexRange(
                prefix: prefix ?? [], prefixColumns: prefix == nil ? 0 : 1, lower: bounds?.lower ?? .unbounded,
                upper: bounds?.upper ?? .unbounded))
    }

    /// The condition that prefix and range mean, for a scan of the whole table.
    @inline(never)
    private func wholeTable(_ bounds: KeyBounds?, prefix: [UInt8]?) -> RowSource {
        guard let columns = reference.transaction.core.datastore.schema(of: index)?.columns else {
            preconditionFailure("the handle's index is not in the database")
        }
        var parts: [RowPredicate] = []
        if let prefix { parts.append(.compare(columns[0], .equal, prefix)) }
        if let bounds {
            let column = columns[prefix == nil ? 0 : 1]
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
        return .table(ScanCondition(.and(parts)))
    }

    /// Deletes the rows with the whole key that is in the key scratch.
    @inlinable
    func deleteScratchKey() throws(DatabaseError) -> Int { try reference.transaction.deleteScratchKey(index) }

    @usableFromInline
    func delete(_ bounds: KeyBounds?, prefix: [UInt8]? = nil) throws(DatabaseError) -> Int {
        let source = source(bounds, prefix: prefix)
        if case .range(let index, let range) = source {
            return try reference.transaction.delete(index, range: range)
        }
        // No index to delete through: the rows are collected first, then deleted by value.
        let scan = source.open(reference)
        var rows = RowBatch()
        scan.forEach { rows.append($0) }
        try rows.forEach { row throws(DatabaseError) in
            _ = try reference.transaction.delete(reference.table, equalTo: row)
        }
        return rows.count
    }
}
