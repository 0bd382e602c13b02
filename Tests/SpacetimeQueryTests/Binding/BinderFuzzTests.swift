import Testing

@testable import SpacetimeQuery

/// Statements that are nearly right: each is bound or refused, and nothing else.
@Suite struct BinderFuzzTests {
    /// Words that are exchanged for each other.
    private static let words = [
        "player", "item", "entity", "OldName", "lib.items", "p", "i", "id", "name", "level", "tag", "online", "blob",
        "owner", "position.x", "shape.circle.radius", "mood", "age", "nested.y", "p.id", "i.kind", "*", "p.*",
        "COUNT(*)",
        "SUM(level)", "MIN(name)", "AVG(tag)", "1", "-5", "1.5", "'a'", "'a%'", "0x10", "X'00'", "TRUE", "NULL",
        ":sender",
        ":x", "=", "<>", "<", ">=", "AND", "OR", "NOT", "IN (1, 2)", "IS NULL", "BETWEEN 1 AND 2", "LIKE 'a%'", "+",
        "*", "%",
        "(", ")", ",", "WHERE", "GROUP BY level", "HAVING COUNT(*) > 1", "ORDER BY", "LIMIT 3", "OFFSET 1", "DISTINCT",
        "JOIN item i ON p.id = i.player_id", "LEFT JOIN item i ON i.kind = 3", "RETURNING *", "AS n",
    ]

    @Test func anyStatementIsBoundOrRefused() {
        let seed = UInt64.random(in: 0 ... .max)
        print("anyStatementIsBoundOrRefused: seed \(seed)")
        var random = SeededRandom(state: seed)
        let statements =
            ExampleTests.examples.map(\.text) + BinderTests.refused.map(\.0)
            + [
                "SELECT level, COUNT(*) AS n FROM player p GROUP BY level HAVING COUNT(*) > 2 ORDER BY n LIMIT 3",
                "UPDATE player SET level = level + 1, tag = 5 WHERE id IN (1, 2) RETURNING *",
                "SELECT p.name, i.kind FROM player p LEFT JOIN item i ON p.id = i.player_id WHERE i.id IS NULL",
            ]
        var bound = 0
        for _ in 0..<2_000 {
            var words = statements.randomElement(using: &random)!.split(separator: " ").map { String($0) }
            for _ in 0..<Int.random(in: 0...2, using: &random) where !words.isEmpty {
                let place = words.indices.randomElement(using: &random)!
                switch Int.random(in: 0..<3, using: &random) {
                case 0: words.remove(at: place)
                case 1: words.insert(Self.words.randomElement(using: &random)!, at: place)
                default: words[place] = Self.words.randomElement(using: &random)!
                }
            }
            let text = words.joined(separator: " ")
            let languages = [SQLLanguage.adHoc, .subscription, .originalAdHoc, .originalSubscription]
            for language in languages {
                do throws(SQLError) {
                    _ = try ExampleCatalog.bind(text, language, lifting: Bool.random(using: &random))
                    bound += 1
                } catch {
                    #expect(error.range.start <= error.range.end && error.range.end <= text.utf8.count, "\(text)")
                }
            }
        }
        #expect(bound > 300)
    }
}
