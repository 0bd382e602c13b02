import Testing

@testable import SpacetimeQuery

/// What follows the grammar and what does not, and what the errors say.
@Suite struct ParserTests {
    static let accepted = [
        "SELECT * FROM player", "select all * from player;", "SELECT p.* FROM player p", "SELECT p.* FROM player AS p",
        "SELECT * FROM \"Player\" WHERE \"na\"\"me\" = 'it''s'", "SELECT lib.items.* FROM lib.items",
        "SELECT * FROM \"lib\".\"items\" WHERE \"lib\".\"items\".\"id\" = 1",
        "SELECT * FROM player WHERE owner = :sender", "SELECT * FROM player WHERE online",
        "SELECT * FROM player WHERE NOT online", "SELECT * FROM player WHERE TRUE",
        "SELECT * FROM player WHERE online = FALSE AND (level > 3 OR level = 1)",
        "SELECT * FROM player WHERE level IN (1,2)", "SELECT * FROM player WHERE level NOT IN (1,2)",
        "SELECT * FROM player WHERE level BETWEEN 1 AND 2 AND level <> 3",
        "SELECT * FROM player WHERE level NOT BETWEEN 1 AND 2", "SELECT * FROM player WHERE tag IS NOT NULL",
        "SELECT * FROM player WHERE name LIKE 'a%' OR name NOT LIKE 'b%'",
        "SELECT * FROM player WHERE level + 1 * 2 = 2 % 3 - 4 / 5",
        "SELECT * FROM player WHERE (a = b) = flag AND 5 < level AND a == b AND a != b",
        "SELECT * FROM player WHERE score = -170141183460469231731687303715884105728",
        "SELECT * FROM player WHERE ratio > .5 AND level = 1e2 AND level = 1.5E-3 AND level = 12L",
        "SELECT * FROM player WHERE level = 0x10 OR blob = X'00ff' OR blob = x''",
        "SELECT p.* FROM player p JOIN item i ON p.id = i.player_id",
        "SELECT p.* FROM player p INNER JOIN item i ON p.id = i.player_id CROSS JOIN grid",
        "SELECT p.* FROM player p LEFT JOIN item i ON p.id = i.player_id AND i.kind = 3",
        "SELECT p.* FROM player p JOIN item i WHERE p.id = i.player_id",
        "SELECT name, level AS l, level x FROM player WHERE level >= 10 LIMIT 20",
        "SELECT COUNT(*) AS n FROM player", "SELECT count(*) n FROM player LIMIT ALL", "SELECT count FROM player",
        "SELECT kind, SUM(level), MIN(a) m, MAX(b), AVG(c), COUNT(DISTINCT d) FROM player GROUP BY kind HAVING COUNT(*) > 1",
        "SELECT DISTINCT name FROM player ORDER BY name DESC, level ASC LIMIT 3 OFFSET 2",
        "SELECT * FROM player OFFSET 2 ROWS LIMIT 3", "SELECT 1", "SELECT 1 AS one, 'a'",
        "INSERT INTO item (id, player_id) VALUES (0, 1), (-2, NULL) RETURNING id",
        "INSERT item VALUES (1, :sender, 'x', TRUE)", "UPDATE item SET kind = 9, n = n + 1 WHERE player_id = 1",
        "UPDATE item SET kind = 9 RETURNING *", "DELETE FROM item WHERE item.kind = 9 RETURNING item.*",
        "DELETE FROM item", "SET row_limit = 1000", "SET SESSION row_limit TO 5", "SHOW row_limit",
        "EXPLAIN SELECT * FROM a", "EXPLAIN ANALYZE SELECT * FROM a",
        "SELECT * FROM a -- to the end\n WHERE /* in /* between */ */ b = 1", "SELECT * FROM größe WHERE größe.ß = 1",
        "SELECT a.b.c FROM a WHERE a.b.c.d > 1", "SELECT top FROM top", "SELECT * FROM user",
    ]

