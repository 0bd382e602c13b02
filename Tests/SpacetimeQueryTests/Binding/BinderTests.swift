import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeQuery

/// What statements become.
@Suite struct BinderTests {
    private typealias Catalog = ExampleCatalog

    private func conditions(_ text: String, from source: String = "player") throws -> [Expression] {
        try Catalog.select("SELECT \(source.split(separator: " ")[0]).* FROM \(source) WHERE \(text)").query.conditions
    }

    private func predicate(_ text: String, from source: String = "player") throws -> RowPredicate? {
        let conditions = try conditions(text, from: source)
        guard conditions.count == 1, case .rows(0, let predicate)? = conditions.first else { return nil }
        return predicate
    }

    private func u32(_ value: UInt32) -> [UInt8] { value.bsatn() }
    private let level = FieldPath(4)
    private let tag = FieldPath(10, [.payload(0)])

    // MARK: Conditions on rows

    @Test func conditionsOnOneTableAreOnePredicate() throws {
        let expected = RowPredicate.and([
            .compare(4, .greater, u32(3)), .compare(4, .less, u32(9)),
            .or(RowPredicate.compare(1, .equal, "a".bsatn()), .compare(3, .equal, [1])),
        ])
        #expect(try predicate("level > 3 AND 9 > level AND (name = 'a' OR online)") == expected)
        #expect(try predicate("level > 3 AND (level < 9) AND (name = 'a' OR online = TRUE)") == expected)
    }

