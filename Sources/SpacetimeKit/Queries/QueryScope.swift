import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What the closures of a ``Query`` are given columns of: the rows of a table (``TableRow``), of a join (``Joined``), or groups
/// (``Grouped``).
public protocol QueryScope: SendableMetatype {
    /// What a closure takes: the columns of a table, or a tuple, whose elements are the closure's parameters.
    associatedtype Columns
    static func _columns(_ context: _QueryContext) -> Columns
}

/// The rows of a table or of a join, which can be grouped and aggregated.
public protocol SourceScope: QueryScope {}

/// The rows of a table, or of a join that leaves none of them out: what a query returns if it does not say which columns.
public protocol RowScope: SourceScope {
    /// A row, or a tuple of one of each table.
    associatedtype _Rows: Sendable
    static func _rows(in image: UnsafeRawBufferPointer) -> _Rows
}

/// What a closure of a query comes upon while it runs: the aggregates that it asks for.
public final class _QueryContext {
    private(set) var aggregates: [_QueryDraft.Aggregate]

    init(_ aggregates: [_QueryDraft.Aggregate]) { self.aggregates = aggregates }

    /// The position of an aggregate, which is computed once however often it is asked for.
    func position(of aggregate: _QueryDraft.Aggregate) -> Int {
        if let known = aggregates.firstIndex(of: aggregate) { return known }
        aggregates.append(aggregate)
        return aggregates.count - 1
    }
}

/// The tables that columns in a join belong to: a column's number has its table in the upper four bits.
enum QuerySlot {
    private static var columnBits: Int { 12 }
    /// Tables of a query, those of semijoins among them.
    static var limit: Int { 16 }

    static func column(_ column: Int, of slot: Int) -> Int {
        precondition(column < 1 << columnBits && slot < limit, "a join reaches the first 4,096 columns of 16 tables")
        return slot << columnBits | column
    }

    /// A path of a scope as a table, by its place in the scope, and the path in its rows.
    static func split(_ path: FieldPath) -> (slot: Int, path: FieldPath) {
        let number = Int(path.column.rawValue)
        return (number >> columnBits, FieldPath(ColumnID(number & (1 << columnBits - 1)), path.steps))
    }
}

// MARK: Tables

extension TableRow {
    @inlinable public static func _columns(_ context: _QueryContext) -> Columns { _spacetimeColumns }

    @inlinable public static func _rows(in image: UnsafeRawBufferPointer) -> Self { _decode(image, as: Self.self) }
}

// MARK: Joins

/// One of the tables of a join: a row type, or an optional one where a left join may have found no row.
public protocol JoinPart {
    associatedtype _JoinedRow: TableRow
}

/// `Optional`, where a constraint has to say so.
public protocol _OptionalJoinPart: JoinPart {}

extension Optional: JoinPart where Wrapped: TableRow {
    public typealias _JoinedRow = Wrapped
}

extension Optional: _OptionalJoinPart where Wrapped: TableRow {}

/// The columns of one table of a join: `$0.sender` and `$1.id` in `Message.all.join(User.self) { $0.sender == $1.id }`.
@dynamicMemberLookup
public struct JoinColumns<Scope, Part: JoinPart> {
    let slot: Int

    init(_ slot: Int) { self.slot = slot }
}

extension JoinColumns where Part: TableRow {
    /// A column of the table.
    public subscript<Value>(dynamicMember column: KeyPath<Part.Columns, Column<Part, Value>>) -> Column<Scope, Value> {
        Column(QuerySlot.column(Part._spacetimeColumns[keyPath: column]._position, of: slot))
    }

    /// The row itself, for `select`: `{ message, user in (message.wholeRow, user.name) }`.
    public var wholeRow: WholeRow<Scope, Part> { WholeRow(slot) }
}

extension JoinColumns where Part: _OptionalJoinPart {
    /// A column of the table; nil where there is no row.
    public subscript<Value>(
        dynamicMember column: KeyPath<Part._JoinedRow.Columns, Column<Part._JoinedRow, Value>>
    ) -> OptionalColumn<Scope, Value> { OptionalColumn(place(of: column)) }

    /// A column of optionals; nil where there is no row, too.
    public subscript<Value>(
        dynamicMember column: KeyPath<Part._JoinedRow.Columns, Column<Part._JoinedRow, Value?>>
    ) -> OptionalColumn<Scope, Value> { OptionalColumn(place(of: column), .payload(0)) }

    private func place<Value>(
        of column: KeyPath<Part._JoinedRow.Columns, Column<Part._JoinedRow, Value>>
    ) -> FieldPath {
        let position = Part._JoinedRow._spacetimeColumns[keyPath: column]._position
        return FieldPath(ColumnID(QuerySlot.column(position, of: slot)))
    }
}

/// The rows of two tables that belong together. Closures take a parameter for each: `{ message, user in … }`.
public enum Joined<A: JoinPart, B: JoinPart>: SourceScope {
    public typealias Columns = (JoinColumns<Joined, A>, JoinColumns<Joined, B>)

    public static func _columns(_ context: _QueryContext) -> Columns { (.init(0), .init(1)) }
}

extension Joined: RowScope where A: TableRow, B: TableRow {
    public static func _rows(in image: UnsafeRawBufferPointer) -> (A, B) {
        var reader = _ResultReader(image)
        return (reader.next(A.self), reader.next(B.self))
    }
}

/// The rows of three tables that belong together.
public enum Joined3<A: JoinPart, B: JoinPart, C: JoinPart>: SourceScope {
    public typealias Columns = (JoinColumns<Joined3, A>, JoinColumns<Joined3, B>, JoinColumns<Joined3, C>)

    public static func _columns(_ context: _QueryContext) -> Columns { (.init(0), .init(1), .init(2)) }
}

extension Joined3: RowScope where A: TableRow, B: TableRow, C: TableRow {
    public static func _rows(in image: UnsafeRawBufferPointer) -> (A, B, C) {
        var reader = _ResultReader(image)
        return (reader.next(A.self), reader.next(B.self), reader.next(C.self))
    }
}

/// The rows of four tables that belong together.
public enum Joined4<A: JoinPart, B: JoinPart, C: JoinPart, D: JoinPart>: SourceScope {
    public typealias Columns = (
        JoinColumns<Joined4, A>, JoinColumns<Joined4, B>, JoinColumns<Joined4, C>, JoinColumns<Joined4, D>
    )

    public static func _columns(_ context: _QueryContext) -> Columns { (.init(0), .init(1), .init(2), .init(3)) }
}

extension Joined4: RowScope where A: TableRow, B: TableRow, C: TableRow, D: TableRow {
    public static func _rows(in image: UnsafeRawBufferPointer) -> (A, B, C, D) {
        var reader = _ResultReader(image)
        return (reader.next(A.self), reader.next(B.self), reader.next(C.self), reader.next(D.self))
    }
}
