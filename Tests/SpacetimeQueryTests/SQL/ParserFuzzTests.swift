import Testing

@testable import SpacetimeQuery

/// Texts that nobody would write: each is read or refused, and nothing else.
@Suite struct ParserFuzzTests {
    private static let pieces = [
        "SELECT", "*", "FROM", "WHERE", "AND", "OR", "NOT", "(", ")", ",", ".", ";", "'", "\"", "a", "b", "\"c\"", "1",
        "-", "+", "/", "%", "=", "==", "<>", "<", ">=", "||", "IN", "BETWEEN", "LIKE", "IS", "NULL", "TRUE", "JOIN",
        "LEFT", "ON", "GROUP", "BY", "HAVING", "ORDER", "DESC", "LIMIT", "OFFSET", "COUNT", "SUM", "INSERT", "INTO",
        "VALUES", "UPDATE", "SET", "DELETE", "RETURNING", "SHOW", "EXPLAIN", ":sender", ":", "0x1f", "X'00'", "1e",
        ".5",
        "--", "/*", "*/", "\n", "ß", "é", "💥", "\u{0}", "$", "?", "AS", "x", "e'",
    ]

    private func read(_ text: String) {
        do throws(SQLError) { _ = try SQLParser.statement(text) } catch {
            #expect(error.range.start <= error.range.end && error.range.end <= text.utf8.count && error.line >= 1)
        }
    }

    @Test func anyTextIsReadOrRefused() {
        let seed = UInt64.random(in: 0 ... .max)
        print("anyTextIsReadOrRefused: seed \(seed)")
        var random = SeededRandom(state: seed)
        for _ in 0..<3_000 {
            let count = Int.random(in: 0...24, using: &random)
            let separator = Bool.random(using: &random) ? " " : ""
            read((0..<count).map { _ in Self.pieces.randomElement(using: &random)! }.joined(separator: separator))
        }
        // Statements with a piece lost, doubled or exchanged.
        for text in ParserTests.accepted {
            for _ in 0..<20 {
                var characters = Array(text)
                let place = Int.random(in: 0..<characters.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: characters.remove(at: place)
                case 1: characters.insert(contentsOf: Self.pieces.randomElement(using: &random)!, at: place)
                default: characters[place] = characters.randomElement(using: &random)!
                }
                read(String(characters))
            }
        }
    }
}
