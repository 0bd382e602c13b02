import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// All tables at one moment. Reading it takes no lock.
///
/// Queries are answered as in a transaction, by looking at every row at first. The indexes of the database go on changing
/// and are not part of the snapshot; one that is searched by the columns of an index again and again (some sixteen times)
/// sorts the table's rows by them once, which takes about as long, and finds rows at once from then on:
///
/// ```swift
/// let snapshot = try db.snapshot()
/// let ada = try snapshot.find(User.self, id)
/// let newest = try snapshot.rows(Message.all, orderedBy: { $0.sent }, descending: true, limit: 50)
/// ```
///
/// Everything here throws ``DatabaseError``: `noSuchTable` if the module has no table of these rows or of that name,
/// `limitReached` if a condition is larger than one may be, see ``Condition``.
public struct DatabaseSnapshot<Definition: ModuleDefinition>: Sendable {
    private let core: DatabaseCore
    private let snapshot: DatastoreSnapshot

    init(core: DatabaseCore, snapshot: DatastoreSnapshot) {
        self.core = core
        self.snapshot = snapshot
    }

    // MARK: Whole tables

    /// How many rows the table has.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default its own.
    public func count<Row: TableRow>(of row: Row.Type, in name: String? = nil) throws -> Int {
        snapshot.count(try core.table(of: row, named: name))
    }

    /// All rows of the table, copied, in no particular order.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default its own.
    public func rows<Row: TableRow>(of row: Row.Type, in name: String? = nil) throws -> [Row] {
        try rows(Query(of: row, in: name))
    }

    /// Calls `body` with each row of a table, in no particular order.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default its own.
    ///   - body: what it throws ends the walk, and is thrown on.
    public func forEach<Row: TableRow>(
        _ row: Row.Type, in name: String? = nil, _ body: (Row) throws -> Void
    ) throws {
        try forEach(Query(of: row, in: name), body)
    }

    // MARK: By key

    /// The row with that primary key.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - key: the value of the column.
    ///   - name: which table, if the type has several; by default its own.
    public func find<Row: KeyedTableRow>(
        _ row: Row.Type, _ key: Row.PrimaryKey, in name: String? = nil
    ) throws -> Row? where Row.PrimaryKey: SpacetimeType {
        try find(row, [key.bsatn()], in: name)
    }

    /// The row with that primary key of several columns: `snapshot.find(Seat.self, row, number)`.
    public func find<Row: KeyedTableRow, A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ row: Row.Type, _ first: A, _ second: B, _ rest: repeat each Rest, in name: String? = nil
    ) throws -> Row? where Row.PrimaryKey: KeyColumns, Row.PrimaryKey.Values == (A, B, repeat each Rest) {
        var key = [first.bsatn(), second.bsatn()]
        for value in repeat each rest { key.append(value.bsatn()) }
        return try find(row, key, in: name)
    }

    private func find<Row: TableRow>(_ row: Row.Type, _ key: [[UInt8]], in name: String?) throws -> Row? {
        let columns = snapshot.schema(of: try core.table(of: row, named: name))?.primaryKey ?? []
        return try first(
            Query(of: row, in: name, where: .and(zip(columns, key).map { .compare($0, .equal, $1) })))
    }

    // MARK: By condition

    /// Calls `body` with each row of a query, in no particular order.
    ///
    /// - Throws: what `body` throws, too.
    public func forEach<Row: TableRow>(_ query: Query<Row>, _ body: (Row) throws -> Void) throws {
        let table = try core.table(of: Row.self, named: query.table)
        try core.catalog.forEachRow(of: table, in: snapshot, where: query.predicate) {
            try body(_decode($0, as: Row.self))
        }
    }

    /// The rows of a query, copied, in no particular order.
    public func rows<Row: TableRow>(_ query: Query<Row>) throws -> [Row] {
        var rows: [Row] = []
        try forEach(query) { rows.append($0) }
        return rows
    }

    /// Some row of a query.
    public func first<Row: TableRow>(_ query: Query<Row>) throws -> Row? {
        var found: Row?
        do {
            try forEach(query) { row in
                found = row
                throw Enough()
            }
        } catch is Enough {}
        return found
    }

    /// How many rows a query has. Decodes none.
    public func count<Row: TableRow>(_ query: Query<Row>) throws -> Int {
        let table = try core.table(of: Row.self, named: query.table)
        var count = 0
        try core.catalog.forEachRow(of: table, in: snapshot, where: query.predicate) { _ in count += 1 }
        return count
    }

    // MARK: In order

    /// The rows of a query in the order of a column, which is that of an index over it: `orderedBy: { $0.sent }`. A field of a
    /// struct or a payload will do as well. Nil, and what a row does not have, comes last.
    ///
    /// All rows of the query are found and sorted, as encoded; only those that are asked for are decoded. Rows that are equal
    /// there are in an order that is the same each time.
    ///
    /// - Parameters:
    ///   - query: which rows.
    ///   - column: what they are ordered by.
    ///   - descending: whether the greatest comes first; nil, too, then.
    ///   - limit: how many there may be; the first ones are taken.
    public func rows<Row: TableRow, A: ColumnExpression>(
        _ query: Query<Row>, orderedBy column: (Row.Columns) -> A, descending: Bool = false, limit: Int = .max
    ) throws -> [Row] where A.Row == Row, A.Value: OrderedColumnValue {
        try rows(query, [column(Row._spacetimeColumns)._place.path], descending, limit)
    }

    /// The rows of a query in the order of two columns: by the first, and where that is equal by the second.
    ///
    /// - Parameters:
    ///   - query: which rows.
    ///   - columns: what they are ordered by: `orderedBy: { ($0.room, $0.sent) }`.
    ///   - descending: whether the greatest comes first, in both columns.
    ///   - limit: how many there may be; the first ones are taken.
    public func rows<Row: TableRow, A: ColumnExpression, B: ColumnExpression>(
        _ query: Query<Row>, orderedBy columns: (Row.Columns) -> (A, B), descending: Bool = false, limit: Int = .max
    ) throws -> [Row]
    where A.Row == Row, B.Row == Row, A.Value: OrderedColumnValue, B.Value: OrderedColumnValue {
        let columns = columns(Row._spacetimeColumns)
        return try rows(query, [columns.0._place.path, columns.1._place.path], descending, limit)
    }

    private func rows<Row: TableRow>(
        _ query: Query<Row>, _ paths: [FieldPath], _ descending: Bool, _ limit: Int
    ) throws -> [Row] {
        let table = try core.table(of: Row.self, named: query.table)
        var rows: [Row] = []
        try core.catalog.forEachRow(
            of: table, in: snapshot, where: query.predicate, orderedBy: paths, descending: descending, limit: limit
        ) { rows.append(_decode($0, as: Row.self)) }
        return rows
    }
}

extension Query {
    fileprivate init(of row: Row.Type, in table: String?, where predicate: RowPredicate = .all) {
        let query = Query(predicate)
        self = table.map { query.in($0) } ?? query
    }
}

/// Ends a walk over rows before its end.
private struct Enough: Error {}
