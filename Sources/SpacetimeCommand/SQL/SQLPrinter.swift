import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// In which form rows are printed.
enum RowFormat: Sendable {
    case table, expanded, csv, json
}

/// Prints answers to statements.
struct SQLPrinter {
    let session: CommandSession
    var format: RowFormat
    /// Whether the time that the server needed is said.
    var isTiming = true

    /// The answer as data, and beside it, where it does not get into pipes, how many rows and how long.
    func print(_ answer: SQLAnswer) throws(CommandFailure) {
        if answer.isChange {
            guard format == .json else {
                return try note(answer.changeText + timing(answer))
            }
            let counts = JSON.object([
                .init("inserted", .integer(answer.inserted)), .init("updated", .integer(answer.updated)),
                .init("deleted", .integer(answer.deleted)),
            ])
            return try session.print(counts.description)
        }
        switch format {
        case .table: try session.print(Self.table(answer, try answer.texts()))
        case .expanded: try printExpanded(answer)
        case .csv: try session.write(Self.csv(answer, try answer.texts()))
        case .json: try session.print(try Self.json(answer))
        }
        if format == .table || format == .expanded {
            try note("(\(answer.rows.count) \(answer.rows.count == 1 ? "row" : "rows"))" + timing(answer))
        }
    }

    private func timing(_ answer: SQLAnswer) -> String {
        isTiming ? " in \(DurationText.short(microseconds: answer.microseconds))" : ""
    }

    /// What is only of interest to somebody who looks.
    private func note(_ text: String) throws(CommandFailure) {
        guard session.terminal.isTerminal(.output) else { return }
        try session.print(session.style(of: .output).dim(text))
    }

    // MARK: Forms

    static func table(_ answer: SQLAnswer, _ texts: [[String?]]) -> TextTable {
        let columns = zip(answer.names, answer.columns.elements).map { name, element in
            let type = element.algebraicType.optionPayload ?? element.algebraicType
            return TextTable.Column(title: DisplayText.escaped(name), isRight: type.isNumeric)
        }
        return TextTable(columns, texts)
    }

    /// Each row as a block, a line for each column.
    private func printExpanded(_ answer: SQLAnswer) throws(CommandFailure) {
        let style = session.style(of: .output)
        let names = answer.names.map(DisplayText.escaped)
        let width = names.map { DisplayText.width($0) }.max() ?? 0
        for (number, row) in try answer.texts().enumerated() {
            try session.print(style.dim("── row \(number + 1) " + String(repeating: "─", count: 20)))
            for (name, text) in zip(names, row) {
                let value = text.map(DisplayText.escaped) ?? style.dim("NULL")
                try session.print(style.bold(DisplayText.padded(name, to: width)) + "  " + value)
            }
        }
    }

    /// As an export of a table is written, see `ExchangeFormat.csv`.
    static func csv(_ answer: SQLAnswer, _ texts: [[String?]]) -> String {
        var bytes: [UInt8] = []
        for line in [answer.names.map(Optional.some)] + texts {
            for (position, field) in line.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                if let field { RowText.append(field, to: &bytes) }
            }
            bytes += [0x0D, 0x0A]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An array of objects, each on a line of its own.
    static func json(_ answer: SQLAnswer) throws(CommandFailure) -> String {
        var lines: [String] = []
        do throws(JSONError) {
            for row in answer.rows {
                var members: [String] = []
                for ((name, element), value) in zip(zip(answer.names, answer.columns.elements), row) {
                    members.append("\(JSON.string(name)):\(try value.losslessJSON(type: element.algebraicType))")
                }
                lines.append("{\(members.joined(separator: ","))}")
            }
        } catch {
            throw CommandFailure(.refused, "a value of the answer cannot be written as JSON: \(error)")
        }
        return lines.isEmpty ? "[]" : "[\(lines.joined(separator: ",\n "))]"
    }
}