    @Test(arguments: accepted)
    func followsTheGrammar(_ text: String) throws { _ = try SQLParser.statement(text) }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var text: String
        var code: SQLError.Code
        var says: String
        var testDescription: String { text }

        init(_ text: String, _ code: SQLError.Code, _ says: String) {
            (self.text, self.code, self.says) = (text, code, says)
        }
    }

    static let refused = [
        Refusal("", .empty, "no statement"), Refusal("   ", .empty, "no statement"),
        Refusal("-- nothing", .empty, "no statement"),
        Refusal("SELECT * FROM a; SELECT * FROM b", .unsupported, "several statements"),
        Refusal("SELECT * FROM a;;", .unsupported, "several statements"),
        Refusal("SELECT p.* FROM player p, item i WHERE p.id = i.id", .unsupported, "commas"),
        Refusal("SELECT * FROM a RIGHT JOIN b ON a.x = b.x", .unsupported, "RIGHT JOIN"),
        Refusal("SELECT * FROM a NATURAL JOIN b", .unsupported, "NATURAL JOIN"),
        Refusal("SELECT * FROM a JOIN b USING (x)", .unsupported, "USING"),
        Refusal("SELECT * FROM a LEFT JOIN b", .syntax, "ON"),
        Refusal("SELECT * FROM (SELECT * FROM a)", .unsupported, "a query in place of a table"),
        Refusal("SELECT * FROM f(a.b)", .unsupported, "only literals and parameters"),
        Refusal("SELECT * FROM f(1", .syntax, ")"),
        Refusal("SELECT * FROM a AS b (c)", .unsupported, "behind an alias"),
        Refusal("WITH x AS (SELECT 1) SELECT * FROM x", .unsupported, "WITH"),
        Refusal("SELECT * FROM a FETCH FIRST 1 ROW ONLY", .unsupported, "FETCH"),
        Refusal("SELECT * FROM a FOR UPDATE", .unsupported, "FOR"),
        Refusal("SELECT TOP 3 * FROM a", .unsupported, "LIMIT"),
        Refusal("SELECT * INTO b FROM a", .unsupported, "INTO"),
        Refusal("SELECT * FROM a UNION SELECT * FROM b", .unsupported, "UNION"),
        Refusal("VALUES (1)", .unsupported, "SELECT"), Refusal("CREATE TABLE x (a INT)", .unsupported, "CREATE"),
        Refusal("BEGIN", .unsupported, "BEGIN"), Refusal("EXPLAIN DELETE FROM a", .unsupported, "EXPLAIN"),
        Refusal("SELECT * FROM a WHERE b IN (SELECT c FROM d)", .unsupported, "inside of a query"),
        Refusal("SELECT * FROM a WHERE (1, 2) = b", .unsupported, "a list of values"),
        Refusal("SELECT * FROM a WHERE lower(b) = 'x'", .unsupported, "function 'lower'"),
        Refusal("SELECT * FROM a WHERE CASE WHEN b THEN c END", .unsupported, "CASE"),
        Refusal("SELECT * FROM a WHERE b::int = 1", .unsupported, "::"),
        Refusal("SELECT * FROM a WHERE b = $1", .unsupported, ":name"),
        Refusal("SELECT * FROM a WHERE b = ?", .unsupported, ":name"),
        Refusal("SELECT * FROM a WHERE b = E'x'", .unsupported, "plain text"),
        Refusal("SELECT * FROM a WHERE b = timestamp '2025-01-01'", .unsupported, "plain text"),
        Refusal("SELECT * FROM a WHERE b || c = 'x'", .unsupported, "||"),
        Refusal("SELECT * FROM a WHERE b = - (5)", .unsupported, "sign"),
        Refusal("SELECT * FROM a WHERE b ILIKE 'x'", .unsupported, "LIKE"),
        Refusal("SELECT SUM(a) OVER () FROM b", .unsupported, "OVER"),
        Refusal("SELECT * FROM a ORDER BY b NULLS FIRST", .unsupported, "NULLS"),
        Refusal("INSERT INTO a SELECT * FROM b", .unsupported, "VALUES"),
        Refusal("INSERT INTO a DEFAULT VALUES", .unsupported, "VALUES"),
        Refusal("INSERT INTO a (b) VALUES (c)", .unsupported, "literals"),
        Refusal("INSERT INTO a (b) VALUES (1) ON CONFLICT DO NOTHING", .unsupported, "ON CONFLICT"),
        Refusal("UPDATE a x SET b = 1", .unsupported, "another name"),
        Refusal("UPDATE a SET b = 1 FROM c", .unsupported, "FROM"),
        Refusal("UPDATE a SET b.c = 1", .unsupported, "whole column"),
        Refusal("DELETE FROM a x WHERE x.b = 9", .unsupported, "another name"),
        Refusal("DELETE FROM a USING b", .unsupported, "USING"), Refusal("DELETE FROM a, b", .unsupported, "several"),
        Refusal("SET LOCAL a = 1", .unsupported, "LOCAL"), Refusal("SET a = b", .unsupported, "literals"),
        Refusal("SELEC * FROM a", .syntax, "SELECT"), Refusal("SELECT FROM a", .syntax, "a value"),
        Refusal("SELECT * FROM", .syntax, "the name of a table"), Refusal("SELECT * FROM a WHERE", .syntax, "a value"),
        Refusal("SELECT * FROM a WHERE b =", .syntax, "the text ends"),
        Refusal("SELECT * FROM a WHERE b = 1 c", .syntax, "the end of the statement"),
        Refusal("SELECT * FROM a WHERE (b = 1", .syntax, "')'"),
        Refusal("SELECT * FROM a WHERE b = 'x", .syntax, "end"),
        Refusal("SELECT * FROM \"a", .syntax, "end"), Refusal("SELECT * FROM \"\"", .syntax, "empty"),
        Refusal("SELECT * FROM `a`", .syntax, "double quotes"), Refusal("SELECT * FROM [a]", .syntax, "double quotes"),
        Refusal("SELECT * FROM a /* x", .syntax, "comment"), Refusal("SELECT * FROM a WHERE b = 0x", .syntax, "0x"),
        Refusal("SELECT * FROM a WHERE b = X'0g'", .syntax, "hexadecimal"),
        Refusal("SELECT * FROM a WHERE b IS 3", .syntax, "NULL"), Refusal("SELECT * FROM a # b", .syntax, "'#'"),
        Refusal("UPDATE a SET", .syntax, "column"), Refusal("INSERT INTO a (b) VALUES", .syntax, "'('"),
    ]

    @Test(arguments: refused)
    func saysWhatIsWrong(_ refusal: Refusal) {
        do {
            _ = try SQLParser.statement(refusal.text)
            Issue.record("accepted: \(refusal.text)")
        } catch {
            #expect(error.code == refusal.code && error.reason.contains(refusal.says), "\(error)")
            #expect(error.range.start >= 0 && error.range.end <= refusal.text.utf8.count)
        }
    }

    @Test func errorsNameLineAndColumn() {
        #expect {
            _ = try SQLParser.statement("SELECT *\n  FROM größe\n  WHERE ö = = 1")
        } throws: { error in
            "\(error)" == "line 3, column 13: '=' stands where a value or the name of a column was expected"
        }
    }

    // MARK: What is read

    private func condition(_ text: String) throws -> SQLExpression.Kind? {
        guard case .select(let select) = try SQLParser.statement("SELECT * FROM t WHERE \(text)") else { return nil }
        return select.condition?.kind
    }

    @Test func andBindsTighterThanOrAndNotTighterThanAnd() throws {
        guard case .or(let parts) = try condition("a OR NOT b AND c OR d") else { return #expect(Bool(false)) }
        #expect(parts.count == 3)
        guard case .and(let inner) = parts[1].kind, case .not = inner[0].kind else { return #expect(Bool(false)) }
        #expect(inner.count == 2)
    }

    @Test func betweenTakesItsOwnAnd() throws {
        guard case .and(let parts) = try condition("a BETWEEN 1 AND 2 AND b") else { return #expect(Bool(false)) }
        guard parts.count == 2, case .between(_, _, _, isNegated: false) = parts[0].kind else {
            return #expect(Bool(false))
        }
    }

    @Test func timesBindsTighterThanPlusAndBothGoFromLeftToRight() throws {
        guard case .compare(.equal, let left, _) = try condition("a - b - c * d = 1"),
            case .arithmetic(.subtract, let first, let last) = left.kind,
            case .arithmetic(.subtract, _, _) = first.kind, case .arithmetic(.multiply, _, _) = last.kind
        else { return #expect(Bool(false)) }
    }

    @Test func namesKeepTheirCaseAndKeywordsHaveNone() throws {
        guard case .select(let select) = try SQLParser.statement("sElEcT Name fRoM Player wHeRe Name = 'X'"),
            case .expression(let item, alias: nil) = select.items[0], case .name(let parts) = item.kind
        else { return #expect(Bool(false)) }
        #expect(parts.map(\.text) == ["Name"] && select.sources[0].table.text == "Player")
    }

    @Test func literalsAreKeptAsWritten() throws {
        guard
            case .isIn(_, let values, _) = try condition("a IN (-1.5e3, +7, 0xAb, X'00', 'it''s', true, null, :sender)")
        else { return #expect(Bool(false)) }
        #expect(
            values.map(\.kind) == [
                .literal(.number("-1.5e3")), .literal(.number("7")), .literal(.hex("Ab")), .literal(.hex("00")),
                .literal(.string("it's")), .literal(.bool(true)), .literal(.null), .parameter("sender"),
            ])
    }

    @Test func rangesCoverWhatWasWritten() throws {
        let text = "SELECT * FROM t WHERE alpha = 1 AND (beta.gamma > 'x')"
        guard case .select(let select) = try SQLParser.statement(text), let condition = select.condition,
            case .and(let parts) = condition.kind
        else { return #expect(Bool(false)) }
        let source = try SQLText(text)
        #expect(source[condition.range] == "alpha = 1 AND (beta.gamma > 'x')")
        #expect(parts.map { source[$0.range] } == ["alpha = 1", "(beta.gamma > 'x')"])
        #expect(source[select.range] == text)
    }

    // MARK: Limits

    @Test func longChainsAreReadAndDeepOnesRefused() throws {
        _ = try SQLParser.statement(
            "SELECT * FROM t WHERE " + Array(repeating: "x = 1", count: SQLParser.depthLimit).joined(separator: " OR "))
        let nested = { (depth: Int) in
            "SELECT * FROM t WHERE " + String(repeating: "(", count: depth) + "x" + String(repeating: ")", count: depth)
        }
        _ = try SQLParser.statement(nested(SQLParser.nestingLimit))
        let hostile = [
            nested(SQLParser.nestingLimit + 1), nested(20_000),
            "SELECT * FROM t WHERE " + String(repeating: "NOT ", count: 10_000) + "x",
            "SELECT * FROM t WHERE " + Array(repeating: "x", count: 20_000).joined(separator: "+"),
            "SELECT * FROM t WHERE " + Array(repeating: "x", count: 20_000).joined(separator: "="),
            "SELECT * FROM t WHERE x IN (" + Array(repeating: "1", count: 20_000).joined(separator: ",") + ")",
            "SELECT * FROM t" + String(repeating: " JOIN t", count: 5_000),
            "SELECT '" + String(repeating: "x", count: SQLText.byteLimit) + "'",
        ]
        for text in hostile {
            #expect { _ = try SQLParser.statement(text) } throws: { ($0 as? SQLError)?.code == .tooLarge }
        }
    }
}
