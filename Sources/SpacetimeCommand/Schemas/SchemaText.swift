import SpacetimeSATS
import SpacetimeSchema

/// A schema as a tree for people.
struct SchemaText {
    private let schema: DatabaseSchema
    private let style: TextStyle

    init(_ schema: DatabaseSchema, style: TextStyle = .plain) {
        self.schema = schema
        self.style = style
    }

    /// All of it.
    var text: String {
        let module = schema.module
        var parts: [String] = []
        func section(_ title: String, _ lines: [String]) {
            if !lines.isEmpty { parts.append(([style.bold(title)] + lines).joined(separator: "\n")) }
        }
        section("tables", module.tables.flatMap { indented(table($0)) })
        section("views", module.views.flatMap { indented(view($0)) })
        section("reducers", functions(module.reducers.map { ($0, reducer($0)) }.map(\.1)))
        section("procedures", functions(module.procedures.map(procedure)))
        section(
            "handlers",
            module.httpRoutes.map { route in
                "  \(method(route.method)) \(route.path.isEmpty ? "(no path)" : route.path)  "
                    + style.dim(module.httpHandlers[route.handler].name)
            })
        section("row rules", module.rowLevelSecurity.map { "  \(DisplayText.escaped($0.sql))" })
        return parts.isEmpty ? "there is nothing in it" : parts.joined(separator: "\n\n")
    }

    /// What can be asked for by name.
    var names: [String] {
        let module = schema.module
        return module.tables.map(\.name) + module.views.map(\.name) + module.reducers.map(\.name)
            + module.procedures.map(\.name)
    }

    /// What has the name; nil if nothing has.
    func part(_ name: String) -> String? {
        let module = schema.module
        if let table = module.tables.first(where: { $0.name == name }) {
            return (self.table(table) + indexes(table)).joined(separator: "\n")
        }
        if let view = module.views.first(where: { $0.name == name }) { return self.view(view).joined(separator: "\n") }
        if let reducer = module.reducers.first(where: { $0.name == name }) { return joined(self.reducer(reducer)) }
        return module.procedures.first { $0.name == name }.map { joined(procedure($0)) }
    }

    // MARK: Tables

    /// The names of tables, a line each, for those who only want to know what there is.
    var tableList: String {
        let tables = schema.module.tables.map { ($0.name, notes($0)) } + schema.module.views.map { ($0.name, "view") }
        return aligned(tables.map { [$0.0, $0.1] }).joined(separator: "\n")
    }

    private func table(_ table: TableSchema) -> [String] {
        let head = style.cyan(table.name) + "  " + style.dim(notes(table))
        let columns = table.columns.enumerated().map { position, column in
            [column.name, column.type.swiftText, self.notes(ColumnID(position), table)]
        }
        return [head] + indented(aligned(columns))
    }

    private func notes(_ table: TableSchema) -> String {
        var notes = [table.access == .public ? "public" : "private"]
        if table.isEvent { notes.append("event") }
        if let schedule = table.schedule { notes.append("calls \(schedule.functionName)") }
        return notes.joined(separator: ", ")
    }

    private func notes(_ column: ColumnID, _ table: TableSchema) -> String {
        var notes: [String] = []
        if table.primaryKey.contains(column) {
            notes.append(table.primaryKey.count == 1 ? "primary key" : "part of the primary key")
        } else if table.uniqueConstraints.contains(where: { $0.columns == [column] }) {
            notes.append("unique")
        } else if table.indexes.contains(where: { $0.columns == [column] }) {
            notes.append("indexed")
        }
        if table.sequence(for: column) != nil { notes.append("auto-increment") }
        if table.defaults.contains(where: { $0.column == column }) { notes.append("has a default") }
        return notes.joined(separator: ", ")
    }

    private func indexes(_ table: TableSchema) -> [String] {
        let lines = table.indexes.map { index in
            let columns = index.columns.compactMap { table.column($0)?.name }.joined(separator: ", ")
            return [index.name, "(\(columns))", "\(index.algorithm)" + (index.isUnique ? ", unique" : "")]
        }
        return lines.isEmpty ? [] : ["  " + style.bold("indexes")] + indented(indented(aligned(lines)))
    }

    private func view(_ view: ViewSchema) -> [String] {
        let parameters = view.parameters.map { "\($0.name): \($0.type.swiftText)" }.joined(separator: ", ")
        let notes = [view.isPublic ? "public" : "private", view.isAnonymous ? "the same for all" : "for each caller"]
        let head =
            style.cyan(view.name) + (parameters.isEmpty ? "" : "(\(parameters))") + "  "
            + style.dim(notes.joined(separator: ", "))
        return [head] + indented(aligned(view.columns.map { [$0.name, $0.type.swiftText] }))
    }

    // MARK: Functions

    private func reducer(_ reducer: ReducerSchema) -> [String] {
        var notes = ""
        switch reducer.lifecycle {
        case .onInit: notes = "when the database is made"
        case .onConnect: notes = "when a client comes"
        case .onDisconnect: notes = "when a client has gone"
        case nil: if !reducer.isClientCallable { notes = "private" }
        }
        return [DatabaseSchema.Function.reducer(reducer).text, notes]
    }

    private func procedure(_ procedure: ProcedureSchema) -> [String] {
        [DatabaseSchema.Function.procedure(procedure).text, procedure.isClientCallable ? "" : "private"]
    }

    private func functions(_ lines: [[String]]) -> [String] { indented(lines.map(joined)) }

    private func joined(_ parts: [String]) -> String {
        parts[1].isEmpty ? parts[0] : parts[0] + "  " + style.dim(parts[1])
    }

    private func method(_ method: RawMethodOrAny) -> String {
        switch method {
        case .any: "ANY"
        case .method(let method): method.name
        }
    }

    // MARK: Lines

    private func indented(_ lines: [String]) -> [String] { lines.map { "  \($0)" } }

    /// Parts below each other, the last of them dim.
    private func aligned(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { DisplayText.width($0[column]) }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            var blanks = 0
            for (column, part) in row.enumerated() where !part.isEmpty {
                line +=
                    String(repeating: " ", count: blanks) + (column == count - 1 && column > 0 ? style.dim(part) : part)
                blanks = widths[column] - DisplayText.width(part) + 2
            }
            return line
        }
    }
}
