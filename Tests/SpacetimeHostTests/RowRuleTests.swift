import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// Clients see the rows that a rule admits, and the owner sees all.
@Suite struct RowRuleTests {
    private static let (a, b, c) = (Identity(number: 11), Identity(number: 12), Identity(number: 13))
    private static let people = "SELECT * FROM people WHERE who = :sender"
    private static let bills = "SELECT b.* FROM people p JOIN bills b ON p.who = b.who"
    private static let bosses = [
        "SELECT * FROM bosses WHERE who = :sender", "SELECT p.* FROM bosses b JOIN people p ON b.team = p.team",
    ]

    private func database(rules: [String]) throws -> ScenarioDatabase {
        let db = try ScenarioDatabase(
            "people(who identity unique, team u64 index)", "bills(no u64 unique, who identity index)",
            "bosses(who identity unique, team u64 index)",
            "private grants(folder u64 index, who identity index)", "doc(id u64 unique, folder u64 index, shared bool)",
            rules: rules)
        try db.commit(.insert("people", Self.a, 1), .insert("people", Self.b, 1), .insert("bosses", Self.c, 1))
        for no in 1...4 { try db.commit(.insert("bills", no, no % 2 == 1 ? Self.a : Self.b)) }
        return db
    }

    private func rows(_ db: ScenarioDatabase, _ who: Identity, _ text: String) throws -> [[UInt8]] {
        let client = FakeSession(db.core, as: Caller(identity: who))
        try client.subscribe(1, text)
        return client.rows(1)
    }

    @Test func whateverAClientAsksForItSeesItsOwnRow() throws {
        let db = try database(rules: [Self.people])
        for text in [
            "SELECT * FROM people", "SELECT * FROM people WHERE who = :sender",
            "SELECT * FROM people WHERE who = 0x\(Self.a)",
            "SELECT * FROM people WHERE who = :sender AND who = 0x\(Self.a)",
            "SELECT * FROM people WHERE who = :sender OR who = 0x\(Self.b)",
        ] {
            #expect(try rows(db, Self.a, text) == [db.row("people", Self.a, 1)], "\(text)")
        }
        #expect(try rows(db, Self.a, "SELECT * FROM people WHERE who = 0x\(Self.b)").isEmpty)
        #expect(try rows(db, db.core.owner.identity, "SELECT * FROM people").count == 2)
        #expect(try rows(db, Self.c, "SELECT * FROM people").isEmpty)
    }

