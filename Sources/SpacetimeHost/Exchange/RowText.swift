import SpacetimeSATS
import SpacetimeSchema

/// Rows of one table as text and back.
package struct RowText {
    let schema: TableSchema
    let format: ExchangeFormat
    private let columns: [ColumnText]
    /// What begins a column in JSON, behind the brace or the comma.
    private let keys: [[UInt8]]

    init(schema: TableSchema, format: ExchangeFormat) {
        self.schema = schema
        self.format = format
        columns = schema.columns.map { ColumnText($0.type) }
        keys = schema.columns.map { JSON.string($0.name).utf8 + [UInt8(ascii: ":")] }
    }

    // MARK: Writing

    /// The line before the first row, if the format has one.
    var heading: [UInt8] {
        guard case .csv = format else { return [] }
        var line: [UInt8] = []
        for (position, column) in schema.columns.enumerated() {
            if position > 0 { line.append(UInt8(ascii: ",")) }
            Self.append(column.name, to: &line)
        }
        return line + [0x0D, 0x0A]
    }

    /// Appends the line of a row, given in BSATN.
    func append(_ row: UnsafeRawBufferPointer, to text: inout [UInt8]) throws {
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        if case .jsonLines = format { text.append(UInt8(ascii: "{")) }
        for (position, column) in schema.columns.enumerated() {
            if position > 0 { text.append(UInt8(ascii: ",")) }
            let value = try AlgebraicValue(from: &reader, type: column.type)
            switch format {
            case .jsonLines:
                text.append(contentsOf: keys[position])
                text.append(contentsOf: try value.losslessJSON(type: column.type).utf8)
            case .csv:
                if let field = try columns[position].text(value) { Self.append(field, to: &text) }
            }
        }
        switch format {
        case .jsonLines: text.append(contentsOf: [UInt8(ascii: "}"), 0x0A])
        case .csv: text.append(contentsOf: [0x0D, 0x0A])
        }
    }

    /// A field of CSV, in quotes where it needs them. An empty one does: without quotes it is an absent optional. One that
    /// begins like a byte order mark does, as programs drop that from the start of a file.
    package static func append(_ field: String, to line: inout [UInt8]) {
        let bytes = field.utf8
        let isPlain =
            !bytes.isEmpty && bytes.first != 0xEF
            && !bytes.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard !isPlain else { return line.append(contentsOf: bytes) }
        line.append(0x22)
        for byte in bytes {
            // A quote is a quote whatever follows it, such as an accent that would merge with it on the screen.
            if byte == 0x22 { line.append(0x22) }
            line.append(byte)
        }
        line.append(0x22)
    }

    // MARK: Reading

    /// A row that was read, or why it could not be.
    struct Line {
        var number: Int
        var row: Result<[UInt8], Problem>
    }

    struct Problem: Error { var text: String }

    func read(_ text: [UInt8]) throws(DatabaseError) -> [Line] {
        // Some programs put a byte order mark in front.
        let content = text.starts(with: [0xEF, 0xBB, 0xBF]) ? text[3...] : text[...]
        switch format {
        case .jsonLines: return readJSON(content)
        case .csv: return try readCSV(content)
        }
    }

    private func readJSON(_ text: ArraySlice<UInt8>) -> [Line] {
        var lines: [Line] = []
        let type = AlgebraicType.product(schema.rowType)
        for (number, bytes) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            guard bytes.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            let row: Result<[UInt8], Problem>
            if let line = String(validating: bytes, as: UTF8.self) {
                do {
                    row = .success(try AlgebraicValue(losslessJSON: line, type: type).bsatn())
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

    private func readCSV(_ text: ArraySlice<UInt8>) throws(DatabaseError) -> [Line] {
        var parser = CSVParser(text)
        guard let heading = try parser.next() else {
            throw DatabaseError(.malformedRow, "the file is empty; its first line must name the columns")
        }
        // A table without columns has an empty first line, and an empty line for its row.
        let fieldCount = schema.columns.isEmpty && heading.isEmptyLine ? 0 : heading.fields.count
        let places = try places(of: heading.fields.prefix(fieldCount))
        var lines: [Line] = []
        while let record = try parser.next() {
            // An empty line at the end of a file is no row, unless rows may look like that.
            if record.isEmptyLine, fieldCount > 1 { continue }
            lines.append(Line(number: record.line, row: row(record, places, fieldCount: fieldCount)))
        }
        return lines
    }

    /// Where in a line each column stands, nil for those that the file does not have.
    private func places(of heading: ArraySlice<CSVParser.Field>) throws(DatabaseError) -> [Int?] {
        var places: [Int?] = Array(repeating: nil, count: schema.columns.count)
        for (place, field) in heading.enumerated() {
            guard let column = schema.columns.firstIndex(where: { $0.name.utf8.elementsEqual(field.text.utf8) }) else {
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
        return places
    }

    private func row(_ record: CSVParser.Record, _ places: [Int?], fieldCount: Int) -> Result<[UInt8], Problem> {
        let fields = fieldCount == 0 && record.isEmptyLine ? [] : record.fields
        guard fields.count == fieldCount else {
            return .failure(Problem(text: "\(fields.count) fields instead of \(fieldCount)"))
        }
        var writer = BSATNWriter()
        for (position, column) in schema.columns.enumerated() {
            do {
                guard let place = places[position] else {
                    guard try writeStandIn(for: column, position, &writer) else {
                        throw Problem(
                            text: "the file does not have it; write it into the file, or give the column a @Default")
                    }
                    continue
                }
                let field = fields[place]
                let isEmpty = field.text.isEmpty && !field.isQuoted
                if isEmpty, columns[position].isOptional {
                    try columns[position].value(nil).encode(to: &writer)
                } else if isEmpty, column.type != .string, try writeStandIn(for: column, position, &writer) {
                    // No text of the type is empty, so whoever left the field empty had nothing to say.
                } else {
                    try columns[position].value(field.text).encode(to: &writer)
                }
            } catch {
                let reason = (error as? Problem)?.text ?? (error as? ColumnText.Problem)?.text ?? "\(error)"
                return .failure(Problem(text: "column '\(column.name)': \(reason)"))
            }
        }
        return .success(writer.toArray())
    }

    /// Writes what stands for a value that the file does not have: the column's default, else an absent optional, else a
    /// number yet to be drawn.
    ///
    /// - Returns: false if there is none of these.
    private func writeStandIn(
        for column: ColumnSchema, _ position: Int, _ writer: inout BSATNWriter
    ) throws -> Bool {
        if let value = schema.defaults.first(where: { $0.column.index == position }) {
            writer.append(value.bytes)
        } else if column.type.optionPayload != nil {
            AlgebraicValue.none.encode(to: &writer)
        } else if schema.sequences.contains(where: { $0.column.index == position }) {
            try AlgebraicValue(json: "0", type: column.type).encode(to: &writer)
        } else {
            return false
        }
        return true
    }
}
