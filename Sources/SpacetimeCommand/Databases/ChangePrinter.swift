import SpacetimeClient
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// Writes changes of tables as lines.
struct ChangePrinter {
    private let isJSON: Bool
    private let style: TextStyle
    private let tables: [String: Table]
    /// What a client has to know of the tables and views.
    let layouts: [TableLayout]

    private struct Table {
        let columns: [ColumnSchema]
        let type: AlgebraicType

        init(_ columns: [ColumnSchema]) {
            self.columns = columns
            type = .product(ProductType(columns.map { .init(name: $0.name, algebraicType: $0.type) }))
        }
    }

    init(_ module: ModuleSchema, isJSON: Bool, style: TextStyle) {
        self.isJSON = isJSON
        self.style = style
        let sources =
            module.tables.map { (name: $0.name, columns: $0.columns, key: $0.primaryKey) }
            + module.views.map { (name: $0.name, columns: $0.columns, key: $0.primaryKey) }
        tables = Dictionary(sources.map { ($0.name, Table($0.columns)) }) { first, _ in first }
        layouts = sources.map { source in
            TableLayout(
                name: source.name, columns: source.columns.map { TableLayout.Column(name: $0.name, type: $0.type) },
                primaryKey: source.key.map(\.index), indexes: [])
        }
    }

    /// What goes, what changes, what comes.
    func lines(_ changes: TableChanges) throws(CommandFailure) -> [String] {
        guard let table = tables[changes.table] else { return [] }
        do {
            var lines: [String] = []
            for row in try values(changes.deleted, table) {
                lines.append(
                    try isJSON ? json("delete", changes.table, row, table) : text("-", changes.table, row, table))
            }
            let (old, new) = (try values(changes.updated.old, table), try values(changes.updated.new, table))
            for (old, new) in zip(old, new) {
                lines.append(
                    try isJSON
                        ? json("update", changes.table, new, table, old: old)
                        : text("~", changes.table, new, table, old: old))
            }
            for row in try values(changes.inserted, table) {
                lines.append(
                    try isJSON ? json("insert", changes.table, row, table) : text("+", changes.table, row, table))
            }
            return lines
        } catch {
            throw CommandFailure(
                .refused,
                "a row of '\(changes.table)' is none any more; was the module replaced? Subscribe again (\(error))")
        }
    }

    private func values(_ rows: PackedRows, _ table: Table) throws -> [[AlgebraicValue]] {
        var values: [[AlgebraicValue]] = []
        for index in 0..<rows.count {
            if case .product(let fields) = try AlgebraicValue(bsatn: rows[index], type: table.type) {
                values.append(fields)
            }
        }
        return values
    }

    /// `~ user id=1 name=Ann → Anne`
    private func text(
        _ sign: String, _ name: String, _ row: [AlgebraicValue], _ table: Table, old: [AlgebraicValue]? = nil
    ) throws -> String {
        var line = ""
        for (position, (column, value)) in zip(table.columns, row).enumerated() {
            let text = try shown(value, column)
            line += " " + style.dim(column.name + "=")
            if let old, old[position] != value { line += try shown(old[position], column) + " → " }
            line += text
        }
        let head = "\(sign) \(name)"
        switch sign {
        case "+": return style.green(head) + line
        case "-": return style.red(head) + line
        default: return style.yellow(head) + line
        }
    }

    private func shown(_ value: AlgebraicValue, _ column: ColumnSchema) throws -> String {
        try ColumnText(column.type).text(value).map(DisplayText.escaped) ?? style.dim("NULL")
    }

    private func json(
        _ operation: String, _ name: String, _ row: [AlgebraicValue], _ table: Table, old: [AlgebraicValue]? = nil
    ) throws -> String {
        func object(_ row: [AlgebraicValue]) throws -> String {
            try AlgebraicValue.product(row).losslessJSON(type: table.type)
        }
        let before = try old.map { #","old":\#(try object($0))"# } ?? ""
        return #"{"table":\#(JSON.string(name)),"op":"\#(operation)","row":\#(try object(row))\#(before)}"#
    }
}
