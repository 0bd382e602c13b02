extension SQLParser {
    mutating func statement() throws(SQLError) -> SQLStatement {
        if current.isKeyword("SELECT") { return .select(try select()) }
        if skip("INSERT") { return .insert(try insert()) }
        if skip("UPDATE") { return .update(try update()) }
        if skip("DELETE") { return .delete(try delete()) }
        if skip("SET") { return try set() }
        if skip("SHOW") { return .show(try name("the name of a variable")) }
        if skip("EXPLAIN") {
            let runs = skip("ANALYZE")
            guard current.isKeyword("SELECT") else {
                throw unsupported("EXPLAIN of anything but a SELECT", current.range)
            }
            return .explain(.select(try select()), runs: runs)
        }
        if current.isKeyword("WITH") { throw unsupported("WITH; write the query without it", current.range) }
        if isSymbol(.open) || current.isKeyword("VALUES") {
            throw unsupported("a query that does not begin with SELECT", current.range)
        }
        if case .word(let word) = current.kind, Self.otherStatements.contains(word.uppercased()) {
            throw unsupported(
                "\(word.uppercased()); tables are declared by the module, and each statement is a transaction of its own",
                current.range)
        }
        throw unexpected("SELECT, INSERT, UPDATE, DELETE, SET, SHOW or EXPLAIN")
    }

    private static let otherStatements: Set<String> = [
        "CREATE", "DROP", "ALTER", "TRUNCATE", "BEGIN", "START", "COMMIT", "ROLLBACK", "GRANT", "REVOKE", "MERGE",
        "REPLACE", "USE", "CALL", "COPY", "ANALYZE", "VACUUM", "DECLARE", "PREPARE", "EXECUTE",
    ]

    // MARK: SELECT

    mutating func select() throws(SQLError) -> SQLSelect {
        let start = current.range
        try expect("SELECT")
        var select = SQLSelect(range: start)
        if !skip("ALL"), skip("DISTINCT") { select.isDistinct = true }
        if current.isKeyword("TOP"), case .number = next.kind { throw unsupported("TOP; use LIMIT", current.range) }
        select.items = try selectItems()
        if current.isKeyword("INTO") { throw unsupported("SELECT INTO", current.range) }
        if skip("FROM") { select.sources = try sources() }
        if skip("WHERE") { select.condition = try expression() }
        if skip("GROUP") {
            try expect("BY")
            repeat { select.groups.append(try expression()) } while skip(.comma)
        }
        if skip("HAVING") { select.groupCondition = try expression() }
        for keyword: StaticString in ["WINDOW", "QUALIFY", "UNION", "EXCEPT", "INTERSECT"]
        where current.isKeyword(keyword) { throw unsupported("\(keyword)", current.range) }
        if skip("ORDER") {
            try expect("BY")
            repeat { select.order.append(try order()) } while skip(.comma)
        }
        try limits(&select)
        if current.isKeyword("FOR") || current.isKeyword("FETCH") {
            throw unsupported("\(text[current.range])", current.range)
        }
        select.range = start.through(lastRange)
        return select
    }

    /// `LIMIT` and `OFFSET`, in either order.
    private mutating func limits(_ select: inout SQLSelect) throws(SQLError) {
        var hasLimit = false
        while true {
            if !hasLimit, skip("LIMIT") {
                hasLimit = true
                if !skip("ALL") { select.limit = try operand() }
            } else if select.offset == nil, skip("OFFSET") {
                select.offset = try operand()
                if !skip("ROWS") { skip("ROW") }
            } else {
                return
            }
        }
    }

    private mutating func order() throws(SQLError) -> SQLOrder {
        let expression = try expression()
        let isDescending = skip("DESC")
        if !isDescending { skip("ASC") }
        if current.isKeyword("NULLS") {
            throw unsupported("NULLS FIRST and NULLS LAST; a missing value comes behind the others", current.range)
        }
        return SQLOrder(expression: expression, isDescending: isDescending)
    }

    mutating func selectItems() throws(SQLError) -> [SQLSelectItem] {
        var items: [SQLSelectItem] = []
        repeat { items.append(try selectItem()) } while skip(.comma)
        return items
    }

    private mutating func selectItem() throws(SQLError) -> SQLSelectItem {
        if isSymbol(.star) {
            advance()
            return .all(lastRange)
        }
        if let table = try tableBeforeStar() { return .allOf(table) }
        let expression = try expression()
        return .expression(expression, alias: try alias(.column))
    }

    /// `table.*`, which only the star tells from a column.
    private mutating func tableBeforeStar() throws(SQLError) -> SQLTableName? {
        func isName(_ ahead: Int) -> Bool {
            switch peek(ahead) {
            case .word, .quoted: true
            default: false
            }
        }
        var count = 0
        while isName(count * 2), peek(count * 2 + 1) == .symbol(.dot) { count += 1 }
        guard count > 0, peek(count * 2) == .symbol(.star) else { return nil }
        var parts: [SQLName] = []
        for _ in 0..<count {
            parts.append(try name("a name"))
            try expect(.dot)
        }
        try expect(.star)
        return SQLTableName(parts: parts)
    }

    // MARK: FROM

    private mutating func sources() throws(SQLError) -> [SQLSource] {
        var sources = [try source(.none)]
        while true {
            if isSymbol(.comma) {
                throw unsupported("tables behind commas; write JOIN … ON …", current.range)
            }
            if skip("CROSS") {
                try expect("JOIN")
                sources.append(try source(.inner))
            } else if skip("INNER") {
                try expect("JOIN")
                sources.append(try source(.inner))
            } else if skip("JOIN") {
                sources.append(try source(.inner))
            } else if skip("LEFT") {
                skip("OUTER")
                try expect("JOIN")
                sources.append(try source(.left))
            } else if current.isKeyword("RIGHT") || current.isKeyword("FULL") || current.isKeyword("NATURAL") {
                throw unsupported(
                    "\(text[current.range].uppercased()) JOIN; there are JOIN and LEFT JOIN", current.range)
            } else {
                return sources
            }
            guard sources.count <= Self.sourceLimit else {
                throw SQLError(
                    .tooLarge, "more than \(Self.sourceLimit) tables are joined; split the query", current.range,
                    in: text)
            }
        }
    }

    private mutating func source(_ join: SQLSource.Join) throws(SQLError) -> SQLSource {
        if isSymbol(.open) || current.isKeyword("LATERAL") {
            throw unsupported("a query in place of a table", current.range)
        }
        let table = try tableName()
        let arguments = try arguments()
        let alias = try alias(.table)
        if alias != nil, isSymbol(.open) { throw unsupported("names of columns behind an alias", current.range) }
        if current.isKeyword("TABLESAMPLE") { throw unsupported("TABLESAMPLE", current.range) }
        if join != .none, current.isKeyword("USING") {
            throw unsupported("USING; write ON with both columns", current.range)
        }
        let condition = join != .none && skip("ON") ? try expression() : nil
        if join == .left, condition == nil { throw unexpected("the ON of a LEFT JOIN") }
        return SQLSource(table: table, arguments: arguments, alias: alias, join: join, condition: condition)
    }

    /// `(1, 'x')` behind the name of a view.
    private mutating func arguments() throws(SQLError) -> [SQLExpression]? {
        guard skip(.open) else { return nil }
        var arguments: [SQLExpression] = []
        if skip(.close) { return arguments }
        repeat {
            try countTerm()
            arguments.append(try value("an argument of the view"))
        } while skip(.comma)
        try expect(.close)
        return arguments
    }

    // MARK: Changes

    private mutating func insert() throws(SQLError) -> SQLInsert {
        skip("INTO")
        let table = try tableName()
        var columns: [SQLName]?
        if skip(.open) {
            var names: [SQLName] = []
            repeat { names.append(try name("the name of a column")) } while skip(.comma)
            try expect(.close)
            columns = names
        }
        if current.isKeyword("SELECT") || current.isKeyword("DEFAULT") {
            throw unsupported("INSERT of anything but VALUES", current.range)
        }
        try expect("VALUES")
        var rows: [[SQLExpression]] = []
        repeat {
            try expect(.open)
            var row: [SQLExpression] = []
            repeat {
                try countTerm()
                row.append(try value("the inserted value"))
            } while skip(.comma)
            try expect(.close)
            rows.append(row)
        } while skip(.comma)
        if current.isKeyword("ON") { throw unsupported("ON CONFLICT", current.range) }
        return SQLInsert(table: table, columns: columns, rows: rows, returning: try returning())
    }

    private mutating func update() throws(SQLError) -> SQLUpdate {
        let table = try tableName()
        if let alias = try alias(.table) { throw unsupported("another name for the updated table", alias.range) }
        try expect("SET")
        var assignments: [SQLAssignment] = []
        repeat {
            let column = try name("the name of a column")
            if isSymbol(.dot) {
                throw unsupported("an assignment to a part of a column; assign the whole column", current.range)
            }
            try expect(.equal)
            assignments.append(SQLAssignment(column: column, value: try expression()))
        } while skip(.comma)
        if current.isKeyword("FROM") { throw unsupported("UPDATE … FROM", current.range) }
        let condition = skip("WHERE") ? try expression() : nil
        return SQLUpdate(
            table: table, assignments: assignments, condition: condition, returning: try returning())
    }

    private mutating func delete() throws(SQLError) -> SQLDelete {
        try expect("FROM")
        let table = try tableName()
        if isSymbol(.comma) { throw unsupported("DELETE from several tables", current.range) }
        if current.isKeyword("USING") { throw unsupported("DELETE … USING", current.range) }
        if let alias = try alias(.table) {
            throw unsupported("another name for the table that rows are deleted from", alias.range)
        }
        let condition = skip("WHERE") ? try expression() : nil
        return SQLDelete(table: table, condition: condition, returning: try returning())
    }

    private mutating func returning() throws(SQLError) -> [SQLSelectItem] {
        skip("RETURNING") ? try selectItems() : []
    }

    private mutating func set() throws(SQLError) -> SQLStatement {
        if current.isKeyword("LOCAL") { throw unsupported("SET LOCAL", current.range) }
        skip("SESSION")
        let variable = try name("the name of a variable")
        guard skip("TO") || skip(.equal) else { throw unexpected("TO or '='") }
        return .set(variable, try value("the variable's value"))
    }
}
