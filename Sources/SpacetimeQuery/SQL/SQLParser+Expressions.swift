extension SQLParser {
    // From the loosest to the tightest: OR, AND, NOT, comparisons (from left to right), + and -, * / %.

    mutating func expression() throws(SQLError) -> SQLExpression {
        var parts = [try conjunction()]
        while skip("OR") { parts.append(try conjunction()) }
        return try list(parts) { .or($0) }
    }

    private mutating func conjunction() throws(SQLError) -> SQLExpression {
        var parts = [try negation()]
        while skip("AND") { parts.append(try negation()) }
        return try list(parts) { .and($0) }
    }

    private func list(
        _ parts: [SQLExpression], _ make: ([SQLExpression]) -> SQLExpression.Kind
    ) throws(SQLError) -> SQLExpression {
        guard parts.count > 1 else { return parts[0] }
        let range = parts[0].range.through(parts[parts.count - 1].range)
        let list = SQLExpression(kind: make(parts), range: range)
        guard list.depth <= Self.depthLimit else {
            throw SQLError(
                .tooLarge,
                "the condition is \(list.depth) levels deep, and \(Self.depthLimit) are allowed; use IN, or split the query",
                range, in: text)
        }
        return list
    }

    private mutating func negation() throws(SQLError) -> SQLExpression {
        guard current.isKeyword("NOT") else { return try comparison() }
        let start = current.range
        advance()
        let negated = try nested { parser throws(SQLError) in try parser.negation() }
        return SQLExpression(kind: .not(negated), range: start.through(negated.range))
    }

    private mutating func comparison() throws(SQLError) -> SQLExpression {
        var left = try sum()
        var chain = 0
        while true {
            chain += 1
            try requireShort(chain: chain)
            if let comparison = comparisonSign {
                advance()
                try countTerm()
                let right = try sum()
                left = SQLExpression(
                    kind: .compare(comparison, left, right), range: left.range.through(right.range))
            } else if let test = try test(of: left) {
                left = test
            } else {
                return left
            }
        }
    }

    private var comparisonSign: SQLComparison? {
        guard case .symbol(let symbol) = current.kind else { return nil }
        return switch symbol {
        case .equal, .doubleEqual: .equal
        case .notEqual, .bangEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        default: nil
        }
    }

    /// `IS NULL`, `IN`, `BETWEEN` and `LIKE`; nil if none of them follows.
    private mutating func test(of value: SQLExpression) throws(SQLError) -> SQLExpression? {
        func made(_ kind: SQLExpression.Kind, by parser: SQLParser) -> SQLExpression {
            SQLExpression(kind: kind, range: value.range.through(parser.lastRange))
        }
        if skip("IS") {
            try countTerm()
            let isNegated = skip("NOT")
            guard skip("NULL") else { throw unexpected("NULL") }
            return made(.isNull(value, isNegated: isNegated), by: self)
        }
        let isNegated =
            current.isKeyword("NOT")
            && (next.isKeyword("IN") || next.isKeyword("BETWEEN") || next.isKeyword("LIKE"))
        if isNegated { advance() }
        if skip("IN") {
            try expect(.open)
            if current.isKeyword("SELECT") { throw unsupported("a query inside of a query", current.range) }
            var values: [SQLExpression] = []
            repeat {
                try countTerm()
                values.append(try sum())
            } while skip(.comma)
            try expect(.close)
            return made(.isIn(value, values, isNegated: isNegated), by: self)
        }
        if skip("BETWEEN") {
            try countTerm()
            let low = try sum()
            try expect("AND")
            let high = try sum()
            return made(.between(value, low, high, isNegated: isNegated), by: self)
        }
        if skip("LIKE") {
            try countTerm()
            let pattern = try sum()
            if current.isKeyword("ESCAPE") { throw unsupported("ESCAPE", current.range) }
            return made(.like(value, pattern, isNegated: isNegated), by: self)
        }
        if current.isKeyword("ILIKE") || current.isKeyword("SIMILAR") {
            throw unsupported("\(text[current.range].uppercased()); there is LIKE", current.range)
        }
        return nil
    }

    // MARK: Arithmetic

    private mutating func sum() throws(SQLError) -> SQLExpression {
        let sum = try chain([.add, .subtract]) { parser throws(SQLError) in try parser.product() }
        if isSymbol(.concatenation) { throw unsupported("||, the joining of texts", current.range) }
        return sum
    }

    private mutating func product() throws(SQLError) -> SQLExpression {
        try chain([.multiply, .divide, .remainder]) { parser throws(SQLError) in try parser.operand() }
    }

    /// Operands with signs of one strength between them, from left to right.
    private mutating func chain(
        _ signs: [SQLArithmetic], of operand: (inout SQLParser) throws(SQLError) -> SQLExpression
    ) throws(SQLError) -> SQLExpression {
        var left = try operand(&self)
        var length = 0
        while case .symbol(let symbol) = current.kind, let sign = SQLArithmetic(rawValue: symbol.rawValue),
            signs.contains(sign)
        {
            length += 1
            try requireShort(chain: length)
            advance()
            try countTerm()
            let right = try operand(&self)
            left = SQLExpression(kind: .arithmetic(sign, left, right), range: left.range.through(right.range))
        }
        return left
    }

    // MARK: Operands

    mutating func operand() throws(SQLError) -> SQLExpression {
        let token = current
        func made(_ kind: SQLExpression.Kind) -> SQLExpression { SQLExpression(kind: kind, range: token.range) }
        switch token.kind {
        case .string(let text):
            advance()
            return made(.literal(.string(text)))
        case .number(let digits):
            advance()
            return made(.literal(.number(digits)))
        case .hex(let digits):
            advance()
            return made(.literal(.hex(digits)))
        case .parameter(let name):
            advance()
            return made(.parameter(name))
        case .symbol(.plus), .symbol(.minus): return try signedNumber()
        case .symbol(.open):
            advance()
            if current.isKeyword("SELECT") { throw unsupported("a query inside of a query", current.range) }
            let inner = try nested { parser throws(SQLError) in try parser.expression() }
            if isSymbol(.comma) { throw unsupported("a list of values in parentheses", current.range) }
            try expect(.close)
            // A literal stays where it is, so that it is found by its place.
            if case .literal = inner.kind { return SQLExpression(kind: inner.kind, range: inner.range, parentheses: 1) }
            return SQLExpression(
                kind: inner.kind, range: token.range.through(lastRange), parentheses: inner.depth - inner.kind.depth + 1
            )
        case .quoted: return try columnName()
        case .word(let word): return try wordOperand(word)
        default: throw unexpected("a value or the name of a column")
        }
    }

    /// A sign stands directly before a number.
    private mutating func signedNumber() throws(SQLError) -> SQLExpression {
        let sign = current
        advance()
        guard case .number(let digits) = current.kind else {
            throw unsupported("a sign before anything but a decimal number; subtract from 0", sign.range)
        }
        let range = sign.range.through(current.range)
        advance()
        let text = sign.kind == .symbol(.minus) ? "-" + digits : digits
        return SQLExpression(kind: .literal(.number(text)), range: range)
    }

    /// A literal, as rows that are inserted are made of.
    mutating func value(_ what: String) throws(SQLError) -> SQLExpression {
        let value = try expression()
        switch value.kind {
        case .literal, .parameter: return value
        default:
            throw unsupported("\(what) '\(text[value.range])'; only literals and parameters can be given", value.range)
        }
    }

    private mutating func wordOperand(_ word: String) throws(SQLError) -> SQLExpression {
        let range = current.range
        func literal(_ literal: SQLLiteral) -> SQLExpression { SQLExpression(kind: .literal(literal), range: range) }
        if case .symbol(.open) = next.kind { return try call(word) }
        if case .string = next.kind { throw unsupported("\(word)'…'; write the plain text", range) }
        if case .symbol(.dot) = next.kind { return try columnName() }
        switch word.uppercased() {
        case "TRUE":
            advance()
            return literal(.bool(true))
        case "FALSE":
            advance()
            return literal(.bool(false))
        case "NULL":
            advance()
            return literal(.null)
        case "CASE", "CAST", "EXISTS", "INTERVAL", "ARRAY", "ROW":
            throw unsupported(word.uppercased(), range)
        case "FROM", "WHERE", "AND", "OR", "SELECT", "ON", "JOIN", "GROUP", "ORDER", "LIMIT", "HAVING":
            throw unexpected("a value or the name of a column")
        default: return try columnName()
        }
    }

    private mutating func columnName() throws(SQLError) -> SQLExpression {
        var parts = [try name("the name of a column")]
        while skip(.dot) {
            try requireShort(name: parts)
            parts.append(try name("a name"))
        }
        return SQLExpression(kind: .name(parts), range: parts[0].range.through(parts[parts.count - 1].range))
    }

    /// An aggregate; there are no other functions.
    private mutating func call(_ word: String) throws(SQLError) -> SQLExpression {
        let start = current.range
        guard let aggregate = SQLAggregate(rawValue: word.uppercased()) else {
            let known = SQLAggregate.allCases.map(\.rawValue).joined(separator: ", ")
            throw unsupported("the function '\(word)'; there are \(known)", start)
        }
        advance()
        try expect(.open)
        let isDistinct = skip("DISTINCT")
        var argument: SQLExpression?
        if aggregate == .count, !isDistinct, skip(.star) {
            argument = nil
        } else {
            argument = try nested { parser throws(SQLError) in try parser.expression() }
        }
        try expect(.close)
        if current.isKeyword("OVER") || current.isKeyword("FILTER") {
            throw unsupported("\(text[current.range].uppercased())", current.range)
        }
        return SQLExpression(
            kind: .aggregate(aggregate, argument, isDistinct: isDistinct), range: start.through(lastRange))
    }
}
