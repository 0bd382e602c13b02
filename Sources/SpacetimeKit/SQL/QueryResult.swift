import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// What an SQL statement returned: rows, and what it did.
///
/// ```swift
/// let result = try db.sql("SELECT name, level FROM monster WHERE level >= :level", ["level": 10])
/// for row in result { print(row["name"]!, row["level"]!) }
/// let names = try result.values(of: "name", as: String.self)
/// ```
///
/// Rows are kept as they are encoded, and decoded when they are asked for.
public struct QueryResult: Sendable {
    /// A column of the rows.
    public struct Column: Hashable, Sendable {
        /// The name of the column, or the one that was given to it.
        public let name: String
        /// An option if there may be no value.
        public let type: AlgebraicType
    }

    /// The columns of the rows; none if the statement returns none.
    public let columns: [Column]
    /// How many rows were inserted. Those that were there before do not count.
    public let rowsInserted: Int
    /// How many rows were deleted.
    public let rowsDeleted: Int
    /// How many rows met the condition of an update, whether they differ now or not.
    public let rowsUpdated: Int
    /// From when the statement was handed in until the result was there.
    public let duration: Duration
    /// How many rows of tables were looked at; of a `DELETE` without limits, those that were deleted.
    public let rowsExamined: Int
    /// The bytes of the rows, as they are encoded.
    public let byteCount: Int
    /// The commit that the statement made, or the last one that it saw.
    public let offset: TxOffset

    private let rows: RowBatch
    private let rowType: AlgebraicType

    package init(_ result: StatementResult) {
        columns = result.columns.elements.map { Column(name: $0.name ?? "", type: $0.algebraicType) }
        rowsInserted = result.changes.inserted
        rowsDeleted = result.changes.deleted
        rowsUpdated = result.changes.updated
        duration = result.duration
        rowsExamined = result.cost.rowsExamined
        byteCount = result.rows.bytes.count
        offset = result.offset
        rows = result.rows
        rowType = .product(result.columns)
    }

    /// The values of one row.
    public struct Row: Sendable, Hashable {
        /// In the order of the columns.
        public let values: [AlgebraicValue]
        private let columns: [Column]

        fileprivate init(_ values: [AlgebraicValue], _ columns: [Column]) {
            self.values = values
            self.columns = columns
        }

        /// The value at a position.
        public subscript(position: Int) -> AlgebraicValue { values[position] }

        /// The value of a column; nil if there is none of that name.
        public subscript(name: String) -> AlgebraicValue? {
            columns.firstIndex { $0.name == name }.map { values[$0] }
        }
    }
}

extension QueryResult: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { rows.count }

    /// A row, decoded.
    public subscript(position: Int) -> Row {
        let bytes = Array(rows[position])
        // What the database returns is of the types that it says.
        guard case .product(let values)? = try? AlgebraicValue(bsatn: bytes, type: rowType) else {
            preconditionFailure("a row of a result is not what its columns say")
        }
        return Row(values, columns)
    }
}

extension QueryResult {
    /// The rows as values of a type: of the table's own, or of a struct with the same columns in the same order.
    ///
    /// - Throws: ``DatabaseError`` with code `malformedRow` if the columns have other types than the fields of the struct.
    public func decode<Value: SpacetimeType>(as type: Value.Type) throws -> [Value] {
        var types = TypespaceBuilder()
        let declared = type.algebraicType(in: &types)
        let resolved = (try? types.typespace.resolved(declared)) ?? declared
        let fields = resolved.productType?.elements.map(\.algebraicType)
        guard let fields, fields.count == columns.count,
            zip(fields, columns).allSatisfy({ $0.hasSameShape(as: $1.type) })
        else {
            let found = columns.map { "\($0.name): \($0.type.swiftText)" }.joined(separator: ", ")
            throw DatabaseError(
                .malformedRow, "the rows (\(found)) are no values of \(type); select its fields in their order")
        }
        return try decoded()
    }

    /// The values of one column.
    ///
    /// - Throws: ``DatabaseError`` with code `malformedRow` if there is no such column, or it has another type.
    public func values<Value: SpacetimeType>(of name: String, as type: Value.Type) throws -> [Value] {
        var types = TypespaceBuilder()
        let declared = type.algebraicType(in: &types)
        let resolved = (try? types.typespace.resolved(declared)) ?? declared
        guard let position = columns.firstIndex(where: { $0.name == name }) else {
            throw DatabaseError(.malformedRow, "the result has no column '\(name)'; check the name")
        }
        guard resolved.hasSameShape(as: columns[position].type) else {
            throw DatabaseError(
                .malformedRow, "the column '\(name)' is of type \(columns[position].type.swiftText), not of \(type)")
        }
        return try map { row in try Self.decode(row[position].bsatn()) }
    }

    private func decoded<Value: SpacetimeType>() throws -> [Value] {
        try rows.indices.map { position in try Self.decode(Array(rows[position])) }
    }

    private static func decode<Value: SpacetimeType>(_ bytes: [UInt8]) throws -> Value {
        do throws(BSATNError) { return try Value(bsatn: bytes) } catch {
            throw DatabaseError(.malformedRow, "a row cannot be decoded: \(error)", cause: error)
        }
    }
}

extension RowBatch {
    fileprivate var indices: Range<Int> { 0..<count }
}

extension QueryResult: CustomStringConvertible {
    /// The rows as a table for a terminal, one line each; of many the first ones.
    ///
    /// Values are written as in CSV: times by RFC 3339, identities in hexadecimal digits, cases by their names, a missing value
    /// as `NULL`. Where there are several columns, long values are cut.
    public var description: String {
        if columns.isEmpty {
            return "\(rowsInserted) inserted, \(rowsUpdated) updated, \(rowsDeleted) deleted"
        }
        let texts = columns.map { ColumnText($0.type) }
        let shown = prefix(100).map { row in
            zip(row.values, texts).map { Self.cell($0, $1, isAlone: columns.count == 1) }
        }
        var widths = columns.map { $0.name.count }
        for row in shown {
            for (position, text) in row.enumerated() { widths[position] = Swift.max(widths[position], text.count) }
        }
        func line(_ texts: [String]) -> String {
            zip(texts, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "-+-")
        let rest = count > shown.count ? ["… \(count - shown.count) more"] : []
        return ([line(columns.map(\.name)), rule] + shown.map(line) + rest).joined(separator: "\n")
    }

    /// A value in one line. The only column of a result, as a plan is, is shown whole.
    private static func cell(_ value: AlgebraicValue, _ column: ColumnText, isAlone: Bool) -> String {
        guard let text = try? column.text(value) else { return "NULL" }
        var line = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                line += scalar.escaped(asASCII: false)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return isAlone || line.count <= 60 ? line : String(line.prefix(59)) + "…"
    }
}
