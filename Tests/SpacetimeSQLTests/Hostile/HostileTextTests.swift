import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

/// Texts that nobody should send: each is refused or answered, and nothing else happens.
@Suite struct HostileTextTests {
    /// How many random texts there are to be.
    private static let wanted = environment("SPACETIME_HOSTILE_TEXTS") ?? 3_000

    private static let languages: [SQLLanguage] = [
        .adHoc, .oneOff, .subscription, .originalAdHoc, .originalOneOff, .originalSubscription,
    ]

    /// What is entered for a text that is bound.
    private final class Found {}

    /// Binds, and runs what is bound. Returns how often the text was bound.
    private static func attempt(_ text: String, _ fixture: DatastoreFixture, _ catalog: SQLCatalog) -> Int {
        var bound = 0
        for language in languages {
            do throws(SQLError) {
                let template = try SQLTemplate(text)
                let statement = try SQLBinder.statement(
                    text, in: catalog, language: language, isOwner: true, template: template)
                bound += 1
                guard case .select(let select) = statement else { continue }
                let lifted = select.literalValues(of: template) ?? []
                let values = select.query.parameters.indices.map { position -> [UInt8] in
                    let given = lifted.indices.contains(position) ? lifted[position] : nil
                    // Any bytes: those that are no value are refused.
                    return given ?? UInt64(1).bsatn()
                }
                var table = SQLTextTable()
                table.enter(text, select, template, Found())
                if table.find(text) != nil { #expect(table.foundValues == lifted, "\(text)") }
                run(select.query, values, fixture)
            } catch {
                #expect(error.range.start <= error.range.end && error.range.end <= text.utf8.count)
                #expect(!error.reason.isEmpty && error.line > 0 && error.column > 0)
            }
        }
        return bound
    }

    /// Plans, and runs until more was done than anybody would wait for.
    private static func run(_ query: BoundQuery, _ values: [[UInt8]], _ fixture: DatastoreFixture) {
        _ = try? fixture.planner.livePlan(query, fixture.datastore)
        let plan = fixture.planner.plan(query, fixture.datastore)
        let budget = QueryBudget(rowsExamined: 10_000, rowsProduced: 1_000, bytesProduced: 1 << 20)
        guard let rows = try? fixture.run(plan, values, budget: budget) else { return }
        #expect(rows.count <= 1_000)
    }

    @Test func anyTextIsRefusedOrAnswered() throws {
        let base = freshSeed()
        var (count, bound) = (0, 0)
        var seed = base
        while count < Self.wanted {
            var random = RandomValues(seed: seed)
            let fixture = try DatastoreFixture(&random, transactions: 10)
            let model = fixture.model
            let catalog = SQLCatalog(zip(fixture.ids, model.schema.tables).map { SQLCatalog.Table($0, $1) })
            var queries = RandomQueries(model, RandomQueries.Features.all.subtracting(.wordless))
            var texts: [String] = []
            for _ in 0..<10 { if let text = queries.next(&random).sql(model.schema.tables) { texts.append(text) } }
            for _ in 0..<100 {
                let text = MutatedText.next(texts, &random)
                bound += Self.attempt(text, fixture, catalog)
                count += 1
            }
            seed &+= 1
        }
        print("\(count) texts, bound \(bound) times")
        #expect(bound * 20 > count)
    }

    /// Shapes that make recursion deep, lists long, or work more than the text is long. Time far out of proportion to the text
    /// passes the limit.
    @Test(.timeLimit(.minutes(10)), arguments: [10, 100, 1_000, 20_000])
    func largeShapesAreRefusedOrAnswered(_ size: Int) throws {
        var random = RandomValues(seed: 1)
        let fixture = try DatastoreFixture(&random, tables: 1, transactions: 10)
        let catalog = SQLCatalog([SQLCatalog.Table(fixture.ids[0], fixture.model.schema.tables[0])])
        func many(_ text: String, _ separator: String = "") -> String {
            Array(repeating: text, count: size).joined(separator: separator)
        }
        let id = "\"id\" IS NOT NULL"
        let shapes = [
            many("("), many(")"), "SELECT * FROM t0 WHERE " + many("(") + id + many(")"),
            "SELECT * FROM t0 WHERE " + many("NOT ") + id, "SELECT * FROM t0 WHERE " + many(id, " AND "),
            "SELECT * FROM t0 WHERE " + many(id, " OR "), "SELECT * FROM t0 WHERE " + many(id, " OR NOT "),
            "SELECT * FROM t0 WHERE " + many("(\(id) OR ") + id + many(")"),
            "SELECT * FROM t0 WHERE " + many("(\(id) AND (\(id) OR ") + id + many("))"),
            "SELECT * FROM t0 WHERE id IN (" + many("1", ", ") + ")",
            "SELECT * FROM t0 WHERE id = " + many("1", " + "), "SELECT * FROM t0 WHERE " + many("id", " = "),
            "SELECT * FROM t0 WHERE id = " + many("-") + "1", "SELECT " + many("id", ", ") + " FROM t0",
            "SELECT " + many("\"") + " FROM t0", "SELECT * FROM t0 WHERE id = '" + many("'"),
            "SELECT * FROM t0 WHERE id = " + many("9"), "SELECT * FROM t0 WHERE id = 1e" + many("9"),
            "SELECT * FROM t0 WHERE id = 0x" + many("f"), "SELECT * FROM t0 WHERE id = 0." + many("0") + "1",
            "SELECT * FROM t0 AS a0 "
                + (1...size).map { "JOIN t0 AS a\($0) ON a0.id = a\($0).id" }.joined(separator: " "),
            "SELECT a.* FROM t0 a " + many("LEFT JOIN t0 b ON TRUE "), many("/*"), many("/*") + many("*/"),
            "SELECT * FROM " + many("a", "."), "SELECT " + many("a", ".") + " FROM t0",
            "SELECT COUNT(" + many("COUNT(") + "*" + many(")") + ") FROM t0",
            "SELECT * FROM t0 ORDER BY " + many("id", ", "), "SELECT id FROM t0 GROUP BY " + many("id", ", "),
            "INSERT INTO t0 VALUES " + many("(1, 2, 3)", ", "), "UPDATE t0 SET " + many("id = 1", ", "),
            "SELECT * FROM t0 WHERE id BETWEEN " + many("1 AND id BETWEEN ") + "1 AND 2",
            "SELECT * FROM t0 WHERE \"" + many("é") + "\" = 1", many("SELECT "), many(";"), many("\u{0}"),
        ]
        for shape in shapes {
            _ = Self.attempt(shape, fixture, catalog)
        }
        // What a stranger may send, the limits let through: a list of some thousand values is a query.
        if size == 1_000 {
            #expect(Self.attempt("SELECT * FROM t0 WHERE " + many(id, " OR "), fixture, catalog) > 0)
        }
    }
}

/// Texts made of other texts.
enum MutatedText {
    private static let words = [
        "SELECT", "*", "FROM", "WHERE", "AND", "OR", "NOT", "(", ")", ",", "=", "<>", "<=", "IN", "BETWEEN", "LIKE",
        "IS",
        "NULL", "JOIN", "LEFT JOIN", "ON", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "OFFSET", "DISTINCT", "COUNT(*)",
        "SUM(\"id\")", "AVG(\"ref\")", "AS", "\"t0\"", "\"t1\"", "t0", "\"id\"", "\"a\".\"ref\"", "\"b\".\"id\"", "0",
        "-1",
        "1e400", "1e-400", "18446744073709551616", "'a'", "'", "\"", "''", "X'0'", "0x", ":p0", ":sender", "TRUE", ";",
        "--",
        "/*", "%", "+", "/ 0", "* 9223372036854775807", "INSERT INTO t0 VALUES", "UPDATE t0 SET id = 1",
        "DELETE FROM t0",
        "EXPLAIN", "ANALYZE", "SET row_limit = 1", "SHOW row_limit", "RETURNING *", "\u{0}", "é", "\u{301}", "👩‍👩‍👧",
        "\u{FEFF}",
    ]

