extension SwiftBindings {
    /// The names of what is inherited, and of the parts of a handle. Keys may not hide them.
    private static let tableMembers: Set<String> = [
        "all", "cached", "changes", "count", "onChange", "onDelete", "onInsert", "onUpdate", "rows", "where",
    ]

    /// What holds the tables, a handle for each, and the columns of each.
    mutating func tables(_ model: BindingModel, _ members: inout NameScope) {
        source.gap()
        source.line("// MARK: Tables")
        source.line()
        source.line("/// The tables and views.")
        source.open("nonisolated public struct DB: Swift.Sendable {")
        source.line("let _client: \(SwiftNames.library)DatabaseClient")
        if !model.tables.isEmpty { source.line() }
        var accessors = NameScope("what holds the tables")
        for table in model.tables {
            let accessor = NameStyle.camel.name(table.sourceName)
            accessors.claim(accessor, for: table.described, &report)
            let handle = self.handle(table)
            source.line(
                "/// The \(table.isView ? "view" : "table") `\(table.wireName)`\(table.isEvent ? ", of events" : "").")
            source.line("public var \(SwiftNames.escaped(accessor)): \(handle) { \(handle)(_client: _client) }")
        }
        source.close()
        for table in model.tables {
            members.claim(handle(table), for: table.described, &report)
            write(table, model)
        }
        for row in Set(model.tables.map(\.row)).sorted() {
            members.claim(columns(row, model), for: "the columns of \(model.types[row].described)", &report)
            writeColumns(row, model)
        }
    }

    private func handle(_ table: BindingModel.Table) -> String { NameStyle.pascal.name(table.sourceName) + "Table" }

    private func columns(_ row: Int, _ model: BindingModel) -> String { model.types[row].pascalName + "Columns" }

    private mutating func write(_ table: BindingModel.Table, _ model: BindingModel) {
        let row = name(of: model.types[table.row])
        source.gap()
        source.line("/// The rows of `\(table.wireName)`: in the cache, as they change, and as they are asked for.")
        source.open("nonisolated public struct \(handle(table)): \(SwiftNames.library)GeneratedTable {")
        source.line("public typealias Row = \(row)")
        source.line("public typealias Columns = \(columns(table.row, model))")
        let keys = self.keys(table, model)
        let indexes = keys.map(\.columns).filter { $0 != table.primaryKey }
        source.line("public static let _description = \(SwiftNames.library)TableDescription<\(row)>(")
        source.line(
            "    _generated: \(row).self, name: \(SwiftNames.quoted(table.wireName)), primaryKey: \(table.primaryKey), "
                + "indexes: \(indexes))")
        source.line("public let _client: \(SwiftNames.library)DatabaseClient")
        source.line("public init(_client: \(SwiftNames.library)DatabaseClient) { self._client = _client }")
        var scope = NameScope(table.described)
        for key in keys {
            guard !Self.tableMembers.contains(key.name) else {
                report.warnings.append(
                    "\(key.title) of \(table.described) is left out, because tables have a member '\(key.name)' already"
                )
                continue
            }
            scope.claim(key.name, for: key.title, &report)
            let fields = model.columns(of: table)
            let values = key.columns.map { text(fields[$0].type, in: model) }.joined(separator: ", ")
            let names = key.columns.map { "`\(fields[$0].wireName)`" }.joined(separator: " and ")
            let places = key.columns.map(String.init).joined(separator: ", ")
            let (type, maker) = key.isUnique ? ("UniqueKey", "_unique") : ("IndexKey", "_index")
            source.line()
            source.line("/// Finds \(key.isUnique ? "the row" : "rows") by \(names).")
            source.line(
                "public var \(SwiftNames.escaped(key.name)): \(SwiftNames.library)\(type)<\(row), \(values)> { \(maker)(\(places)) }"
            )
        }
        if !table.parameters.isEmpty { writeCall(of: table, model) }
        source.close()
    }

    /// What asks a view for the rows that it has for some arguments.
    private mutating func writeCall(of view: BindingModel.Table, _ model: BindingModel) {
        guard view.parameters.allSatisfy({ hasLiteral($0.type) }) else {
            return report.warnings.append(
                "\(view.described) has parameters of types that SQL has no literals for here: it is watched by a text, "
                    + "SELECT * FROM \(view.wireName)(…)")
        }
        var scope = NameScope(view.described)
        let parameters = view.parameters.map { parameter in
            let name = NameStyle.camel.name(parameter.sourceName)
            scope.claim(name, for: "parameter '\(parameter.sourceName)'", &report)
            return (name: SwiftNames.escaped(name), type: text(parameter.type, in: model))
        }
        let list = parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
        source.line()
        source.line(
            "/// A query for the rows that `\(view.wireName)` has for these arguments. Without them it has none.")
        source.open(
            "public func callAsFunction(\(list)) -> \(SwiftNames.library)TableQuery<\(handle(view))> {")
        source.line("_call(\(parameters.map(\.name).joined(separator: ", ")))")
        source.close()
    }

    /// Whether the client has a literal for values of a type.
    private func hasLiteral(_ type: TypeUse) -> Bool {
        switch type {
        case .bool, .string, .number, .identity, .connectionId, .timestamp, .timeDuration, .uuid: true
        case .option(let payload): if case .option = payload { false } else { hasLiteral(payload) }
        default: false
        }
    }

    private struct Key {
        let name: String
        /// For messages.
        let title: String
        let columns: [Int]
        let isUnique: Bool
    }

    /// Unique columns by their names, and indexes by their accessors, unless one finds the same by the same name.
    private func keys(_ table: BindingModel.Table, _ model: BindingModel) -> [Key] {
        let fields = model.columns(of: table)
        var keys = table.uniqueColumns.map { column in
            Key(
                name: NameStyle.camel.name(fields[column].sourceName), title: "column '\(fields[column].sourceName)'",
                columns: [column], isUnique: true)
        }
        for index in table.indexes {
            guard let accessor = index.accessor else { continue }
            let name = NameStyle.camel.name(accessor)
            if keys.contains(where: { $0.name == name && $0.columns == index.columns }) { continue }
            keys.append(Key(name: name, title: "index '\(accessor)'", columns: index.columns, isUnique: index.isUnique))
        }
        return keys
    }

    private mutating func writeColumns(_ row: Int, _ model: BindingModel) {
        let type = model.types[row]
        let name = self.name(of: type)
        source.gap()
        source.line("/// The columns of ``\(type.pascalName)``, for conditions.")
        source.open("nonisolated public struct \(columns(row, model)): \(SwiftNames.library)GeneratedColumns {")
        for field in type.fields {
            let member = SwiftNames.escaped(NameStyle.camel.name(field.sourceName))
            source.line(
                "public let \(member): \(SwiftNames.library)QueryColumn<\(name), \(text(field.type, in: model))>")
        }
        source.line()
        source.open("public init(_table: Swift.String) {")
        for field in type.fields {
            let member = SwiftNames.escaped(NameStyle.camel.name(field.sourceName))
            source.line("\(member) = .init(_table, \(SwiftNames.quoted(field.wireName)))")
        }
        source.close()
        source.close()
    }
}
