import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// Some columns of the rows of a table, decoded one row at a time as a loop asks for them.
///
/// Everything said of ``Rows`` holds here, too. A column behind others of varying size is found by stepping over those
/// in each row; the columns before the first string or array lie at fixed places.
public struct SelectedRows<Selection: ColumnSelection>: Sequence {
    @usableFromInline let rows: Rows<Selection.Row>
    @usableFromInline let selection: Selection

    @inlinable
    init(_ rows: Rows<Selection.Row>, _ selection: Selection) {
        self.rows = rows
        self.selection = selection
    }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(RowImages(rows.reference, rows.source, rows.window), selection) }

    /// How many rows there are. Decodes none.
    @inlinable
    public var count: Int { rows.count }

    /// Whether there are no rows.
    @inlinable
    public var isEmpty: Bool { rows.isEmpty }

    /// The columns of the first row, if there is one.
    @inlinable
    public var first: Selection.Values? {
        var iterator = prefix(1).makeIterator()
        return iterator.next()
    }

    /// The columns of the first rows, at most `maxLength`. No others are read.
    @inlinable
    public func prefix(_ maxLength: Int) -> SelectedRows { SelectedRows(rows.prefix(maxLength), selection) }

    public struct Iterator: IteratorProtocol {
        @usableFromInline var images: RowImages
        @usableFromInline let selection: Selection

        @inlinable
        init(_ images: RowImages, _ selection: Selection) {
            self.images = images
            self.selection = selection
        }

        @inlinable @inline(__always)
        public mutating func next() -> Selection.Values? {
            guard let image = images.next() else { return nil }
            return selection._values(in: image)
        }
    }
}

extension Rows {
    /// One column of the rows: `db.item.rows.select { $0.name }`. The others are not decoded.
    @inlinable
    public func select<A>(_ columns: (Row.Columns) -> Column<Row, A>) -> SelectedRows<_Select1<Row, A>> {
        SelectedRows(self, _Select1(columns(Row._spacetimeColumns), reference))
    }

    /// Two columns of the rows, as tuples: `db.item.rows.select { ($0.id, $0.x) }`.
    @inlinable
    public func select<A, B>(
        _ columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>)
    ) -> SelectedRows<_Select2<Row, A, B>> {
        SelectedRows(self, _Select2(columns(Row._spacetimeColumns), reference))
    }

    /// Three columns of the rows, as tuples: `db.item.rows.select { ($0.id, $0.x, $0.name) }`.
    @inlinable
    public func select<A, B, C>(
        _ columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>, Column<Row, C>)
    ) -> SelectedRows<_Select3<Row, A, B, C>> {
        SelectedRows(self, _Select3(columns(Row._spacetimeColumns), reference))
    }

    /// Four columns of the rows, as tuples: `db.item.rows.select { ($0.id, $0.x, $0.name, $0.y) }`.
    @inlinable
    public func select<A, B, C, D>(
        _ columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>, Column<Row, C>, Column<Row, D>)
    ) -> SelectedRows<_Select4<Row, A, B, C, D>> {
        SelectedRows(self, _Select4(columns(Row._spacetimeColumns), reference))
    }
}
