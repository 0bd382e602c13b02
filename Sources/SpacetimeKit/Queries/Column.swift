import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// A column in a condition: `$0.room` in `Message.where { $0.room == "lobby" }`.
public struct Column<Row: TableRow, Value: SpacetimeType>: Sendable {
    @usableFromInline let position: Int

    @inlinable
    public init(_ position: Int) { self.position = position }

    func compare(_ comparison: RowPredicate.Comparison, _ value: Value) -> Predicate<Row> {
        Predicate(.compare(ColumnID(position), comparison, value.bsatn()))
    }

    public static func == (column: Column, value: Value) -> Predicate<Row> { column.compare(.equal, value) }
    public static func != (column: Column, value: Value) -> Predicate<Row> { column.compare(.notEqual, value) }
    public static func < (column: Column, value: Value) -> Predicate<Row> { column.compare(.less, value) }
    public static func <= (column: Column, value: Value) -> Predicate<Row> { column.compare(.lessOrEqual, value) }
    public static func > (column: Column, value: Value) -> Predicate<Row> { column.compare(.greater, value) }
    public static func >= (column: Column, value: Value) -> Predicate<Row> { column.compare(.greaterOrEqual, value) }

    public static func == (value: Value, column: Column) -> Predicate<Row> { column.compare(.equal, value) }
    public static func != (value: Value, column: Column) -> Predicate<Row> { column.compare(.notEqual, value) }
    public static func < (value: Value, column: Column) -> Predicate<Row> { column.compare(.greater, value) }
    public static func <= (value: Value, column: Column) -> Predicate<Row> { column.compare(.greaterOrEqual, value) }
    public static func > (value: Value, column: Column) -> Predicate<Row> { column.compare(.less, value) }
    public static func >= (value: Value, column: Column) -> Predicate<Row> { column.compare(.lessOrEqual, value) }
}

/// A condition on the rows of one table, as data: it is evaluated inside the engine on encoded rows.
public struct Predicate<Row: TableRow>: Hashable, Sendable {
    let predicate: RowPredicate

    init(_ predicate: RowPredicate) { self.predicate = predicate }

    @usableFromInline var condition: ScanCondition { ScanCondition(predicate) }

    public static func && (left: Predicate, right: Predicate) -> Predicate {
        Predicate(.and([left.predicate, right.predicate]))
    }

    public static func || (left: Predicate, right: Predicate) -> Predicate {
        Predicate(.or([left.predicate, right.predicate]))
    }

    public static prefix func ! (predicate: Predicate) -> Predicate { Predicate(.not(predicate.predicate)) }
}

/// The rows of one table that meet a condition: what one subscribes to.
public struct Query<Row: TableRow>: Hashable, Sendable {
    let predicate: RowPredicate
    /// Nil for the row type's own table.
    private(set) var table: String?

    init(_ predicate: RowPredicate) { self.predicate = predicate }

    /// The same query of another table of the same row type: `Message.where { $0.room == "lobby" }.in("archive")`.
    ///
    /// - Parameter table: its name, as the module's list of tables gives it. Whoever runs the query throws `noSuchTable` if
    ///   there is none of that name.
    public func `in`(_ table: String) -> Query {
        var query = self
        query.table = table
        return query
    }
}

extension TableRow {
    /// A query for the rows that meet a condition: `Message.where { $0.room == "lobby" }`.
    ///
    /// Values are compared as the database orders them: text by its UTF-8 bytes.
    public static func `where`(_ condition: (Columns) -> Predicate<Self>) -> Query<Self> {
        Query(condition(_spacetimeColumns).predicate)
    }

    /// A query for all rows of the table.
    public static var all: Query<Self> { Query(.all) }
}
