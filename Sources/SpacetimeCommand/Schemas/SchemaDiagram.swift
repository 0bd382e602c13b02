import SpacetimeSATS
import SpacetimeSchema

/// A schema as a diagram.
enum SchemaDiagram {
    /// Tables and their columns as an entity-relationship diagram of Mermaid's.
    ///
    /// Databases know no foreign keys. A line is drawn where a name says that it is meant: a column `user_id` belongs to a table
    /// `user` (or `users`) whose primary key has the same type.
    static func mermaid(_ module: ModuleSchema) -> String {
        var lines = ["erDiagram"]
        for table in module.tables {
            lines.append("    \(name(table.name)) {")
            for (position, column) in table.columns.enumerated() {
                lines.append("        \(type(column.type)) \(name(column.name))" + key(ColumnID(position), table))
            }
            lines.append("    }")
        }
        for table in module.tables {
            for (position, column) in table.columns.enumerated() {
                guard let target = target(of: column, in: module), target.name != table.name else { continue }
                // At most one row for each of the other if the column is unique.
                let many = isUnique(ColumnID(position), table) ? "o|" : "o{"
                lines.append("    \(name(target.name)) ||--\(many) \(name(table.name)) : \(name(column.name))")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func target(of column: ColumnSchema, in module: ModuleSchema) -> TableSchema? {
        guard column.name.hasSuffix("_id") else { return nil }
        let stem = String(column.name.dropLast(3))
        return module.tables.first { table in
            guard table.name == stem || table.name == stem + "s", table.primaryKey.count == 1,
                let key = table.column(table.primaryKey[0])
            else { return false }
            return key.type == column.type
        }
    }

    private static func isUnique(_ column: ColumnID, _ table: TableSchema) -> Bool {
        table.primaryKey == [column] || table.uniqueConstraints.contains { $0.columns == [column] }
    }

    private static func key(_ column: ColumnID, _ table: TableSchema) -> String {
        if table.primaryKey.contains(column) { return " PK" }
        return isUnique(column, table) ? " UK" : ""
    }

    /// Letters, digits and underscores: what Mermaid takes without quotes.
    private static func name(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" })
    }

    /// A type as one word.
    private static func type(_ type: AlgebraicType) -> String {
        if let payload = type.optionPayload { return self.type(payload) + "_or_none" }
        if case .array(let element) = type { return element == .u8 ? "Bytes" : "Array_of_" + self.type(element) }
        let text = type.swiftText
        return text.allSatisfy { $0.isLetter || $0.isNumber } ? text : type.sumType == nil ? "Struct" : "Enum"
    }
}