    @Test func notIsPushedDownToComparisons() throws {
        #expect(try predicate("NOT level > 3") == .compare(4, .lessOrEqual, u32(3)))
        #expect(
            try predicate("NOT (level > 3 AND online)")
                == .or(.compare(4, .lessOrEqual, u32(3)), .compare(3, .equal, [0])))
        #expect(try predicate("NOT NOT online") == .compare(3, .equal, [1]))
        #expect(
            try predicate("NOT (level NOT BETWEEN 1 AND 2)")
                == .and(.compare(4, .greaterOrEqual, u32(1)), .compare(4, .lessOrEqual, u32(2))))
    }

    @Test func whatIsMissingIsNeitherEqualNorUnequal() throws {
        let isThere = RowPredicate(.isPresent(tag))
        #expect(try predicate("tag = 5") == RowPredicate(.compare(tag, .equal, u32(5))))
        #expect(try predicate("tag <> 5") == .and(isThere, RowPredicate(.compare(tag, .notEqual, u32(5)))))
        #expect(try predicate("NOT tag = 5") == .and(isThere, RowPredicate(.compare(tag, .notEqual, u32(5)))))
        #expect(try predicate("NOT tag < 5") == RowPredicate(.compare(tag, .greaterOrEqual, u32(5))))
        let list = ValueList(count: 2, bytes: u32(1) + u32(2))
        #expect(try predicate("tag NOT IN (1, 2, 1)") == .and(isThere, .not(RowPredicate(.isIn(tag, list)))))
        #expect(try predicate("NOT (tag NOT IN (1, 2))") == RowPredicate(.isIn(tag, list)))
        #expect(
            try predicate("tag <> level")
                == .and(isThere, RowPredicate(.compareFields(tag, .notEqual, level))))
        #expect(
            try predicate("level <> tag")
                == .and(RowPredicate(.compareFields(level, .notEqual, tag)), isThere))
    }

    @Test func nullTestsAskForPresence() throws {
        #expect(try predicate("tag IS NOT NULL") == RowPredicate(.isPresent(tag)))
        #expect(try predicate("tag IS NULL") == .not(RowPredicate(.isPresent(tag))))
        #expect(try predicate("NOT tag IS NULL") == RowPredicate(.isPresent(tag)))
        // A column that always has a value.
        #expect(try conditions("level IS NOT NULL").isEmpty)
        #expect(try conditions("level IS NULL") == [.constant(false)])
    }

    @Test func patternsArePrefixesOrTexts() throws {
        let name = FieldPath(1)
        #expect(try predicate("name LIKE 'ab%'") == RowPredicate(.hasPrefix(name, Array("ab".utf8))))
        #expect(try predicate("name LIKE 'a\\_b\\%%%'") == RowPredicate(.hasPrefix(name, Array("a_b%".utf8))))
        #expect(try predicate("name LIKE 'ab'") == .compare(1, .equal, "ab".bsatn()))
        #expect(try predicate("name NOT LIKE 'ab'") == .compare(1, .notEqual, "ab".bsatn()))
        #expect(try predicate("name NOT LIKE 'ab%'") == .not(RowPredicate(.hasPrefix(name, Array("ab".utf8)))))
        #expect(try conditions("name LIKE '%'").isEmpty)
        for pattern in ["a_", "%a", "a%b", "a\\"] {
            #expect(throws: SQLError.self) { try self.conditions("name LIKE '\(pattern)'") }
        }
    }

    @Test func fieldsOfStructsAndCasesArePaths() throws {
        let x = FieldPath(1, [.field(0)])
        #expect(
            try predicate("position.x > 1.5", from: "entity")
                == RowPredicate(.compare(x, .greater, Float(1.5).bsatn())))
        #expect(
            try predicate("entity.position.x > 1.5", from: "entity")
                == RowPredicate(.compare(x, .greater, Float(1.5).bsatn())))
        #expect(
            try predicate("shape.circle.radius = 2", from: "entity")
                == RowPredicate(.compare(FieldPath(2, [.payload(0), .field(0)]), .equal, u32(2))))
        #expect(
            try predicate("shape.nothing IS NOT NULL", from: "entity")
                == RowPredicate(.isPresent(FieldPath(2, [.payload(2)]))))
        #expect(
            try predicate("nested.y < 0", from: "entity")
                == RowPredicate(.compare(FieldPath(6, [.payload(0), .field(1)]), .less, Float(0).bsatn())))
        #expect(try predicate("mood = 'angry'", from: "entity") == .compare(3, .equal, [1]))
        #expect(try predicate("age > '1.5'", from: "entity") == .compare(4, .greater, Int64(1_500_000).bsatn()))
        for text in [
            "mood < 'angry'", "mood = 'cross'", "position = 1", "list = 1", "position.z = 1", "shape.square = 1",
            "due = '5.0'", "owner.x = 1",
        ] {
            #expect(throws: SQLError.self, "\(text)") { try self.conditions(text, from: "entity") }
        }
    }

    @Test func constantsAreWorkedOut() throws {
        #expect(try conditions("TRUE AND level = 1") == conditions("level = 1"))
        #expect(try conditions("TRUE OR level = 1").isEmpty)
        #expect(try conditions("FALSE = TRUE") == [.constant(false)])
        #expect(try conditions("TRUE = TRUE").isEmpty)
        #expect(try predicate("(level = 1) = FALSE") == .compare(4, .notEqual, u32(1)))
        #expect(try predicate("FALSE <> (level = 1)") == .compare(4, .equal, u32(1)))
    }

    @Test func aComparisonIsAValueToo() throws {
        let conditions = try conditions("(level = 5) = online")
        let online = QueryField(slot: 0, path: FieldPath(3), type: .bool)
        let level = QueryField(slot: 0, path: level, type: .u32)
        #expect(
            conditions == [
                .compare(.equal, .compare(.equal, .field(level), .literal(u32(5), .u32)), .field(online))
            ])
    }

    @Test func arithmeticStaysAnExpression() throws {
        let level = Expression.field(QueryField(slot: 0, path: level, type: .u32))
        #expect(
            try conditions("1 + level * 2 = 7 AND level = 3") == [
                .rows(slot: 0, .compare(4, .equal, u32(3))),
                .compare(
                    .equal,
                    .arithmetic(
                        .add, .literal(u32(1), .u32), .arithmetic(.multiply, level, .literal(u32(2), .u32))),
                    .literal(u32(7), .u32)),
            ])
    }

    @Test func hexadecimalDigitsAreReadAsSuch() throws {
        #expect(try predicate("level = 0xFF") == .compare(4, .equal, u32(255)))
    }

    // MARK: Joins

    @Test func conditionsOfJoinsGoToTheirTables() throws {
        let query = try Catalog.select(
            "SELECT i.* FROM player p JOIN item i ON p.id = i.player_id WHERE p.level = 1 AND i.kind = 2 AND p.online"
        ).query
        let id = QueryField(slot: 0, path: FieldPath(0), type: .u64)
        let player = QueryField(slot: 1, path: FieldPath(1), type: .u64)
        #expect(query.tables == [BoundQuery.Table(Catalog.player), BoundQuery.Table(Catalog.item)])
        #expect(query.output == .rows(slot: 1))
        #expect(
            query.conditions == [
                .rows(slot: 0, .and(.compare(4, .equal, u32(1)), .compare(3, .equal, [1]))),
                .rows(slot: 1, .compare(2, .equal, u32(2))),
                .compare(.equal, .field(id), .field(player)),
            ])
    }

    @Test func namesWithoutTablesAreFoundWhereTheyAreClear() throws {
        let qualified = try Catalog.select(
            "SELECT p.name, i.kind FROM player p JOIN item i ON p.id = i.player_id WHERE p.level = 1")
        let plain = try Catalog.select(
            "SELECT name, kind FROM player p JOIN item i ON p.id = player_id WHERE level = 1")
        #expect(qualified == plain)
        #expect { try Catalog.bind("SELECT name FROM player p JOIN item i ON id = player_id") } throws: {
            "\($0)".contains("'p.id', 'i.id'")
        }
    }

    @Test func outerJoinsKeepTheirConditions() throws {
        let query = try Catalog.select(
            """
            SELECT p.name, i.kind FROM player p LEFT JOIN item i ON p.id = i.player_id AND i.kind > 3
            WHERE i.id IS NULL AND p.level = 1
            """
        ).query
        let id = QueryField(slot: 0, path: FieldPath(0), type: .u64)
        let player = QueryField(slot: 1, path: FieldPath(1), type: .u64)
        #expect(
            query.tables[1].outerCondition == [
                .rows(slot: 1, .compare(2, .greater, u32(3))), .compare(.equal, .field(id), .field(player)),
            ])
        #expect(
            query.conditions == [
                .rows(slot: 0, .compare(4, .equal, u32(1))),
                .not(.isPresent(.field(QueryField(slot: 1, path: FieldPath(0), type: .u64, isNullable: true)))),
            ])
    }

    @Test func rowsThatMayBeMissingAreOptions() throws {
        let select = try Catalog.select("SELECT p.* FROM item i LEFT JOIN player p ON p.id = i.player_id")
        #expect(select.columns.elements[0].algebraicType == .option(.u64))
        // One option, not two.
        #expect(select.columns.elements[10].algebraicType == .option(.u32))
        let inner = try Catalog.select("SELECT p.tag FROM player p")
        #expect(inner.columns.elements[0].algebraicType == .option(.u32))
    }

    // MARK: Groups and order

    @Test func groupsHaveKeysAndResults() throws {
        let select = try Catalog.select(
            """
            SELECT level, COUNT(*) AS n, SUM(tag) + 1 AS s FROM player GROUP BY level HAVING COUNT(*) > 2 AND level < 9
            ORDER BY n DESC, level LIMIT 3 OFFSET 1
            """)
        let tag = Expression.field(QueryField(slot: 0, path: tag, type: .u32, isNullable: true))
        let count = Expression.aggregate(0, .u64, isNullable: false)
        let key = Expression.key(0, .u32, isNullable: false)
        #expect(
            select.query.grouping
                == Grouping(
                    keys: [.field(QueryField(slot: 0, path: level, type: .u32))],
                    aggregates: [QueryAggregate(.count), QueryAggregate(.sum, of: tag)],
                    conditions: [
                        .compare(.greater, count, .literal(UInt64(2).bsatn(), .u64)),
                        .compare(.less, key, .literal(u32(9), .u32)),
                    ]))
        #expect(select.query.order == [OrderTerm(count, isDescending: true), OrderTerm(key)])
        #expect(select.query.limit == .literal(UInt64(3).bsatn(), .u64))
        #expect(select.columns == ProductType([("level", .u32), ("n", .u64), ("s", .option(.u128))]))
    }

    @Test(arguments: [
        ("COUNT(*)", AlgebraicType.u64), ("COUNT(tag)", .u64), ("SUM(level)", .option(.u128)),
        ("SUM(score)", .option(.i256)), ("SUM(ratio)", .option(.f64)), ("AVG(level)", .option(.f64)),
        ("MIN(name)", .option(.string)), ("MAX(joined)", .option(.timestamp)), ("COUNT(DISTINCT level)", .u64),
    ])
    func resultsHaveTypes(_ aggregate: String, _ type: AlgebraicType) throws {
        let select = try Catalog.select("SELECT \(aggregate) AS a FROM player")
        #expect(select.columns.elements.map(\.algebraicType) == [type])
    }

    @Test func columnsHaveTheNamesThatWereWritten() throws {
        let select = try Catalog.select("SELECT OldColumn, id, id + 1, 'x' FROM OldName")
        #expect(select.columns.elements.map(\.name) == ["OldColumn", "id", "column_3", "column_4"])
        let rows = try Catalog.select("SELECT * FROM OldName WHERE old_column = 'a'")
        #expect(rows.columns.elements.map(\.name) == ["id", "old_column"])
        let aggregates = try Catalog.select("SELECT COUNT(*), SUM(level), MIN(name) FROM player")
        #expect(aggregates.columns.elements.map(\.name) == ["count", "sum", "min"])
    }

    @Test func constantsNeedNoTable() throws {
        let select = try Catalog.select("SELECT 1 AS one, 'a' AS a, 1.5 AS f, X'00' AS b, TRUE AS t, 1 + 1 AS two")
        #expect(select.query.tables.isEmpty)
        #expect(
            select.columns
                == ProductType([
                    ("one", .i64), ("a", .string), ("f", .f64), ("b", .bytes), ("t", .bool), ("two", .i64),
                ]))
    }

    @Test func dotsMayBelongToTheTable() throws {
        for text in [
            "SELECT lib.items.* FROM lib.items WHERE lib.items.id = 1", "SELECT * FROM lib.items WHERE id = 1",
            "SELECT * FROM \"lib\".\"items\" WHERE \"lib\".\"items\".\"id\" = 1",
        ] {
            #expect(try Catalog.select(text, .originalAdHoc).query.conditions.count == 1)
        }
    }

    @Test func tokensOfTextsHaveTheirPlace() throws {
        let template = try SQLTemplate("SELECT * FROM player WHERE name = 'it''s' AND level = -5")
        #expect(template.ranges.map { template.text[$0] } == ["'it''s'", "-5"])
        #expect(template.literals == [.string("it's"), .number("-5")])
    }

    // MARK: Refused beside the examples

    static let refused: [(String, SQLError.Code, String)] = [
        ("SELECT id FROM player GROUP BY level", .name, "GROUP BY"),
        ("SELECT * FROM player GROUP BY level", .name, "list the columns"),
        ("SELECT level FROM player WHERE COUNT(*) > 1", .unsupported, "HAVING"),
        ("SELECT SUM(COUNT(*)) AS n FROM player", .unsupported, "another aggregate"),
        ("SELECT SUM(name) AS n FROM player", .type, "String"),
        ("SELECT MIN(position) AS n FROM entity", .type, "MIN"),
        ("SELECT COUNT(*) FROM entity GROUP BY list", .type, "grouped"),
        ("SELECT level > 1 AS a FROM player", .unsupported, "condition as a column"),
        ("SELECT DISTINCT name FROM player ORDER BY level", .name, "DISTINCT"),
        ("SELECT name FROM player ORDER BY 2", .name, "no column 2"),
        ("SELECT * FROM entity ORDER BY list", .type, "no order"),
        ("SELECT * FROM player LIMIT 1.5", .type, "'1.5'"), ("SELECT * FROM player LIMIT 1e30", .type, "UInt64"),
        ("SELECT * FROM player LIMIT 'a'", .unsupported, "a number"),
        ("SELECT * FROM player LIMIT level", .unsupported, "a number"),
        ("SELECT * FROM player WHERE tag = NULL", .unsupported, "IS NULL"),
        ("SELECT * FROM player WHERE level IN (1, NULL)", .unsupported, "IS NULL"),
        ("SELECT * FROM player WHERE level = 'abc'", .type, "'abc' cannot be read as type UInt32"),
        ("SELECT * FROM player WHERE level", .type, "expected type Bool, but 'level' is of type UInt32"),
        ("SELECT * FROM player WHERE level = id", .type, "expected type UInt32, but 'id' is of type UInt64"),
        ("SELECT * FROM player WHERE online = 'true'", .type, "Bool"), ("SELECT * FROM player WHERE 5", .type, "Bool"),
        ("SELECT * FROM player WHERE name + 1 = 2", .type, "for numbers"),
        ("SELECT * FROM player WHERE nmae = 'x'", .name, "did you mean 'name'"),
        ("SELECT * FROM player p WHERE q.name = 'x'", .name, "did you mean"),
        ("SELECT * FROM player p WHERE player.name = 'x'", .name, "called 'p'"),
        ("SELECT p.* FROM player p JOIN item i ON p.id = j.id JOIN item j ON i.id = j.id", .name, "not in scope"),
        ("SELECT * FROM plaxer", .noSuchTable, "did you mean 'player'"), ("SELECT *", .syntax, "FROM"),
        ("SELECT * FROM player WHERE :x = :y", .type, "':y'"),
        ("INSERT INTO item (id, id, kind) VALUES (1, 2, 3)", .name, "twice"),
        ("INSERT INTO item (id, foo, kind) VALUES (1, 2, 3)", .name, "'foo'"),
        ("INSERT INTO item (id, player_id, kind) VALUES (NULL, 2, 3)", .type, "NULL is for options"),
        ("INSERT INTO entity (id) VALUES (1)", .count, "'position'"),
        ("UPDATE item SET knd = 1", .name, "did you mean 'kind'"),
        ("UPDATE item SET kind = 1, kind = 2", .name, "twice"),
        ("UPDATE item SET kind = kind > 1", .unsupported, "condition"),
        ("UPDATE item SET kind = player_id", .type, "UInt64"),
        ("UPDATE OldName SET old_column = 'x' WHERE new_name.id = 1", .name, "called 'OldName'"),
        ("DELETE FROM new_name WHERE OldName.id = 1", .name, "called 'new_name'"),
        ("UPDATE top SET kind = 1", .unsupported, "view"), ("DELETE FROM top", .unsupported, "view"),
        ("SET row_limit = 0x10", .type, "number of rows"), ("SET row_limit = -1", .type, "number of rows"),
        ("SELECT * FROM player WHERE joined = '2025-02-10 17:45:30'", .type, "Timestamp"),
    ]

    @Test(arguments: refused)
    func saysWhatIsWrong(_ text: String, _ code: SQLError.Code, _ says: String) {
        do throws(SQLError) {
            _ = try Catalog.bind(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.code == code && error.reason.contains(says), "\(error)")
        }
    }

    @Test func errorsNameThePlace() {
        #expect { try Catalog.bind("SELECT *\n  FROM player\n  WHERE level = 1 AND nmae = 'x'") } throws: {
            "\($0)".hasPrefix("line 3, column 23: 'nmae' is not in scope: 'player' has no such column")
        }
    }

    @Test func privateNamesAreNotTold() {
        #expect { try Catalog.bind("SELECT * FROM secert", isOwner: false) } throws: { !"\($0)".contains("'secret'") }
        #expect { try Catalog.bind("SELECT * FROM secert", isOwner: true) } throws: { "\($0)".contains("'secret'") }
    }

    // MARK: Changes

    @Test func insertedRowsAreInTheOrderOfTheTable() throws {
        guard case .insert(let insert) = try Catalog.bind("INSERT INTO item (kind, id, player_id) VALUES (7, 1, 2)")
        else {
            return
        }
        #expect(
            insert.rows == [
                [
                    .literal(UInt64(1).bsatn(), .u64), .literal(UInt64(2).bsatn(), .u64), .literal(u32(7), .u32),
                ]
            ])
    }

    @Test func omittedColumnsHaveDefaults() throws {
        guard
            case .insert(let insert) = try Catalog.bind("INSERT INTO settings (key) VALUES ('a') RETURNING number")
        else { return }
        #expect(
            insert.rows == [
                [
                    .literal("a".bsatn(), .string), .literal(u32(7), .u32), .literal([1], .option(.string)),
                ]
            ])
        #expect(insert.returning?.columns == ProductType([("number", .u32)]))
    }

    @Test func anyTextualValueCanBeWritten() throws {
        guard
            case .update(let update) = try Catalog.bind(
                """
                UPDATE player SET joined = '2025-02-10T15:45:30Z', tag = NULL, owner = :sender, level = level + 1,
                uid = '01234567-89ab-cdef-0123-456789abcdef', cid = 0x0123456789abcdef0123456789abcdef WHERE tag = 3
                """)
        else { return }
        #expect(update.assignments.map(\.column) == [2, 4, 8, 10, 11, 12])
        #expect(update.assignments[0].value == .parameter(0, .identity))
        #expect(update.assignments[3].value == .literal([1], .option(.u32)))
        #expect(update.query.parameters == [QueryParameter(name: "sender", type: .identity)])
    }

    @Test func valuesOfOptionsAreWrittenPlainly() throws {
        guard case .update(let update) = try Catalog.bind("UPDATE player SET tag = 5 WHERE id = 1") else { return }
        #expect(update.assignments[0].value == .literal([0] + u32(5), .option(.u32)))
        guard case .update(let copy) = try Catalog.bind("UPDATE player SET tag = level") else { return }
        #expect(copy.assignments[0].value.type == .u32)
    }

    // MARK: Parameters and templates

    @Test func aParameterIsThereOnceForAType() throws {
        let query = try Catalog.select(
            "SELECT * FROM player WHERE level = :a AND level < :a AND id = :a AND owner = :sender AND blob = :sender"
        ).query
        #expect(
            query.parameters == [
                QueryParameter(name: "a", type: .u32), QueryParameter(name: "a", type: .u64),
                QueryParameter(name: "sender", type: .identity), QueryParameter(name: "sender", type: .bytes),
            ])
        #expect(query.conditions.count == 1)
    }

    @Test func textsThatDifferInLiteralsShareATemplate() throws {
        let texts = [
            "SELECT * FROM player WHERE level = 5 AND name = 'a' AND owner = :sender LIMIT 3",
            "SELECT  * FROM player WHERE level=77 AND name = 'b''c' AND owner = :sender LIMIT 10 -- more",
        ]
        let templates = try texts.map { try SQLTemplate($0) }
        #expect(templates[0].key == templates[1].key)
        let selects = try texts.map { try Catalog.select($0, lifting: true) }
        #expect(selects[0] == selects[1] && selects[0].isTemplate)
        #expect(selects[0].query.parameters.map(\.type) == [.u32, .string, .identity, .u64])
        let values = selects[0].literalValues(of: templates[1])
        #expect(values == [u32(77), "b'c".bsatn(), nil, UInt64(10).bsatn()])
        // A text that has no number there is bound by itself, to say what is wrong.
        let wrong = try SQLTemplate(texts[0].replacing("5", with: "5.5"))
        #expect(wrong.key == templates[0].key && selects[0].literalValues(of: wrong) == nil)
    }

    @Test func shapesKeepTheirLiterals() throws {
        func key(_ text: String) throws -> [UInt8] { try SQLTemplate("SELECT * FROM player WHERE " + text).key }
        #expect(try key("level IN (1, 2)") != key("level IN (1, 3)"))
        #expect(try key("level = 1 OR level = 2") != key("level = 1 OR level = 3"))
        #expect(try key("name LIKE 'a%'") != key("name LIKE 'b%'"))
        #expect(try key("level = -5") != key("level = 5"))
        #expect(try key("level = '5'") != key("level = 5"))
        #expect(try key("level IN (1, 2) AND id = 3") == key("level IN (1, 2) AND id = 4"))
        #expect(try SQLTemplate("SELECT 1 AS a FROM player").key != SQLTemplate("SELECT 2 AS a FROM player").key)
        #expect(try SQLTemplate("SELECT name FROM player ORDER BY 1").literals.isEmpty)
        #expect(try SQLTemplate("UPDATE player SET level = 1 WHERE id = 2").literals.isEmpty)
    }

    @Test func liftedQueriesAreTheSameQueriesWithOtherValues() throws {
        // Each accepted example, bound both ways: with its values put in, the lifted one is the plain one.
        for example in ExampleTests.examples where example.original == nil {
            guard case .select(let plain)? = try? Catalog.bind(example.text) else { continue }
            let template = try SQLTemplate(example.text)
            let lifted = try Catalog.select(example.text, lifting: true)
            #expect(lifted.isTemplate, "\(example.text)")
            let values = try #require(lifted.literalValues(of: template))
            #expect(lifted.query.parameters.count == values.count && lifted.columns == plain.columns)
            for case .rows(let slot, let predicate) in lifted.query.conditions where !values.contains(nil) {
                let bound = try predicate.binding(values.map { $0 ?? [] }, table: "")
                #expect(plain.query.conditions.contains(.rows(slot: slot, bound)), "\(example.text)")
            }
        }
    }

    // MARK: Joins of subscriptions

    @Test(arguments: [
        // Through two tables, each by an index.
        (
            "SELECT g.* FROM player p JOIN item i ON i.player_id = p.id JOIN grid g ON g.id = i.id WHERE p.owner = :sender",
            true
        ),
        // A range around a row of the caller's own.
        ("SELECT g.* FROM player p JOIN grid g ON g.x >= p.score JOIN item i ON i.id = g.id", false),
        ("SELECT g.* FROM grid me JOIN grid g ON g.x > me.x WHERE me.id = 1", true),
        ("SELECT g.* FROM grid me JOIN grid g ON g.x = me.x AND g.z > me.z WHERE me.id = 1", true),
        // One row by its key, and all others.
        ("SELECT g.* FROM player me JOIN grid g WHERE me.name = 'a'", true),
        ("SELECT g.* FROM player me JOIN grid g WHERE me.level = 1", false),
        // The second column of an index alone.
        ("SELECT g.* FROM item i JOIN grid g ON g.z = 1 WHERE i.kind = 2", false),
        // Two event tables.
        ("SELECT a.* FROM pong a JOIN pong b ON a.id = b.id", false),
        ("SELECT a.* FROM pong a JOIN cell b ON a.id = b.id", true),
    ])
    func joinsOfSubscriptionsNeedIndexes(_ text: String, _ isAccepted: Bool) {
        do throws(SQLError) {
            _ = try Catalog.bind(text, .subscription)
            #expect(isAccepted, "\(text)")
        } catch {
            #expect(!isAccepted && (error.code == .index || error.code == .type), "\(error)")
        }
    }
}
