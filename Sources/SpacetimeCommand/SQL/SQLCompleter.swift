import SpacetimeSchema

/// Completes statements with the names of a schema and the words of SQL.
struct SQLCompleter {
    /// The columns of each table and view, by its name.
    let tables: [String: [String]]

    static let keywords = [
        "SELECT", "FROM", "WHERE", "INSERT", "INTO", "VALUES", "UPDATE", "SET", "DELETE", "AND", "OR", "NOT", "JOIN",
        "LEFT", "ON", "AS", "ORDER", "BY", "ASC", "DESC", "LIMIT", "GROUP", "HAVING", "COUNT", "SUM", "MIN", "MAX",
        "AVG",
        "TRUE", "FALSE", "NULL", "IS", "IN", "BETWEEN", "LIKE", "EXPLAIN", "DISTINCT",
    ]

    static let commands = ["\\?", "\\csv", "\\d", "\\json", "\\q", "\\table", "\\timing", "\\x"]

    init(_ module: ModuleSchema?) {
        var tables: [String: [String]] = [:]
        for table in module?.tables ?? [] { tables[table.name] = table.columns.map(\.name) }
        for view in module?.views ?? [] { tables[view.name] = view.columns.map(\.name) }
        self.init(tables: tables)
    }

    init(tables: [String: [String]]) { self.tables = tables }

    /// What there is for the word at the end of a text.
    ///
    /// - Parameter before: the lines of the statement in front of the text.
    func completions(_ text: String, before: String = "") -> LineEditor.Completions {
        if before.isEmpty, text.hasPrefix("\\") { return commandCompletions(text) }
        let word = String(text.reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed())
        let rest = text.dropLast(word.count)
        let statement = before + " " + rest
        let candidates: [String]
        if rest.last == "." {
            let owner = String(rest.dropLast().reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed())
            // Of a submodule the tables: `lib.users`.
            let inner = tables.keys.filter { $0.hasPrefix(owner + ".") }.map { String($0.dropFirst(owner.count + 1)) }
            candidates = columns(of: owner, in: statement) + inner.sorted()
        } else if ["FROM", "JOIN", "INTO", "UPDATE"].contains(Self.lastWord(statement).uppercased()) {
            candidates = tables.keys.sorted()
        } else {
            let mentioned = Self.words(statement).compactMap { tables[$0] }.flatMap(\.self)
            // Before a table is mentioned, the columns of all would only be in the way of the words.
            candidates = Array(Set(mentioned)).sorted() + tables.keys.sorted() + keywords(like: word)
        }
        let found = candidates.filter { $0.lowercased().hasPrefix(word.lowercased()) }
        return .init(replaced: word.count, words: found)
    }

    private func commandCompletions(_ text: String) -> LineEditor.Completions {
        if text.hasPrefix("\\d ") {
            let word = String(text.dropFirst(3))
            return .init(replaced: word.count, words: tables.keys.sorted().filter { $0.hasPrefix(word) })
        }
        return .init(replaced: text.count, words: Self.commands.filter { $0.hasPrefix(text) })
    }

    /// In small letters for those who write them so.
    private func keywords(like word: String) -> [String] {
        let isSmall = word.contains(where: \.isLowercase)
        return isSmall ? Self.keywords.map { $0.lowercased() } : Self.keywords
    }

    /// The columns of a table, or of the table that a statement gives a short name.
    private func columns(of owner: String, in statement: String) -> [String] {
        if let columns = tables[owner] { return columns }
        let words = Self.words(statement)
        for (position, word) in words.enumerated() where word == owner && position > 0 {
            let previous = words[position - 1].uppercased() == "AS" && position > 1 ? position - 2 : position - 1
            if let columns = tables[words[previous]] { return columns }
        }
        return []
    }

    private static func words(_ text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    }

    private static func lastWord(_ text: String) -> String { words(text).last ?? "" }
}
