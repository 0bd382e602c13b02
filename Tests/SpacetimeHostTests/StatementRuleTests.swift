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

    @Test func theRowLimitHoldsForWhatOthersSubscribeTo() throws {
        let db = try database()
        for no in 5...40 { try db.commit(.insert("bills", no, Self.a), .insert("notes", no, "x")) }
        let owner = FakeSession(db.core)
        let (client, other) = (
            FakeSession(db.core, as: Caller(identity: Self.a)), FakeSession(db.core, as: Caller(identity: Self.b))
        )
        func refused(_ client: FakeSession, _ set: UInt32, _ texts: String...) throws -> Bool {
            let list = try db.core.sessions.texts.queries(texts, as: client.session.caller)
            do { try db.core.sessions.subscribe(client.session, to: QuerySetID(set), list) } catch {
                #expect(error.code == .limitReached, "\(error)")
                return true
            }
            return false
        }
        try client.subscribe(1, "SELECT * FROM bills")
        _ = try db.core.statements.run(Statements.Request("SET row_limit = 20", as: db.core.owner))
        // What was there before goes on, and others may watch the same: nothing is read for it.
        try db.commit(.insert("bills", 50, Self.b))
        #expect(client.rows(1).count == 41)
        #expect(try !refused(other, 1, "SELECT * FROM bills"))
        #expect(other.rows(1).count == 41)

        #expect(try refused(client, 2, "SELECT * FROM notes"))
        #expect(try refused(client, 2, "SELECT COUNT(*) AS n FROM notes"))
        #expect(try refused(client, 2, "SELECT * FROM notes WHERE text = 'x' ORDER BY id LIMIT 30"))
        #expect(try !refused(client, 2, "SELECT * FROM notes WHERE id = 7"))
        #expect(client.rows(2).count == 1)
        // All queries of a set together.
        #expect(try !refused(client, 3, "SELECT * FROM notes WHERE id >= 5 AND id < 20"))
        #expect(
            try refused(client, 4, "SELECT * FROM notes WHERE id >= 5 AND id < 21", "SELECT * FROM notes WHERE id > 30")
        )
        #expect(
            try !refused(
                client, 4, "SELECT * FROM notes WHERE id >= 5 AND id < 20", "SELECT * FROM notes WHERE id > 30"))
        // Not for the owner.
        #expect(try !refused(owner, 1, "SELECT * FROM notes"))
        let count = try db.core.sessions.queryCount()
        #expect(try refused(client, 9, "SELECT * FROM people WHERE team = 1", "SELECT * FROM bills b WHERE b.no <> 3"))
        #expect(try db.core.sessions.queryCount() == count, "what was refused left something")
        _ = try db.core.statements.run(
            Statements.Request("DELETE FROM st_var WHERE name = 'row_limit'", as: db.core.owner))
        #expect(try !refused(client, 9, "SELECT * FROM bills b WHERE b.no <> 3"))
    }

    /// What a client may see of a table is found with its statement, and stopped with it.
    @Test func whatRulesAdmitIsLookedForAsLongAsTheStatementMayTake() throws {
        let db = try database("SELECT b.* FROM people p JOIN bills b ON p.who = b.who")
        let picture = PictureViews(try db.core.runner.snapshot(), db.core.runner)
        let offset = try db.core.runner.lastOffset()
        var request = Statements.Request("SELECT * FROM bills", as: Caller(identity: Self.a), isCancelled: { true })
        let error = #expect(throws: DatabaseError.self) {
            try db.core.statements.run(request, over: picture, at: offset)
        }
        #expect(error?.code == .stopped)
        request.isCancelled = { false }
        #expect(try db.core.statements.run(request, over: picture, at: offset).rows.count == 4)
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
        let picture = PictureViews(try db.core.runner.snapshot(), db.core.runner)
        try db.commit(.delete("t", 42, 7))
        #expect(try count(db, Self.a, "SELECT a.id FROM answer a JOIN t ON t.id = a.id") == 0)
        // A picture has it as it was.
        for text in ["SELECT * FROM answer", "SELECT a.id FROM answer a JOIN t ON t.id = a.id"] {
            let request = Statements.Request(text, as: Caller(identity: Self.a))
            #expect(try db.core.statements.run(request, over: picture, at: offset).rows.count == 1)
        }
        #expect(throws: DatabaseError.self) { try count(db, db.core.owner.identity, "DELETE FROM answer") }
        #expect(
            try count(db, Self.a, "SELECT v.view_name FROM st_view v JOIN st_table t ON t.table_name = v.view_name")
                == 1)
    }
}
