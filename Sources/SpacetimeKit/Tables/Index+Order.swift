import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

// All rows in the order of an index. A hash index has none: there the whole table is looked at and sorted, of which
// `prefix` keeps what is asked for.

extension _KeyFilter {
    /// Every row in key order.
    @usableFromInline
    func allRows<Row: TableRow>() -> Rows<Row> { Rows(reference, source(nil)) }

    func firstKey<Row: TableRow, Key: SpacetimeType>(of rows: Rows<Row>) -> Key? {
        guard let column = reference.transaction.runner.catalog.schema(of: index)?.columns.first else { return nil }
        return rows.select { _ in Column<Row, Key>(column.index) }.first
    }
}

extension Index {
    /// All rows in the order of their keys.
    @inlinable
    public var rows: Rows<Row> { filter.allRows() }

    /// The least key that a row has. One step in an ordered index; a hash index looks at all rows.
    public func min() -> Key? { filter.firstKey(of: rows) }

    /// The greatest key that a row has. One step in an ordered index; a hash index looks at all rows.
    public func max() -> Key? { filter.firstKey(of: rows.reversed()) }
}

extension UniqueIndex {
    /// All rows in the order of their keys. A hash index, which a unique column has unless `@Indexed(.btree)` or
    /// `@Indexed(.direct)` stands beside it, has no order: there the whole table is looked at and sorted.
    @inlinable
    public var rows: Rows<Row> { _KeyFilter(reference, index).allRows() }

    /// The least key that a row has. One step in an ordered index; a hash index looks at all rows.
    public func min() -> Key? { _KeyFilter(reference, index).firstKey(of: rows) }

    /// The greatest key that a row has. One step in an ordered index; a hash index looks at all rows.
    public func max() -> Key? { _KeyFilter(reference, index).firstKey(of: rows.reversed()) }
}

extension CompositeKeyIndex {
    /// All rows in the order of their keys: by the first column, among equal ones by the second, and so on.
    @inlinable
    public var rows: Rows<Row> { _filter.allRows() }
}
