public import SpacetimeClient
import SpacetimeEngine
import SpacetimeHost
public import SpacetimeKit
public import SpacetimeSATS
import SpacetimeSchema

extension CachedTable where Row: TableRow {
    /// The rows that meet a condition, as `where` of a reducer's table finds them.
    ///
    /// ```swift
    /// for message in try client.table(Message.self).rows(where: { $0.room == "lobby" && $0.sent > yesterday }) {
    ///     print(message.text)
    /// }
    /// ```
    ///
    /// Equalities with the columns of an index, one or several, are looked up in it; what else is asked is tested on the rows found,
    /// or on all rows, as bytes.
    ///
    /// - Parameter condition: what the rows must meet.
    /// - Throws: `ClientError` with the code `undecodable` if a row is no `Row`;
    ///   `DatabaseError` with the code `limitReached` if the condition is too large.
    public func rows(where condition: (Row.Columns) -> some ConditionConvertible<Row>) throws -> [Row] {
        try rows(matching: try search(Row.where(condition)))
    }

    /// The first row found that meets a condition; see ``rows(where:)``.
    ///
    /// - Parameter condition: what the row must meet.
    public func first(where condition: (Row.Columns) -> some ConditionConvertible<Row>) throws -> Row? {
        try rows(matching: try search(Row.where(condition)), limit: 1).first
    }

    /// How many rows meet a condition; see ``rows(where:)``. Decodes none.
    ///
    /// - Parameter condition: what the rows must meet.
    public func count(where condition: (Row.Columns) -> some ConditionConvertible<Row>) throws -> Int {
        count(matching: try search(Row.where(condition)))
    }

    /// The rows that meet the conditions of a query, which is the one that is watched or another one.
    ///
    /// - Parameter query: conditions on this table alone.
    /// - Throws: as ``rows(where:)``, and `DatabaseError` with the code `notPossible` for joins, windows and views,
    ///   which only the database can decide.
    public func rows(_ query: Query<Row>) throws -> [Row] { try rows(matching: try search(query)) }

    private func search(_ query: Query<Row>) throws(DatabaseError) -> CacheSearch {
        guard let condition = query._draft.plainTerms else {
            throw DatabaseError(
                .notPossible, "a cache has rows of tables, and cannot tell which ones a join, a window or a view means")
        }
        guard condition != .all else { return CacheSearch() }
        return try CacheSearch(condition, RowSchemas.schema(of: Row.self, named: nil))
    }
}

extension CachedTable where Row: KeyedTableRow, Row.PrimaryKey: SpacetimeType {
    /// The row with that primary key. Costs one look-up.
    ///
    /// - Parameter key: the value of the column.
    /// - Throws: `ClientError` with the code `undecodable` if it is no `Row`.
    public func find(_ key: Row.PrimaryKey) throws -> Row? {
        let columns = RowSchemas.schema(of: Row.self, named: nil).primaryKey.map(\.index)
        return try rows(matching: CacheSearch(columns: columns, key: [key.bsatn()]), limit: 1).first
    }
}

extension CachedTable where Row: KeyedTableRow, Row.PrimaryKey: KeyColumns {
    /// The row with that primary key of several columns: `table.find(row, number)`. Costs one look-up.
    ///
    /// - Parameters:
    ///   - first: the value of the key's first column.
    ///   - second: that of the second one.
    ///   - rest: those of the others.
    public func find<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) throws -> Row? where Row.PrimaryKey.Values == (A, B, repeat each Rest) {
        var key = [first.bsatn(), second.bsatn()]
        for value in repeat each rest { key.append(value.bsatn()) }
        let columns = RowSchemas.schema(of: Row.self, named: nil).primaryKey.map(\.index)
        return try rows(matching: CacheSearch(columns: columns, key: key), limit: 1).first
    }
}

extension CacheSearch {
    /// Conditions that must all hold: equalities of whole columns may be looked up, and everything is tested.
    fileprivate init(_ predicate: RowPredicate, _ schema: TableSchema) throws(DatabaseError) {
        var equalities: [Int: [UInt8]] = [:]
        for part in RowPredicate.conjuncts(of: predicate.normalTerms()) {
            guard part.count == 1, case .compare(let path, .equal, let value)? = part.first, path.steps.isEmpty,
                // Equal floats may differ in their bytes.
                let type = schema.column(path.column)?.type, !type.containsFloat
            else { continue }
            equalities[path.column.index] = value
        }
        let test = try RowTest(predicate, schema)
        self.init(equalities: equalities) { test.matches($0) }
    }
}
