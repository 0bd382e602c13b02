public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// What all kinds of index do with a key, a prefix and a range: not generic over the row until rows are decoded.
public struct _KeyFilter {
    @usableFromInline let reference: TableReference
    @usableFromInline let index: IndexID

    @inlinable
    init(_ reference: TableReference, _ index: IndexID) {
        self.reference = reference
        self.index = index
    }

    /// The rows with the whole key that is in the key scratch.
    @inlinable @inline(__always)
    func scratchKey() -> RowSource { .key(index, KeyBytes(reference.transaction.state.scratch.key.pointee)) }

    /// Puts the values of some columns, one behind the other, into the key scratch.
    @inlinable @inline(__always)
    func encode<First: SpacetimeType, each Rest: SpacetimeType>(
        _ first: borrowing First, _ rest: repeat each Rest
    ) {
        reference.encode(key: first)
        let scratch = reference.transaction.state.scratch.key
        repeat (each rest).encode(to: &scratch.pointee)
    }

    /// The rows with the values of leading columns that are in the key scratch, and the next column within `bounds`.
    @usableFromInline
    func scratchPrefix(_ columns: Int, _ bounds: KeyBounds? = nil) -> RowSource {
        source(bounds, prefix: reference.transaction.state.scratch.key.pointee.toArray(), columns)
    }

    /// The rows with these values of leading columns, and the next column within `bounds`.
    @usableFromInline
    func source(_ bounds: KeyBounds?, prefix: [UInt8] = [], _ prefixColumns: Int = 0) -> RowSource {
        // A hash index knows complete keys only.
        reference.transaction.requireCurrent()
        guard reference.transaction.state.tableMap.isOrdered(index) else {
            return wholeTable(bounds, prefix: prefix, prefixColumns)
        }
        return .range(
            index,
            IndexRange(
                prefix: prefix, prefixColumns: prefixColumns, lower: bounds?.lower ?? .unbounded,
                upper: bounds?.upper ?? .unbounded))
    }

    /// The condition that prefix and range mean, for a scan of the whole table whose rows are sorted.
    @inline(never)
    private func wholeTable(_ bounds: KeyBounds?, prefix: [UInt8], _ prefixColumns: Int) -> RowSource {
        let catalog = reference.transaction.runner.catalog
        guard let columns = catalog.schema(of: index)?.columns, let table = catalog.schema(of: reference.table)
        else { preconditionFailure("the handle's index is not in the database") }
        var parts: [RowPredicate] = []
        var reader = BSATNReader(prefix.span.bytes)
        for column in columns.prefix(prefixColumns) {
            let start = reader.offset
            guard (try? AlgebraicValue(from: &reader, type: table.columns[column.index].type)) != nil else {
                preconditionFailure("the values of the leading columns are not what the index holds")
            }
            parts.append(.compare(column, .equal, Array(prefix[start..<reader.offset])))
        }
        if let bounds {
            let column = columns[prefixColumns]
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
        return .sorted(index, parts.isEmpty ? nil : ScanCondition(.and(parts)))
    }

    /// Deletes the rows with the whole key that is in the key scratch.
    @inlinable
    func deleteScratchKey() throws(DatabaseError) -> Int { try reference.transaction.deleteScratchKey(index) }

    /// Deletes the rows with the values of leading columns that are in the key scratch, and the next column within
    /// `bounds`.
    @usableFromInline
    func deleteScratchPrefix(_ columns: Int, _ bounds: KeyBounds? = nil) throws(DatabaseError) -> Int {
        try delete(scratchPrefix(columns, bounds))
    }

    @usableFromInline
    func delete(_ bounds: KeyBounds) throws(DatabaseError) -> Int { try delete(source(bounds)) }

    private func delete(_ source: RowSource) throws(DatabaseError) -> Int {
        if case .range(let index, let range) = source {
            return try reference.transaction.delete(index, range: range)
        }
        // No index to delete through: the rows are collected first, then deleted by value.
        let scan = source.open(reference, ScanWindow())
        var rows = RowBatch()
        scan.forEach { rows.append($0) }
        try rows.forEach { row throws(DatabaseError) in
            _ = try reference.transaction.delete(reference.table, equalTo: row)
        }
        return rows.count
    }
}