    static func next(_ texts: [String], _ random: inout RandomValues) -> String {
        if random.oneIn(12) || texts.isEmpty {
            // Nothing but words.
            return (0..<random.below(30)).map { _ in random.one(of: words) }.joined(separator: " ")
        }
        if random.oneIn(12) { return random.text() + random.text() + random.text() }
        var scalars = Array(random.one(of: texts).unicodeScalars)
        if random.oneIn(3) {
            // Parts of two texts.
            let other = Array(random.one(of: texts).unicodeScalars)
            scalars = Array(
                scalars.prefix(random.below(scalars.count + 1)) + other.suffix(random.below(other.count + 1)))
        }
        for _ in 0..<random.below(4) where !scalars.isEmpty {
            let place = random.below(scalars.count)
            switch random.below(5) {
            case 0: scalars.remove(at: place)
            case 1: scalars.insert(contentsOf: Array(" \(random.one(of: words)) ".unicodeScalars), at: place)
            case 2: scalars.swapAt(place, random.below(scalars.count))
            case 3: scalars.removeSubrange(place..<min(scalars.count, place + random.below(12)))
            default:
                let end = min(scalars.count, place + random.below(20))
                scalars.insert(contentsOf: scalars[place..<end], at: random.below(scalars.count))
            }
        }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }
}
