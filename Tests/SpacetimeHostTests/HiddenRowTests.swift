import SpacetimeEngine
import SpacetimeSATS
import Testing

@testable import SpacetimeHost

/// Rows that rules hide from a client are to it as if they were not there: they do not make its queries fail, and nothing tells how
/// many there are.
@Suite struct HiddenRowTests {
    private static let (a, b) = (Identity(number: 11), Identity(number: 12))

    private struct Answer {
        var rows: [[UInt8]] = []
        var lines: [String] { rows.map { (try? String(bsatn: $0)) ?? "" } }
    }

    private func ask(
        _ db: ScenarioDatabase, _ who: Identity, _ text: String, overPicture: Bool = false
    ) throws -> Answer {
        let request = Statements.Request(text, as: Caller(identity: who))
        var answer = Answer()
        let result =
            if overPicture {
                try db.core.statements.run(
                    request, over: PictureViews(try db.core.runner.snapshot(), db.core.runner),
                    at: try db.core.runner.lastOffset())
            } else {
                try db.core.statements.run(request)
            }
        result.rows.forEach { answer.rows.append(Array($0)) }
        return answer
    }

    // MARK: Arithmetic

    @Test func whatCannotBeComputedOfHiddenRowsFailsNobody() throws {
        for rules in [
            ["SELECT * FROM letter WHERE who = :sender"],
            // Not one condition on fields.
            ["SELECT * FROM letter WHERE level + id < 100 AND who = :sender"],
            ["SELECT * FROM letter WHERE who = :sender", "SELECT * FROM letter WHERE level + 1 = 100"],
            ["SELECT l.* FROM friends f JOIN letter l ON l.who = f.who WHERE f.who = :sender"],
        ] {
            let db = try ScenarioDatabase(
                "letter(id u64 unique, who identity index, level u64 index)", "private friends(who identity index)",
                rules: rules)
            try db.commit(
                .insert("letter", 1, Self.a, 5), .insert("letter", 2, Self.b, 3), .insert("friends", Self.a),
                .insert("friends", Self.b))
            let client = FakeSession(db.core, as: Caller(identity: Self.a))
            for (number, condition) in [
                "12 / (level - 3) > 1", "id = 9 OR 12 / (level - 3) > 1", "id < 9 AND 12 / (level - 3) > 1",
            ].enumerated() {
                let text = "SELECT * FROM letter WHERE \(condition)"
                for overPicture in [false, true] {
                    #expect(
                        try ask(db, Self.a, text, overPicture: overPicture).rows == [db.row("letter", 1, Self.a, 5)],
                        "\(rules): \(text)")
                }
                #expect(throws: DatabaseError.self) { try ask(db, Self.b, text) }
                try client.subscribe(UInt32(number), text)
            }
            try db.commit(.insert("letter", 3, Self.b, 3), .insert("letter", 4, Self.a, 4))
            for set in 0..<3 as Range<UInt32> {
                #expect(
                    client.rows(set) == [db.row("letter", 1, Self.a, 5), db.row("letter", 4, Self.a, 4)],
                    "\(rules): query \(set)")
            }
        }
    }

    /// Queries that differ in values share what can be shared, and not what ends them.
    @Test func aQueryIsNotEndedByRowsThatAreNotIts() throws {
        let db = try ScenarioDatabase("item(id u64 unique, level u64 index)", "part(of u64 index, weight u64)")
        try db.commit(.insert("item", 1, 5), .insert("part", 1, 7))
        let client = FakeSession(db.core)
        let texts = [
            "SELECT * FROM item WHERE id = 1 AND 12 / (level - 3) > 1",
            "SELECT * FROM item WHERE level <> 3 AND 12 / (level - 3) > 1",
            "SELECT SUM(12 / (level - 3)) AS s FROM item WHERE id < 4",
            "SELECT * FROM item WHERE id = 1 AND 12 / (level - 3) > 1 ORDER BY level LIMIT 2",
            "SELECT i.* FROM item i JOIN part p ON p.of = i.id WHERE i.id = 1 AND 12 / (p.weight - 3) > 1",
        ]
        for (number, text) in texts.enumerated() { try client.subscribe(UInt32(number), text) }
        let before = texts.indices.map { client.rows(UInt32($0)) }
        #expect(before.allSatisfy { $0.count == 1 })
        try db.commit(.insert("item", 7, 3), .insert("item", 8, 3), .insert("part", 7, 4))
        try db.commit(.delete("item", 7, 3))
        #expect(texts.indices.map { client.rows(UInt32($0)) } == before)
        #expect(!client.events.contains { if case .failed = $0 { true } else { false } })
        // And what is its ends it.
        try db.commit(.insert("item", 2, 3))
        _ = client.pull()
        #expect(client.events.count { if case .failed = $0 { true } else { false } } == 1)
    }

    // MARK: Numbers of rows

    @Test func explainingTellsOfNoRowsThatAreHidden() throws {
        let db = try ScenarioDatabase(
            "letter(id u64 unique, who identity index)", "doc(id u64 unique, folder u64 index)",
            "private grants(folder u64 index, who identity index)", "free(id u64 unique)",
            rules: [
                "SELECT * FROM letter WHERE who = :sender",
                "SELECT d.* FROM grants g JOIN doc d ON d.folder = g.folder WHERE g.who = :sender",
            ])
        for id in 0..<300 {
            try db.commit(
                .insert("letter", id, id == 7 ? Self.a : Self.b), .insert("doc", id, id % 5), .insert("free", id))
        }
        try db.commit(.insert("grants", 3, Self.a))
        for overPicture in [false, true] {
            func lines(_ who: Identity, _ text: String) throws -> String {
                try ask(db, who, text, overPicture: overPicture).lines.joined(separator: "\n")
            }
            for text in [
                "EXPLAIN SELECT * FROM letter", "EXPLAIN SELECT * FROM letter WHERE id BETWEEN 100 AND 105",
                "EXPLAIN ANALYZE SELECT COUNT(*) AS n FROM letter", "EXPLAIN ANALYZE SELECT * FROM letter WHERE id > 2",
                "EXPLAIN SELECT * FROM doc", "EXPLAIN ANALYZE SELECT * FROM doc WHERE folder = 1",
            ] {
                let plan = try lines(Self.a, text)
                #expect(!plan.contains("rows)") && !plan.contains("examined") && !plan.contains("300"), "\(plan)")
                #expect(try lines(db.core.owner.identity, text).contains(" row"))
            }
            // It is the plan that is run.
            #expect(try lines(Self.a, "EXPLAIN SELECT * FROM letter").contains("who"))
            #expect(try lines(Self.a, "EXPLAIN SELECT * FROM doc").contains("visible rows of 'doc'"))
            // Of what everybody sees, as ever.
            #expect(try lines(Self.a, "EXPLAIN ANALYZE SELECT * FROM free").contains("300 rows examined"))
            #expect(try lines(Self.a, "EXPLAIN SELECT * FROM letter WHERE id > :some").contains(":some"))
        }
    }

    @Test func theRowLimitTellsOfNoHiddenRowsAndHoldsOverPictures() throws {
        for rules in [[], ["SELECT * FROM letter WHERE who = :sender"]] {
            let db = try ScenarioDatabase("letter(id u64 unique, who identity)", rules: rules)
            for id in 0..<300 { try db.commit(.insert("letter", id, Self.b)) }
            _ = try ask(db, db.core.owner.identity, "SET row_limit = 20")
            for overPicture in [false, true] {
                let error = #expect(throws: DatabaseError.self) {
                    try ask(db, Self.a, "SELECT * FROM letter WHERE id >= 0", overPicture: overPicture)
                }
                #expect(error?.code == .limitReached)
                if !rules.isEmpty { #expect(error?.message.contains("too many rows, and 20") == true) }
                #expect(
                    try ask(db, db.core.owner.identity, "SELECT * FROM letter", overPicture: overPicture).rows.count
                        == 300)
                #expect(
                    try ask(db, Self.b, "SELECT * FROM letter WHERE id = 3", overPicture: overPicture).rows.count == 1)
            }
        }
    }

    // MARK: Events

    private static let news = [
        "event news(id u64, team u64 index)", "people(who identity index, team u64 index, role u64)",
        "teams(id u64 unique, size u64)",
    ]

    /// A rule that finds a caller in several roles.
    @Test func anEventIsToldOnceHoweverManyRowsItsRuleFinds() throws {
        let db = try ScenarioDatabase(
            Self.news, rules: ["SELECT n.* FROM people p JOIN news n ON p.team = n.team WHERE p.who = :sender"])
        try db.commit(
            .insert("people", Self.a, 3, 1), .insert("people", Self.a, 3, 2), .insert("people", Self.b, 4, 1))
        let client = FakeSession(db.core, as: Caller(identity: Self.a))
        try client.subscribe(1, "SELECT * FROM news")
        try client.subscribe(2, "SELECT * FROM news WHERE id = 1")
        // Equal events are several, and come again.
        for _ in 0..<3 {
            try db.commit(.insert("news", 1, 3), .insert("news", 2, 4), .insert("news", 1, 3), .insert("news", 2, 3))
            #expect(client.takeChanges(1).new == [db.row("news", 1, 3), db.row("news", 1, 3), db.row("news", 2, 3)])
        }
        try db.commit(.insert("news", 1, 3))
        #expect(client.takeChanges(2).new == [db.row("news", 1, 3)])
        for text in [
            "SELECT n.* FROM news n JOIN teams t ON t.id = n.team", "SELECT COUNT(*) AS n FROM news",
            "SELECT t.* FROM news n JOIN teams t ON t.id = n.team", "SELECT * FROM news WHERE 12 / (id - 2) > 1",
        ] {
            let error = #expect(throws: DatabaseError.self, "\(text)") { try client.subscribe(9, text) }
            #expect(error?.code == .invalidQuery && error?.message.contains("'news'") == true)
        }
    }

    @Test func eventsWhoseRuleFindsOneRowAreJoinedAsOthers() throws {
        let db = try ScenarioDatabase(
            "event news(id u64, team u64 index)", "people(who identity unique, team u64 index)",
            "teams(id u64 index, size u64)",
            rules: ["SELECT n.* FROM people p JOIN news n ON p.team = n.team WHERE p.who = :sender"])
        try db.commit(
            .insert("people", Self.a, 3), .insert("people", Self.b, 4), .insert("teams", 3, 1), .insert("teams", 3, 2),
            .insert("teams", 4, 1))
        let client = FakeSession(db.core, as: Caller(identity: Self.a))
        try client.subscribe(1, "SELECT n.* FROM news n JOIN teams t ON t.id = n.team")
        try client.subscribe(2, "SELECT n.* FROM news n LEFT JOIN teams t ON t.id = n.team AND t.size > 1")
        try db.commit(.insert("news", 1, 3), .insert("news", 2, 4))
        let event = db.row("news", 1, 3)
        #expect(client.rows(1) == [event, event] && client.rows(2) == [event])
        // No event is there to be asked for, and so each team is there once.
        for overPicture in [false, true] {
            let text = "SELECT t.size FROM teams t LEFT JOIN news n ON n.team = t.id"
            #expect(try ask(db, Self.a, text, overPicture: overPicture).rows.count == 3)
        }
    }
}
