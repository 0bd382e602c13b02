import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

/// The same tables in SQLite, and the same queries asked there.
///
/// Each value that a query can name is a column of its own: of a column `at` of type `option<{x, y}>` there are the option,
/// what is in it, and both fields, NULL where they are missing.
///
/// Left out, because SQLite means something else by them: arithmetic with and sums of floats and of integers that it has no
/// numbers for (64 bits unsigned, and wider), averages of 64-bit integers, and whatever does not fit into its type.
final class SQLiteOracle {
    private let schema: RandomSchema
    private let database: SQLiteDatabase

    init(_ model: ModelDatabase) throws {
        schema = model.schema
        database = try SQLiteDatabase()
        for (position, table) in schema.tables.enumerated() {
            let columns = Self.places(table).map { Self.name($0.path) }
            // Without types, so that nothing is converted.
            try database.execute(
                "CREATE TABLE \(Self.name(position)) (bytes UNIQUE, \(columns.joined(separator: ", ")))")
            for row in model.rows[position] { try insert(row.row, bytes: row.bytes, position) }
        }
    }

    // MARK: Changes

    func apply(_ changes: [ModelDatabase.Change], before: ModelDatabase) throws {
        try database.execute("BEGIN")
        var model = before
        for change in changes {
            let table = change.table
            switch change {
            case .insert(_, let bytes):
                try insert(model.row(bytes, table), bytes: bytes, table)
            case .delete(_, let bytes): try delete(bytes, table)
            case .update(_, let bytes):
                let row = model.row(bytes, table)
                let key = schema.tables[table].primaryKey[0].index
                for old in model.rows[table] where old.row[key] == row[key] { try delete(old.bytes, table) }
                try insert(row, bytes: bytes, table)
            case .clear: try database.execute("DELETE FROM \(Self.name(table))")
            }
            try model.apply(change)
        }
        try database.execute("COMMIT")
    }

    private func insert(_ row: [AlgebraicValue], bytes: [UInt8], _ table: Int) throws {
        let values = Self.places(schema.tables[table]).map { place in
            NaiveEvaluator.value(at: place.path, of: row)?.sortable() ?? .null
        }
        let marks = Array(repeating: "?", count: values.count + 1).joined(separator: ", ")
        try database.run("INSERT OR IGNORE INTO \(Self.name(table)) VALUES (\(marks))", [.blob(bytes)] + values)
    }

    private func delete(_ bytes: [UInt8], _ table: Int) throws {
        try database.run("DELETE FROM \(Self.name(table)) WHERE bytes = ?", [.blob(bytes)])
    }

    // MARK: Queries

    /// The query as it is asked, if SQLite means the same by it.
    func text(_ query: TestQuery) -> String? {
        // Rows differ by their bytes, of which there may be several for a float that is one value in SQLite.
        if query.isDistinct, case .rows(let slot) = query.output,
            schema.types(query.sources[slot].table).contains(where: \.containsFloat)
        {
            return nil
        }
        var shown = query.groups + query.order.map(\.value)
        if case .columns(let columns) = query.output { shown += columns.map(\.value) }
        // Of an option that may be missing, nil stands for both. SQLite tells them apart.
        for case .column(let column) in shown where column.type.optionPayload != nil && query.isNullable(column) {
            return nil
        }
        return try? query.print(with: Printer(query: query, schema: schema))
    }

    /// The result as ``canonical(_:)`` has it, or nil for a query that SQLite would mean otherwise.
    func run(_ query: TestQuery) throws -> [[SQLiteDatabase.Value]]? {
        guard let text = text(query) else { return nil }
        do {
            let rows = try database.rows(text)
            guard case .columns(let columns) = query.output else { return rows }
            let types = columns.map(\.value.type)
            return rows.map { row in zip(row, types).map { Self.value($0, $1) } }
        } catch let failure as SQLiteDatabase.Failure where failure.description == "integer overflow" {
            return nil
        } catch {
            throw SQLiteDatabase.Failure(description: "\(error) in \(text)")
        }
    }

    /// A result of SQLite in the form that values of the type have here.
    private static func value(_ value: SQLiteDatabase.Value, _ type: AlgebraicType) -> SQLiteDatabase.Value {
        switch (value, type) {
        case (.integer(let number), .u64): AlgebraicValue.u64(UInt64(bitPattern: number)).sortable()
        case (.integer(let number), .u128): AlgebraicValue.u128(UInt128(truncatingIfNeeded: number)).sortable()
        case (.integer(let number), .i128): AlgebraicValue.i128(Int128(number)).sortable()
        case (.integer(let number), .f64): AlgebraicValue.f64(Double(number)).sortable()
        case (.real(let number), _): AlgebraicValue.f64(number).sortable()
        default: value
        }
    }

    /// Rows in the form in which ``run(_:)`` has them.
    ///
    /// - Parameter rows: values, nil where they are missing.
    static func canonical(_ rows: [[AlgebraicValue?]]) -> [[SQLiteDatabase.Value]] {
        rows.map { $0.map { $0?.sortable() ?? .null } }
    }

    // MARK: Names

