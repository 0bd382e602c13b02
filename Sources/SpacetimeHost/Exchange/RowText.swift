import SpacetimeSATS
import SpacetimeSchema

/// Rows of one table as text and back.
struct RowText {
    let schema: TableSchema
    let format: ExchangeFormat

    private var type: AlgebraicType { .product(schema.rowType) }

    /// The line before the first row, if the format has one.
    var heading: String? {
        guard case .csv = format else { return nil }
        return schema.columns.map { Self.quotedIfNeeded($0.name) }.joined(separator: ",") + "\r\n"
    }

    // MARK: Writing

    func line(_ row: UnsafeRawBufferPointer) throws -> String {
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        let value = try AlgebraicValue(from: &reader, type: type)
        switch format {
        case .jsonLines: return try value.json(style: .typed, type: type) + "\n"
        case .csv:
            guard case .product(let fields) = value else { return "\r\n" }
            let texts = try zip(fields, schema.columns).map { try Self.field($0, $1.type) }
            return texts.joined(separator: ",") + "\r\n"
        }
    }

    private static func field(_ value: AlgebraicValue, _ type: AlgebraicType) throws -> String {
        if let payload = type.optionPayload, payload.optionPayload == nil {
            guard case .sum(tag: 0, let present) = value else { return "" }
            return try field(present, payload)
        }
        if case .string(let text) = value { return text.isEmpty ? "\"\"" : quotedIfNeeded(text) }
        return quotedIfNeeded(try value.json(style: .typed, type: type))
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    // MARK: Reading

    /// A row that was read, or why it could not be.
    struct Line {
        var number: Int
        var row: Result<[UInt8], Problem>
    }

    struct Problem: Error { var text: String }

    func read(_ text: [UInt8]) throws(DatabaseError) -> [Line] {
        switch format {
        case .jsonLines: readJSON(text)
        case .csv: try readCSV(text)
        }
    }

    private func readJSON(_ text: [UInt8]) -> [Line] {
        var lines: [Line] = []
        for (number, bytes) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let bytes = bytes.last == 0x0D ? bytes.dropLast() : bytes
            guard bytes.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
            let row: Result<[UInt8], Problem>
            if let line = String(validating: bytes, as: UTF8.self) {
                do {
                    row = .success(try AlgebraicValue(json: line, type: type).bsatn())
                } catch {
                    row = .failure(Problem(text: "\(error)"))
                }
            } else {
                row = .failure(Problem(text: "the line is not valid UTF-8"))
            }
            lines.append(Line(number: number + 1, row: row))
        }
        return lines
    }

    private func readCSV(_ text: [UInt8]) throws(DatabaseError) -> [Line] {
        var parser = CSVParser(text)
        guard let heading = try parser.next() else {
            throw DatabaseError(.malformedRow, "the file is empty; its first line must name the columns")
        }
        var places: [Int?] = Array(repeating: nil, count: schema.columns.count)
        for (place, field) in heading.fields.enumerated() {
            guard let column = schema.columns.firstIndex(where: { $0.name == field.text }) else {
                throw DatabaseError(
                    .malformedRow,
                    "table '\(schema.name)' has no column '\(field.text)'; it has "
                        + schema.columns.map(\.name).joined(separator: ", "))
            }
            guard places[column] == nil else {
                throw DatabaseError(.malformedRow, "column '\(field.text)' is named twice in the first line")
            }
            places[column] = place
        }
        var lines: [Line] = []
        while let record = try parser.next() {
            // An empty line at the end of a file is no row, unless rows may look like that.
            if record.isEmptyLine, heading.fields.count > 1 { continue }
            lines.append(Line(number: record.line, row: row(record, places, fieldCount: heading.fields.count)))
        }
        return lines
    }

    private func row(_ record: CSVParser.Record, _ places: [Int?], fieldCount: Int) -> Result<[UInt8], Problem> {
        guard record.fields.count == fieldCount else {
            return .failure(Problem(text: "\(record.fields.count) fields instead of \(fieldCount)"))
        }
        var writer = BSATNWriter()
        for (position, column) in schema.columns.enumerated() {
            do {
                guard let place = places[position] else {
                    try writeAbsent(column, position, &writer)
                    continue
                }
                try Self.value(record.fields[place], column.type).encode(to: &writer)
            } catch {
                return .failure(Problem(text: "column '\(column.name)': \((error as? Problem)?.text ?? "\(error)")"))
            }
        }
        return .success(writer.toArray())
    }

    /// A column that the file does not have: its default, else an absent optional.
    private func writeAbsent(_ column: ColumnSchema, _ position: Int, _ writer: inout BSATNWriter) throws {
        if let value = schema.defaults.first(where: { $0.column.index == position }) {
            writer.append(value.bytes)
        } else if column.type.optionPayload != nil {
            AlgebraicValue.none.encode(to: &writer)
        } else if schema.sequences.contains(where: { $0.column.index == position }) {
            try AlgebraicValue(json: "0", type: column.type).encode(to: &writer)
        } else {
            throw Problem(text: "the file does not have it, and it has no default value")
        }
    }

    private static func value(_ field: CSVParser.Field, _ type: AlgebraicType) throws -> AlgebraicValue {
        if let payload = type.optionPayload, payload.optionPayload == nil {
            if field.text.isEmpty, !field.isQuoted { return .none }
            return .some(try value(field, payload))
        }
        if case .string = type { return .string(field.text) }
        return try AlgebraicValue(json: field.text, type: type)
    }
}