    @Test func aRuleMayLookIntoOtherTablesWhichHaveRulesThemselves() throws {
        let db = try database(rules: [Self.people, Self.bills])
        let own = [db.row("bills", 1, Self.a), db.row("bills", 3, Self.a)].sortedBytes()
        #expect(try rows(db, Self.a, "SELECT * FROM bills") == own)
        #expect(
            try rows(db, Self.a, "SELECT b.* FROM people p JOIN bills b ON p.who = b.who WHERE p.who = :sender") == own)
    }

    @Test func ownAndBossesRowsFollowTheCommits() throws {
        let db = try database(rules: [Self.people] + Self.bosses)
        #expect(try rows(db, Self.a, "SELECT * FROM bosses").isEmpty)
        #expect(try rows(db, Self.c, "SELECT * FROM bosses") == [db.row("bosses", Self.c, 1)])
        let (worker, boss) = (
            FakeSession(db.core, as: Caller(identity: Self.a)), FakeSession(db.core, as: Caller(identity: Self.c))
        )
        for client in [worker, boss] { try client.subscribe(1, "SELECT * FROM people") }
        #expect(worker.rows(1) == [db.row("people", Self.a, 1)])
        #expect(boss.rows(1) == [db.row("people", Self.a, 1), db.row("people", Self.b, 1)])
        try db.commit(.delete("people", Self.b, 1), .insert("people", Self.c, 1))
        #expect(worker.updates.isEmpty)
        // Two rules admit the boss's own row, which is there once.
        #expect(boss.rows(1) == [db.row("people", Self.a, 1), db.row("people", Self.c, 1)])
        let change = try #require(boss.updates.last?.changes.first)
        #expect(change.delta.table == db.core.runner.datastore.tableID(named: "people"))
        try db.commit(.delete("bosses", Self.c, 1))
        #expect(boss.rows(1) == [db.row("people", Self.c, 1)])
    }

    @Test func whatSeveralRulesAdmitIsCountedOrderedAndJoinedAsRowsOfOneTable() throws {
        let db = try database(rules: [Self.people] + Self.bosses)
        let boss = FakeSession(db.core, as: Caller(identity: Self.c))
        try boss.subscribe(1, "SELECT COUNT(*) AS n FROM people")
        try boss.subscribe(2, "SELECT * FROM people ORDER BY who DESC LIMIT 1")
        try boss.subscribe(3, "SELECT b.* FROM people p JOIN bills b ON p.who = b.who")
        try boss.subscribe(4, "SELECT p.* FROM bills b JOIN people p ON p.who = b.who WHERE b.no < 4")
        try boss.subscribe(5, "SELECT * FROM people WHERE who = 0x\(Self.a)")
        try db.commit(.insert("people", Self.c, 1), .insert("bills", 9, Self.c))
        #expect(boss.rows(1) == [UInt64(3).bsatn()])
        #expect(boss.rows(2) == [db.row("people", Self.c, 1)])
        #expect(boss.rows(3).count == 5)
        #expect(boss.rows(4) == [Self.a, Self.a, Self.b].map { db.row("people", $0, 1) })
        #expect(boss.rows(5) == [db.row("people", Self.a, 1)])
        try db.commit(.delete("people", Self.a, 1), .insert("people", Self.a, 2))
        #expect(boss.rows(1) == [UInt64(2).bsatn()])
        #expect(boss.rows(3).count == 3)
        #expect(boss.rows(4) == [db.row("people", Self.b, 1)])
        #expect(boss.rows(5).isEmpty)
    }

    @Test func aTransactionThatIsUndoneChangesNothingOfWhatRulesAdmit() throws {
        let db = try database(rules: [Self.people] + Self.bosses)
        let boss = FakeSession(db.core, as: Caller(identity: Self.c))
        try boss.subscribe(1, "SELECT * FROM people")
        let own = db.row("people", Self.c, 1)
        // The second row has the key of the first.
        #expect(throws: DatabaseError.self) {
            try db.commit(.insert("people", Self.c, 1), .insert("bosses", Self.b, 1), .insert("people", Self.a, 9))
        }
        #expect(boss.pull().isEmpty || boss.rows(1).count == 2)
        try db.commit(.insert("people", Self.c, 1))
        #expect(boss.rows(1) == [Self.a, Self.b, Self.c].map { db.row("people", $0, 1) })
        try db.commit(.delete("bosses", Self.c, 1))
        #expect(boss.rows(1) == [own])
    }

    @Test func anEventTableHasOneRuleWithJoinsOrSeveralWithout() throws {
        func open(_ rules: String...) throws -> ScenarioDatabase {
            try ScenarioDatabase(
                "event news(who identity, team u64 index)", "people(who identity unique, team u64 index)",
                rules: rules)
        }
        let join = "SELECT n.* FROM people p JOIN news n ON p.team = n.team WHERE p.who = :sender"
        let error = #expect(throws: DatabaseError.self) { try open(join, "SELECT * FROM news WHERE who = :sender") }
        #expect(error?.message.contains("event table 'news'") == true)
        let db = try open(join)
        let client = FakeSession(db.core, as: Caller(identity: Self.a))
        try client.subscribe(1, "SELECT * FROM news")
        try db.commit(.insert("people", Self.a, 3), .insert("people", Self.b, 3))
        try db.commit(.insert("news", Self.b, 3), .insert("news", Self.b, 4))
        #expect(client.takeChanges(1).new == [db.row("news", Self.b, 3)])
    }

    @Test func alternativesOnOneTableAdmitARowOnce() throws {
        let db = try database(rules: [
            "SELECT * FROM doc WHERE shared = TRUE", "SELECT * FROM doc WHERE folder = 7",
        ])
        let client = FakeSession(db.core, as: Caller(identity: Self.a))
        try client.subscribe(1, "SELECT * FROM doc")
        try db.commit(.insert("doc", 1, 7, true), .insert("doc", 2, 7, false), .insert("doc", 3, 8, false))
        #expect(client.rows(1) == [db.row("doc", 1, 7, true), db.row("doc", 2, 7, false)])
        try db.commit(.delete("doc", 1, 7, true), .insert("doc", 1, 8, true))
        #expect(client.rows(1) == [db.row("doc", 1, 8, true), db.row("doc", 2, 7, false)].sortedBytes())
    }

    @Test func aRuleReadsPrivateTablesAndAdmitsARowOnceHoweverManyPartnersItHas() throws {
        let db = try database(rules: [
            "SELECT d.* FROM doc d JOIN grants g ON d.folder = g.folder WHERE g.who = :sender"
        ])
        let client = FakeSession(db.core, as: Caller(identity: Self.a))
        try client.subscribe(1, "SELECT * FROM doc WHERE id > 1")
        let row = db.row("doc", 2, 7, false)
        try db.commit(.insert("doc", 1, 7, false), .insert("doc", 2, 7, false), .insert("grants", 7, Self.a))
        #expect(client.rows(1) == [row])
        try db.commit(.insert("grants", 7, Self.b))
        #expect(client.rows(1) == [row])
        try db.commit(.delete("grants", 7, Self.a))
        #expect(client.rows(1).isEmpty)
    }

    @Test func rulesThatCannotBeUsedAreRefusedTogether() throws {
        let error = #expect(throws: DatabaseError.self) {
            try database(rules: [
                "SELECT * FROM grants", "SELECT * FROM nothing",
                "SELECT p.* FROM people p JOIN bills b ON p.who = b.who",
                Self.bills,
            ])
        }
        #expect(error?.code == .invalidModule)
        for part in ["private", "nothing", "need each other"] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
    }

    @Test func aRuleReadsNeitherViewsNorEvents() throws {
        let error = #expect(throws: DatabaseError.self) {
            try ScenarioDatabase(
                "people(who identity unique, team u64 index)", "event news(who identity, team u64 index)",
                rules: [
                    "SELECT p.* FROM crew c JOIN people p ON p.team = c.team",
                    "SELECT p.* FROM news n JOIN people p ON p.team = n.team",
                    "SELECT a.* FROM news a JOIN news b ON a.team = b.team",
                ],
                views: [ScenarioDatabase.View(name: "crew", table: "people", query: { _, _ in "SELECT * FROM people" })]
            )
        }
        #expect(error?.code == .invalidModule)
        #expect(error?.message.contains("'crew' is a view") == true)
        let refusals = error?.message.split(separator: ";").count { $0.contains("look into the event table 'news'") }
        #expect(refusals == 2, "\(error?.message ?? "")")
    }
}
