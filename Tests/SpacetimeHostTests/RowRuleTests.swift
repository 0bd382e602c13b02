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
        let seen = { Set((0..<2).flatMap { boss.rows(1, query: $0) }) }
        #expect(seen() == [db.row("people", Self.a, 1), db.row("people", Self.b, 1)])
        try db.commit(.delete("people", Self.b, 1), .insert("people", Self.c, 1))
        #expect(worker.updates.isEmpty)
        #expect(seen() == [db.row("people", Self.a, 1), db.row("people", Self.c, 1)])
        try db.commit(.delete("bosses", Self.c, 1))
        #expect(seen() == [db.row("people", Self.c, 1)])
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
}