    /// The ways to everything that a row has, with the types.
    private static func places(_ table: TableSchema) -> [(path: FieldPath, type: AlgebraicType)] {
        var places: [(path: FieldPath, type: AlgebraicType)] = []
        func visit(_ path: FieldPath, _ type: AlgebraicType) {
            places.append((path, type))
            switch type {
            case .product(let product):
                for (position, element) in product.elements.enumerated() {
                    visit(FieldPath(path.column, path.steps + [.field(position)]), element.algebraicType)
                }
            case .sum(let sum):
                for (tag, variant) in sum.variants.enumerated() {
                    visit(FieldPath(path.column, path.steps + [.payload(UInt8(tag))]), variant.algebraicType)
                }
            default: break
            }
        }
        for (position, column) in table.columns.enumerated() { visit(FieldPath(ColumnID(position)), column.type) }
        return places
    }

    fileprivate static func name(_ table: Int) -> String { "t\(table)" }

    fileprivate static func name(_ path: FieldPath) -> String {
        path.steps.reduce("c\(path.column.rawValue)") { name, step in
            switch step {
            case .field(let position): "\(name)_f\(position)"
            case .payload(let tag): "\(name)_v\(tag)"
            }
        }
    }
}

/// SQLite's dialect.
private struct Printer: QueryPrinter {
    let query: TestQuery
    let schema: RandomSchema

    func table(_ slot: Int) -> String {
        "\(SQLiteOracle.name(query.sources[slot].table)) AS \(query.sources[slot].alias)"
    }

    func rows(_ slot: Int) -> String {
        let source = query.sources[slot]
        return schema.tables[source.table].columns.indices
            .map { "\(source.alias).\(SQLiteOracle.name(FieldPath(ColumnID($0))))" }.joined(separator: ", ")
    }

    func column(_ column: TestColumn) -> String {
        "\(query.sources[column.slot].alias).\(SQLiteOracle.name(column.path))"
    }

    func literal(_ value: AlgebraicValue, _ type: AlgebraicType) throws -> String {
        switch value.sortable() {
        case .integer(let number): return number == .min ? "(\(number + 1) - 1)" : "\(number)"
        case .blob(let bytes): return "X'\(Hexadecimal.text(bytes))'"
        case .null, .real, .text: throw NoSpelling()
        }
    }

    func parameter(_ position: Int) throws -> String {
        let parameter = query.parameters[position]
        return try literal(parameter.value, parameter.type)
    }

    func flag(_ column: TestColumn) -> String { self.column(column) }

    func hasPrefix(_ column: TestColumn, _ prefix: AlgebraicValue, isNegated: Bool) -> String {
        // Everything that begins so lies between two values: SQLite has no substring of an empty value.
        var end = prefix.characters
        var test = "\(self.column(column)) >= X'\(Hexadecimal.text(end))'"
        while end.last == .max { end.removeLast() }
        if let last = end.popLast() { test += " AND \(self.column(column)) < X'\(Hexadecimal.text(end + [last + 1]))'" }
        return isNegated ? "NOT (\(test))" : "(\(test))"
    }

    /// What is missing comes behind everything, so that it comes first from the back.
    func order(_ term: (value: TestValue, isDescending: Bool)) throws -> String {
        "\(try value(term.value)) \(term.isDescending ? "DESC NULLS FIRST" : "ASC NULLS LAST")"
    }

    func limits(_ limit: UInt64?, _ offset: UInt64?) -> String {
        guard limit != nil || offset != nil else { return "" }
        return " LIMIT \(limit.map { Int64(clamping: $0) } ?? -1) OFFSET \(Int64(clamping: offset ?? 0))"
    }

    /// Counts, sums and averages are numbers, whatever columns of their type are.
    func value(_ value: TestValue, besides other: TestValue) throws -> String {
        guard case .literal(let literal, _) = value, other.isNumberOfRows else { return try self.value(value) }
        if let number = literal.floatingPoint, number.isFinite { return "\(number)" }
        guard let number = literal.wholeNumber else { throw NoSpelling() }
        return "\(number)"
    }

    func check(_ value: TestValue) throws {
        // Nil would be a value.
        if case .aggregate(_, let argument?, _) = value, argument.type.optionPayload != nil { throw NoSpelling() }
        switch value {
        case .arithmetic(_, .aggregate(.count, _, _), _): break
        case .arithmetic(_, let left, _): if !left.type.isSmallInteger { throw NoSpelling() }
        case .aggregate(.sum, let argument?, _): if !argument.type.isSmallInteger { throw NoSpelling() }
        case .aggregate(.average, let argument?, _):
            if !argument.type.isSmallInteger || argument.type == .i64 { throw NoSpelling() }
        case .column, .literal, .parameter, .aggregate: break
        }
    }
}

extension TestValue {
    /// A count, sum or average, or what is computed of one.
    fileprivate var isNumberOfRows: Bool {
        switch self {
        case .aggregate(let function, _, _): [.count, .sum, .average].contains(function)
        case .arithmetic(_, let left, _): left.isNumberOfRows
        case .column, .literal, .parameter: false
        }
    }
}
