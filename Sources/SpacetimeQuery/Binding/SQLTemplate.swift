import SpacetimeEngine
import SpacetimeSATS

/// The text of a query without the literals that may differ between runs of one plan.
///
/// Two texts with equal keys are one query with other values, so a plan that was made for one serves the other. Finding the
/// key costs reading the text's tokens once, and no look-up of names. Literals stay part of the key where the query's shape
/// may depend on them: in lists, patterns and output columns, and in all of a text with an `OR`, whose alternatives are
/// planned by their values; and in all statements but queries.
package struct SQLTemplate: Sendable {
    /// Tokens with one blank between them, and signs in place of literals.
    package let key: [UInt8]
    /// The literals that were left out, in the order of the text.
    package let literals: [SQLLiteral]
    /// Where each of them stands.
    let ranges: [SourceRange]
    let text: SQLText

    /// - Throws: ``SQLError`` if the text has no tokens. Whether it is a statement is not looked at.
    package init(_ text: String) throws(SQLError) {
        self.text = try SQLText(text)
        let tokens = try SQLLexer.tokens(of: self.text)
        let isSelect = tokens[0].isKeyword("SELECT")
        var scan = Scan(text: self.text, lifts: isSelect && !tokens.contains { $0.isKeyword("OR") })
        for position in tokens.indices { scan.take(tokens[position], after: position > 0 ? tokens[position - 1] : nil) }
        key = scan.key
        literals = scan.literals
        ranges = scan.ranges
    }

    private struct Scan {
        let text: SQLText
        /// False if no literal may be left out.
        let lifts: Bool
        var key: [UInt8] = []
        var literals: [SQLLiteral] = []
        var ranges: [SourceRange] = []
        /// Behind a keyword whose clause has values.
        private var isInClause = false
        private var isPattern = false
        /// The parentheses of a list that are open.
        private var listDepth = 0
        private var sign: SQLToken?

        init(text: SQLText, lifts: Bool) {
            self.text = text
            self.lifts = lifts
            key.reserveCapacity(text.bytes.count)
        }

        mutating func take(_ token: SQLToken, after last: SQLToken?) {
            let sign = sign
            self.sign = nil
            switch token.kind {
            case .end: return
            case .word: notice(token)
            case .symbol(.open) where listDepth > 0 || last?.isKeyword("IN") == true: listDepth += 1
            case .symbol(.close) where listDepth > 0: listDepth -= 1
            case .symbol(.minus), .symbol(.plus):
                if last.map(Self.endsOperand) != true { self.sign = token }
            case .number(let digits):
                let isNegative = sign?.kind == .symbol(.minus)
                if lift(.number(isNegative ? "-" + digits : digits), token, sign, "?n") { return }
            case .string(let string): if lift(.string(string), token, nil, "?s") { return }
            case .hex(let digits): if lift(.hex(digits), token, nil, "?x") { return }
            default: break
            }
            isPattern = isPattern && token.isKeyword("LIKE")
            append(text.bytes[token.range.start..<token.range.end])
        }

        private mutating func notice(_ token: SQLToken) {
            // Between FROM and WHERE the only values are arguments of views, and those behind ON.
            if token.isKeyword("WHERE") || token.isKeyword("FROM") || token.isKeyword("JOIN") || token.isKeyword("ON")
                || token.isKeyword("HAVING")
                || token.isKeyword("LIMIT")
                || token.isKeyword("OFFSET")
            {
                isInClause = true
            } else if token.isKeyword("GROUP") || token.isKeyword("ORDER") {
                isInClause = false
            } else if token.isKeyword("LIKE") {
                isPattern = true
            }
        }

        /// A sign behind a value is an operator, one anywhere else belongs to the number.
        private static func endsOperand(_ token: SQLToken) -> Bool {
            switch token.kind {
            case .quoted, .string, .number, .hex, .parameter, .symbol(.close), .symbol(.star): true
            case .word: !keywordsBeforeValues.contains { token.isKeyword($0) }
            case .symbol, .end: false
            }
        }

        private static let keywordsBeforeValues: [StaticString] = [
            "WHERE", "ON", "AND", "NOT", "BETWEEN", "HAVING", "LIMIT", "OFFSET", "LIKE", "SELECT", "BY",
        ]

        private mutating func lift(
            _ literal: SQLLiteral, _ token: SQLToken, _ sign: SQLToken?, _ mark: StaticString
        ) -> Bool {
            guard lifts, isInClause, !isPattern, listDepth == 0 else { return false }
            literals.append(literal)
            ranges.append(sign.map { $0.range.through(token.range) } ?? token.range)
            mark.withUTF8Buffer { append($0) }
            return true
        }

        private mutating func append(_ bytes: some Sequence<UInt8>) {
            key.append(UInt8(ascii: " "))
            key.append(contentsOf: bytes)
        }
    }
}

extension BoundSelect {
    /// The values of the lifted literals of another text with the same template, by position in the query's parameters.
    ///
    /// - Returns: nil for parameters with names; all of it is nil if a literal is no value of its parameter's type: then
    ///   binding the text says why.
    package func literalValues(of template: SQLTemplate) -> [[UInt8]?]? {
        var values: [[UInt8]?] = []
        for (position, parameter) in query.parameters.enumerated() {
            guard let literal = literals[position] else {
                values.append(nil)
                continue
            }
            guard template.literals.indices.contains(literal),
                let value = template.literals[literal].value(as: parameter.type)
            else { return nil }
            values.append(value.bsatn())
        }
        return values
    }
}
