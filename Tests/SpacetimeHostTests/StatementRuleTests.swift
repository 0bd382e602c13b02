import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// What others than the owner ask by SQL is restricted by the rules of the module, as what they subscribe to is.
@Suite struct StatementRuleTests {
    private static let (a, b, c) = (Identity(number: 11), Identity(number: 12), Identity(number: 13))

    private func database(_ rules: String...) throws -> ScenarioDatabase {
        let db = try ScenarioDatabase(
            "people(who identity unique, team u64 index)", "bills(no u64 unique, who identity index)",
            "bosses(who identity unique, team u64 index)", "notes(id u64 unique, text string)", rules: rules)
        try db.commit(.insert("people", Self.a, 1), .insert("people", Self.b, 1), .insert("bosses", Self.c, 1))
        for no in 1...4 { try db.commit(.insert("bills", no, no % 2 == 1 ? Self.a : Self.b)) }
        return db
    }

    private func count(_ db: ScenarioDatabase, _ who: Identity, _ text: String) throws -> Int {
        try db.core.statements.run(Statements.Request(text, as: Caller(identity: who))).rows.count
    }

    private func number(_ db: ScenarioDatabase, _ who: Identity, _ text: String) throws -> UInt64 {
        let result = try db.core.statements.run(Statements.Request(text, as: Caller(identity: who)))
        return try UInt64(bsatn: Array(result.rows[0]))
    }

    @Test func everybodySeesTheRowsOfTheRules() throws {
        let db = try database(
            "SELECT * FROM people WHERE who = :sender", "SELECT b.* FROM people p JOIN bills b ON p.who = b.who")
        #expect(try count(db, Self.a, "SELECT who FROM people") == 1)
        #expect(try count(db, Self.a, "SELECT * FROM people WHERE who = :sender OR who = 0x\(Self.b)") == 1)
        #expect(try count(db, Self.a, "SELECT * FROM people WHERE who = 0x\(Self.b)") == 0)
        #expect(try count(db, Self.a, "SELECT no FROM bills ORDER BY no LIMIT 1 OFFSET 1") == 1)
        #expect(try count(db, Self.a, "SELECT b.no FROM people p JOIN bills b ON p.who = b.who") == 2)
        #expect(try count(db, Self.c, "SELECT who FROM people") == 0)
        #expect(try count(db, db.core.owner.identity, "SELECT who FROM people") == 2)
        #expect(try count(db, Self.c, "SELECT * FROM notes") == 0)
    }

    @Test func severalRulesWithJoinsAreAlternatives() throws {
        let db = try database(
            "SELECT * FROM people WHERE who = :sender", "SELECT p.* FROM bosses b JOIN people p ON b.team = p.team")
        #expect(try count(db, Self.c, "SELECT * FROM people") == 2)
        try db.commit(.insert("people", Self.c, 1))
        // His own row is admitted by both.
        #expect(try count(db, Self.c, "SELECT * FROM people") == 3)
        // They are the rows of one table as far as he can tell, whatever he asks of them.
        #expect(try count(db, Self.c, "SELECT * FROM people LIMIT 1") == 1)
        #expect(try count(db, Self.c, "SELECT who FROM people ORDER BY who DESC LIMIT 5 OFFSET 1") == 2)
        #expect(try count(db, Self.c, "SELECT DISTINCT team FROM people") == 1)
        #expect(try number(db, Self.c, "SELECT COUNT(*) AS n FROM people") == 3)
        #expect(try number(db, Self.c, "SELECT COUNT(*) AS n FROM people p JOIN bills b ON p.who = b.who") == 4)
        #expect(try number(db, db.core.owner.identity, "SELECT COUNT(*) AS n FROM people") == 3)
    }

    @Test func viewsAreComputedWhenSomebodyAsks() throws {
        let db = try ScenarioDatabase(
            "t(id u64 unique, n u64)",
            views: [
                ScenarioDatabase.View(name: "answer", table: "t", isAnonymous: true) { transaction in
                    let index = try transaction.index(named: "t_id")
                    return [try UInt64(42).bsatn().withUnsafeBytes { try transaction.scan(index, key: $0) }.readAll()]
                        .filter { !$0.isEmpty }
                }
            ])
        try db.commit(.insert("t", 42, 7))
        let offset = try db.core.runner.lastOffset()
        #expect(try count(db, Self.a, "SELECT n FROM answer WHERE id = 42") == 1)
        #expect(try db.core.runner.lastOffset() == offset)
        try db.commit(.delete("t", 42, 7))
        #expect(try count(db, Self.a, "SELECT a.id FROM answer a JOIN t ON t.id = a.id") == 0)
        let snapshot = try db.core.runner.snapshot()
        #expect(throws: DatabaseError.self) {
            try db.core.statements.run(
                Statements.Request("SELECT * FROM answer", as: db.core.owner), over: snapshot, at: offset)
        }
        #expect(throws: DatabaseError.self) { try count(db, db.core.owner.identity, "DELETE FROM answer") }
        #expect(
            try count(db, Self.a, "SELECT v.view_name FROM st_view v JOIN st_table t ON t.table_name = v.view_name")
                == 1)
    }
}
