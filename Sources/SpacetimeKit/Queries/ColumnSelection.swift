public import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS

/// Some columns of a row, found and decoded without the others. Made by `select`, for one to four columns.
///
/// Swift 6.3 crashes over the parameter packs that would make one type of the four.
public protocol ColumnSelection<Row> {
    /// The rows whose columns they are.
    associatedtype Row: TableRow
    /// The value of one column, or a tuple.
    associatedtype Values
    func _values(in image: UnsafeRawBufferPointer) -> Values
}

/// One column of one table, with its place in the row.
@frozen @usableFromInline
struct LocatedColumn<Value: SpacetimeType> {
    @usableFromInline let place: ColumnOffset

    @inlinable
    init<Row: TableRow>(_ column: Column<Row, Value>, _ reference: TableReference) {
        place = _locate(column._position, column._fields, reference)
    }

    @inlinable @inline(__always)
    func value(in image: UnsafeRawBufferPointer) -> Value {
        // Images lie in pages of the table or in a scan's copies, so even an empty one has an address.
        let start = image.baseAddress.unsafelyUnwrapped
        let offset = place.offset(in: start)
        return _decode(UnsafeRawBufferPointer(start: start + offset, count: image.count &- offset), as: Value.self)
    }
}

@usableFromInline
func _locate(_ column: Int, _ fields: [Int]?, _ reference: TableReference) -> ColumnOffset {
    guard let place = reference.transaction.columnOffset(column, fields: fields, of: reference.table) else {
        precondition(
            (fields?.count ?? 0) <= ColumnOffset.stepLimit,
            "select reaches through six nested structs at most; select one of them and take its field")
        fatalError("a column of a typed table is not in its table, because its code was not generated for it")
    }
    return place
}

/// One column of a row.
@frozen
public struct _Select1<Row: TableRow, A: SpacetimeType>: ColumnSelection {
    @usableFromInline let a: LocatedColumn<A>

    @inlinable
    init(_ columns: Column<Row, A>, _ reference: TableReference) {
        a = LocatedColumn(columns, reference)
    }

    @inlinable @inline(__always)
    public func _values(in image: UnsafeRawBufferPointer) -> A {
        a.value(in: image)
    }
}

/// Two columns of a row.
@frozen
public struct _Select2<Row: TableRow, A: SpacetimeType, B: SpacetimeType>: ColumnSelection {
    @usableFromInline let a: LocatedColumn<A>
    @usableFromInline let b: LocatedColumn<B>

    @inlinable
    init(_ columns: (Column<Row, A>, Column<Row, B>), _ reference: TableReference) {
        a = LocatedColumn(columns.0, reference)
        b = LocatedColumn(columns.1, reference)
    }

    @inlinable @inline(__always)
    public func _values(in image: UnsafeRawBufferPointer) -> (A, B) {
        (a.value(in: image), b.value(in: image))
    }
}

/// Three columns of a row.
@frozen
public struct _Select3<Row: TableRow, A: SpacetimeType, B: SpacetimeType, C: SpacetimeType>: ColumnSelection {
    @usableFromInline let a: LocatedColumn<A>
    @usableFromInline let b: LocatedColumn<B>
    @usableFromInline let c: LocatedColumn<C>

    @inlinable
    init(_ columns: (Column<Row, A>, Column<Row, B>, Column<Row, C>), _ reference: TableReference) {
        a = LocatedColumn(columns.0, reference)
        b = LocatedColumn(columns.1, reference)
        c = LocatedColumn(columns.2, reference)
    }

    @inlinable @inline(__always)
    public func _values(in image: UnsafeRawBufferPointer) -> (A, B, C) {
        (a.value(in: image), b.value(in: image), c.value(in: image))
    }
}

/// Four columns of a row.
@frozen
public struct _Select4<Row: TableRow, A: SpacetimeType, B: SpacetimeType, C: SpacetimeType, D: SpacetimeType>:
    ColumnSelection
{
    @usableFromInline let a: LocatedColumn<A>
    @usableFromInline let b: LocatedColumn<B>
    @usableFromInline let c: LocatedColumn<C>
    @usableFromInline let d: LocatedColumn<D>

    @inlinable
    init(_ columns: (Column<Row, A>, Column<Row, B>, Column<Row, C>, Column<Row, D>), _ reference: TableReference) {
        a = LocatedColumn(columns.0, reference)
        b = LocatedColumn(columns.1, reference)
        c = LocatedColumn(columns.2, reference)
        d = LocatedColumn(columns.3, reference)
    }

    @inlinable @inline(__always)
    public func _values(in image: UnsafeRawBufferPointer) -> (A, B, C, D) {
        (a.value(in: image), b.value(in: image), c.value(in: image), d.value(in: image))
    }
}
