/// Reads one statement.
///
/// One grammar serves all uses. What a use does not allow, such as joins of three tables in a subscription, is refused
/// later, by whoever knows the use: then the error can say so.
///
/// Recursion goes with nested parentheses and signs only, and has a limit; chains of `AND` and `OR` are lists.
package struct SQLParser {
    /// How deeply parentheses may be nested.
    static let nestingLimit = 50
    /// How deep the tree of a condition may be: one level for each operator of a chain.
    static let depthLimit = 1_600
    /// How many comparisons, and values in lists, a statement may have.
    static let termLimit = 10_000
    /// How many parts with dots between them a name may have: more than types are nested.
    static let namePartLimit = 100
    /// How many tables a statement may join.
    static let sourceLimit = 256

    let text: SQLText
    private let tokens: [SQLToken]
    private var position = 0
    private var nesting = 0
    private var terms = 0

    private init(_ text: SQLText) throws(SQLError) {
        self.text = text
        tokens = try SQLLexer.tokens(of: text)
    }

    /// Reads a text that holds one statement, perhaps with a semicolon behind it.
    ///
    /// - Throws: ``SQLError`` with the place of what is wrong. Never traps, and takes time and memory in proportion to the
    ///   text.
    package static func statement(_ text: String) throws(SQLError) -> SQLStatement {
        try statement(try SQLText(text))
    }

    static func statement(_ text: SQLText) throws(SQLError) -> SQLStatement {
        var parser = try SQLParser(text)
        if parser.current.kind == .end {
            throw SQLError(.empty, "there is no statement in the text", parser.current.range, in: parser.text)
        }
        let statement = try parser.statement()
        parser.skip(.semicolon)
        guard parser.current.kind == .end else {
            if case .symbol(.semicolon) = parser.tokens[parser.position - 1].kind {
                throw parser.unsupported("several statements in one text; send them one by one", parser.current.range)
            }
            throw parser.unexpected("the end of the statement")
        }
        return statement
    }

    // MARK: Tokens

    var current: SQLToken { tokens[position] }
    var next: SQLToken { tokens[min(position + 1, tokens.count - 1)] }
    /// What stands so many tokens ahead.
    func peek(_ ahead: Int) -> SQLToken.Kind { tokens[min(position + ahead, tokens.count - 1)].kind }
    /// Of the token before the current one.
    var lastRange: SourceRange { tokens[max(position - 1, 0)].range }

    mutating func advance() { if position < tokens.count - 1 { position += 1 } }

    func isSymbol(_ symbol: SQLToken.Symbol) -> Bool { current.kind == .symbol(symbol) }

    @discardableResult
    mutating func skip(_ symbol: SQLToken.Symbol) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    @discardableResult
    mutating func skip(_ keyword: StaticString) -> Bool {
        guard current.isKeyword(keyword) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: SQLToken.Symbol) throws(SQLError) {
        guard skip(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
    }

    mutating func expect(_ keyword: StaticString) throws(SQLError) {
        guard skip(keyword) else { throw unexpected("\(keyword)") }
    }

    // MARK: Limits

    /// Reads something that may hold itself.
    mutating func nested<Result>(
        _ body: (inout SQLParser) throws(SQLError) -> Result
    ) throws(SQLError) -> Result {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.nestingLimit else {
            throw SQLError(
                .tooLarge, "parentheses and NOT are nested more than \(Self.nestingLimit) deep; split the query",
                current.range, in: text)
        }
        return try body(&self)
    }

    /// Signs in a row make a tree as deep as they are many.
    func requireShort(chain: Int) throws(SQLError) {
        guard chain <= Self.nestingLimit else {
            throw SQLError(
                .tooLarge,
                "more than \(Self.nestingLimit) operators stand in a row; use parentheses, or split the query",
                current.range, in: text)
        }
    }

    mutating func countTerm() throws(SQLError) {
        terms += 1
        guard terms <= Self.termLimit else {
            throw SQLError(
                .tooLarge,
                "the statement has more than \(Self.termLimit) comparisons and values; split it into several",
                current.range,
                in: text)
        }
    }

    // MARK: Errors

    func unexpected(_ expected: String) -> SQLError {
        let found = current.kind == .end ? "the text ends" : "'\(text[current.range])' stands"
        return SQLError(.syntax, "\(found) where \(expected) was expected", current.range, in: text)
    }

    /// - Parameter what: what is not offered, and what to do instead.
    func unsupported(_ what: String, _ range: SourceRange) -> SQLError {
        SQLError(.unsupported, "not supported: \(what)", range, in: text)
    }
}

// MARK: - Names

extension SQLParser {
    /// Words that begin the next clause, and so cannot name a table or a column without quotes.
    private static let tableEnds: Set<String> = [
        "WITH", "EXPLAIN", "ANALYZE", "SELECT", "WHERE", "GROUP", "SORT", "HAVING", "ORDER", "PIVOT", "TOP", "LATERAL",
        "VIEW", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT", "INTERSECT", "ON", "JOIN", "INNER", "CROSS", "FULL",
        "LEFT", "RIGHT", "NATURAL", "USING", "CLUSTER", "DISTRIBUTE", "OUTER", "SET", "QUALIFY", "WINDOW", "END",
        "PARTITION", "RETURNING", "FOR", "TABLESAMPLE",
    ]
    private static let columnEnds: Set<String> = [
        "WITH", "EXPLAIN", "ANALYZE", "SELECT", "WHERE", "GROUP", "SORT", "HAVING", "ORDER", "TOP", "LATERAL", "VIEW",
        "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT", "INTERSECT", "CLUSTER", "DISTRIBUTE", "FROM", "INTO", "END",
    ]

    enum NamePlace { case table, column }

    mutating func name(_ what: String) throws(SQLError) -> SQLName {
        switch current.kind {
        case .word(let word), .quoted(let word):
            defer { advance() }
            return SQLName(text: word, range: current.range)
        default: throw unexpected(what)
        }
    }

    /// `[AS] name`, where a word that begins the next clause is no name.
    mutating func alias(_ place: NamePlace) throws(SQLError) -> SQLName? {
        if skip("AS") { return try name("a name") }
        switch current.kind {
        case .quoted: return try name("a name")
        case .word(let word):
            let ends = place == .table ? Self.tableEnds : Self.columnEnds
            return ends.contains(word.uppercased()) ? nil : try name("a name")
        default: return nil
        }
    }

    mutating func tableName() throws(SQLError) -> SQLTableName {
        var parts = [try name("the name of a table")]
        while skip(.dot) {
            try requireShort(name: parts)
            parts.append(try name("the next part of the table's name"))
        }
        return SQLTableName(parts: parts)
    }

    /// Which of a name's parts are the table is tried out, which takes time in the square of how many there are.
    func requireShort(name parts: [SQLName]) throws(SQLError) {
        guard parts.count < Self.namePartLimit else {
            throw SQLError(.tooLarge, "a name has more than \(Self.namePartLimit) parts", current.range, in: text)
        }
    }
}
