/// A query for rows of one table that code was generated for.
public struct TableQuery<Table: GeneratedTable>: Sendable {
    private var conditions: [String] = []
    /// The text from the table that is joined up to the condition that joins it.
    private var join: String?
    /// What a view is called with, in parentheses.
    private var call = ""

    init() {}

    /// The rows of a view that has parameters.
    init(arguments: [(any QueryValue)?]) {
        call = "(" + arguments.map { $0?._sql ?? "NULL" }.joined(separator: ", ") + ")"
    }

    private static var name: String { SQLText.name(Table._description.name) }
    /// What the rows are taken from.
    private var source: String { Self.name + call }

    /// Whether a row may be found more than once.
    var isOfSeveralTables: Bool { join != nil }

    /// The query as servers read it.
    public var sql: String {
        var text = join.map { "SELECT \(Self.name).* FROM \($0)" } ?? "SELECT * FROM \(source)"
        if !conditions.isEmpty { text += " WHERE " + conditions.joined(separator: " AND ") }
        return text
    }

    /// The rows of these that meet a condition, too.
    ///
    /// - Parameter condition: is given the columns.
    public func `where`(_ condition: (Table.Columns) -> QueryCondition<Table.Row>) -> TableQuery {
        var query = self
        query.conditions.append(condition(Table.Columns(_table: Table._description.name)).sql)
        return query
    }

    /// The rows of these to which there is one of another table.
    ///
    /// ```swift
    /// game.db.player.all.semijoin(game.db.scoreEntry.where { $0.points > 10 }) { $0.id == $1.playerId }
    /// ```
    ///
    /// Servers want both columns to be indexed. A query that is joined already is not joined again: that stops the process.
    ///
    /// - Parameters:
    ///   - other: a query for the rows of the other table.
    ///   - condition: is given the columns of both.
    public func semijoin<Other: GeneratedTable>(
        _ other: TableQuery<Other>,
        on condition: (Table.Columns, Other.Columns) -> QueryJoin<Table.Row, Other.Row>
    ) -> TableQuery {
        precondition(join == nil && other.join == nil, "a query of two tables is not joined with a third one")
        let columns = Table.Columns(_table: Table._description.name)
        let others = Other.Columns(_table: Other._description.name)
        var query = self
        query.join = "\(other.source) JOIN \(source) ON \(condition(columns, others).sql)"
        query.conditions += other.conditions
        return query
    }
}

/// A column of a query's table.
public struct QueryColumn<Row, Value>: Sendable {
    let sql: String

    /// For generated code.
    ///
    /// - Parameters:
    ///   - table: what the server calls the table.
    ///   - name: what it calls the column.
    public init(_ table: String, _ name: String) { sql = SQLText.name(table) + "." + SQLText.quoted(name) }
}

/// Which rows a query is for.
public struct QueryCondition<Row>: Sendable {
    let sql: String

    /// What meets both.
    public static func && (left: QueryCondition, right: QueryCondition) -> QueryCondition {
        QueryCondition(sql: "(\(left.sql) AND \(right.sql))")
    }

    /// What meets one of them, or both.
    public static func || (left: QueryCondition, right: QueryCondition) -> QueryCondition {
        QueryCondition(sql: "(\(left.sql) OR \(right.sql))")
    }
}

/// Which rows of two tables belong together.
public struct QueryJoin<Row, Other>: Sendable {
    let sql: String
}

extension QueryColumn where Value: QueryValue {
    private func compared(_ sign: String, _ value: Value) -> QueryCondition<Row> {
        QueryCondition(sql: "\(sql) \(sign) \(value._sql)")
    }

    /// Whether the column has this value.
    public static func == (column: QueryColumn, value: Value) -> QueryCondition<Row> { column.compared("=", value) }

    /// Whether the column has another value.
    public static func != (column: QueryColumn, value: Value) -> QueryCondition<Row> { column.compared("<>", value) }

    /// Whether the column has a smaller value.
    public static func < (column: QueryColumn, value: Value) -> QueryCondition<Row> { column.compared("<", value) }

    /// Whether the column has this value, or a smaller one.
    public static func <= (column: QueryColumn, value: Value) -> QueryCondition<Row> { column.compared("<=", value) }

    /// Whether the column has a greater value.
    public static func > (column: QueryColumn, value: Value) -> QueryCondition<Row> { column.compared(">", value) }

    /// Whether the column has this value, or a greater one.
    public static func >= (column: QueryColumn, value: Value) -> QueryCondition<Row> { column.compared(">=", value) }
}

extension QueryColumn {
    /// Whether the columns of two tables have the same value.
    public static func == <Other>(
        column: QueryColumn, other: QueryColumn<Other, Value>
    ) -> QueryJoin<Row, Other> { QueryJoin(sql: "\(column.sql) = \(other.sql)") }
}
