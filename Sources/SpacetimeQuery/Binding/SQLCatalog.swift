package import SpacetimeEngine
package import SpacetimeSchema

/// The tables that names in statements may mean.
package struct SQLCatalog: Sendable {
    package struct Table: Sendable {
        package let id: TableID
        package let schema: TableSchema
        /// Rows of a view are made by a function; statements cannot change them.
        package let isView: Bool
        /// Its rows are those of all callers: the first column says whose each is. Statements see the caller's own rows, and
        /// not that column.
        package let isByCaller: Bool
        /// What the function of a view is called with. Its rows are those of all calls: a column for each argument, behind that
        /// of the caller, says of which each is. Statements see the rows of one call, and not these columns.
        package let parameters: [ParameterSchema]

        package init(
            _ id: TableID, _ schema: TableSchema, isView: Bool = false, isByCaller: Bool = false,
            parameters: [ParameterSchema] = []
        ) {
            self.id = id
            self.schema = schema
            self.isView = isView
            self.isByCaller = isByCaller
            self.parameters = parameters
        }

        /// How many columns are in front of those that statements see.
        package var hiddenCount: Int { (isByCaller ? 1 : 0) + parameters.count }

        /// Without the columns that statements do not see.
        package var visibleSchema: TableSchema {
            if hiddenCount == 0 { return schema }
            return TableSchema(
                name: schema.name, sourceName: schema.sourceName, columns: Array(schema.columns.dropFirst(hiddenCount)),
                primaryKey: schema.primaryKey.map { ColumnID($0.index - hiddenCount) })
        }

        /// How it is called, for messages: `near(x: Int32, y: Int32)`.
        var signature: String {
            let list = parameters.map { "\($0.name): \($0.type.swiftText)" }.joined(separator: ", ")
            return "\(schema.name)(\(list))"
        }
    }

    package let tables: [Table]
    private var byName: [String: Int] = [:]
    private var bySourceName: [String: Int] = [:]
    /// Where names are looked for first; empty for statements that nobody's module consists of.
    private var namespace = ""

    package init(_ tables: [Table]) {
        self.tables = tables
        for (position, table) in tables.enumerated() {
            byName[table.schema.name] = position
            bySourceName[table.schema.sourceName] = position
        }
    }

    /// The same tables, as statements name them that stand in the code of a submodule: without its namespace, or by their full
    /// names, which its library writes out. A name without dots is the submodule's own if it has such a table; one with dots is
    /// a full name if there is such a table.
    ///
    /// - Parameter namespace: full; empty for the outermost module.
    package func inside(_ namespace: String) -> SQLCatalog {
        var catalog = self
        catalog.namespace = namespace
        return catalog
    }

    /// The table with a canonical name, else with that name in the module's code, if the caller may read it.
    package func table(named name: String, isOwner: Bool) -> Table? {
        guard let position = position(of: name) else { return nil }
        let table = tables[position]
        return isOwner || table.schema.access == .public ? table : nil
    }

    private func position(of name: String) -> Int? {
        if namespace.isEmpty { return position(ofFull: name) }
        let inner = "\(namespace).\(name)"
        let names = name.utf8.contains(UInt8(ascii: ".")) ? [name, inner] : [inner, name]
        return names.lazy.compactMap { position(ofFull: $0) }.first
    }

    private func position(ofFull name: String) -> Int? { byName[name] ?? bySourceName[name] }

    package func table(_ id: TableID) -> Table? { tables.first { $0.id == id } }

    /// Those whose names may be told to the caller.
    func names(isOwner: Bool) -> [String] {
        tables.filter { isOwner || $0.schema.access == .public }.flatMap { table in
            table.schema.name == table.schema.sourceName
                ? [table.schema.name] : [table.schema.name, table.schema.sourceName]
        }
    }

    /// `SELECT * FROM *`, in any case, with blanks between the words: all tables and views of the module that the caller may
    /// read, but event tables. Nil if the text is something else.
    package func everything(_ text: String, isOwner: Bool) -> [Table]? {
        let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        guard words.count == 4, words[0].uppercased() == "SELECT", words[1] == "*", words[2].uppercased() == "FROM",
            words[3] == "*"
        else { return nil }
        return tables.filter {
            // A view that has to be called with something has no rows by itself.
            $0.schema.kind == .user && !$0.schema.isEvent && $0.parameters.isEmpty
                && (isOwner || $0.schema.access == .public)
        }
    }
}

extension TableSchema {
    /// The column with that name in the module's code, else with that canonical name; else, of a name that begins with a capital
    /// letter, the one that bindings for C# call so: the condition of a query is written there by hand, with the names of
    /// the generated code (`WHERE UserId = 1`).
    ///
    /// Of a view that depends on its caller the first column may be named only by who knows its name, and says nothing new then.
    func column(spelled name: String) -> ColumnID? {
        let position =
            columns.firstIndex { $0.sourceName == name } ?? columns.firstIndex { $0.name == name }
            ?? boundColumn(named: name)
        return position.flatMap { ColumnID(exactly: $0) }
    }

    private func boundColumn(named name: String) -> Int? {
        guard name.utf8.first.map({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) == true else { return nil }
        let snake = CaseConversion.snake(name)
        return columns.firstIndex { $0.name == snake }
    }
}
