import SpacetimeEngine
import SpacetimeSATS
import Testing

@testable import SpacetimeHost

/// What clients see of commits, case by case.
@Suite struct SubscriptionScenarioTests {
    @Test func aRowThatDoesNotMatchIsNoNews() throws {
        let db = try ScenarioDatabase("t(x u64, y u64)")
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT * FROM t WHERE x = 0")
        try db.commit(.insert("t", 1, 1))
        #expect(client.takeChanges(1) == ([], []))
        try db.commit(.insert("t", 0, 1))
        #expect(client.takeChanges(1) == ([], [db.row("t", 0, 1)]))
    }

    @Test func eachClientSeesItsOwnRows() throws {
        let db = try ScenarioDatabase("t(who identity index, n u64)")
        let (ada, bob) = (Identity(number: 1), Identity(number: 2))
        let clients = [ada, bob].map { FakeSession(db.core, as: Caller(identity: $0)) }
        for client in clients { try client.subscribe(1, "SELECT * FROM t WHERE who = :sender") }
        try db.commit(.insert("t", ada, 1), .insert("t", bob, 2))
        #expect(clients[0].rows(1) == [db.row("t", ada, 1)])
        #expect(clients[1].rows(1) == [db.row("t", bob, 2)])
        #expect(try db.core.sessions.queryCount() == 2)
    }

    @Test func aRowThatTwoQueriesOfASetReturnComesTwice() throws {
        let db = try ScenarioDatabase("p(id u64 unique, here bool)", "l(id u64 index, x u64, z u64)")
        let client = FakeSession(db.core)
        try client.subscribe(
            1, "SELECT * FROM p WHERE id = 1",
            "SELECT p.* FROM p JOIN l ON p.id = l.id WHERE 0 < l.x AND l.x < 5 AND l.z > 0 AND 5 > l.z")
        try db.commit(
            .insert("p", 1, true), .insert("p", 2, true), .insert("l", 1, 2, 2), .insert("l", 2, 3, 3))
        #expect(client.rows(1, query: 0) == [db.row("p", 1, true)])
        #expect(client.rows(1, query: 1) == [db.row("p", 1, true), db.row("p", 2, true)])
        try db.commit(.delete("p", 2, true), .insert("p", 2, false))
        #expect(client.takeChanges(1, query: 1) == ([db.row("p", 2, true)], [db.row("p", 2, false)]))
        try db.commit(.delete("p", 2, false), .insert("p", 2, true))
        #expect(client.takeChanges(1, query: 1) == ([db.row("p", 2, false)], [db.row("p", 2, true)]))
    }

    @Test func whatAJoinDoesNotReturnIsNoNews() throws {
        let db = try ScenarioDatabase("u(i u64 index, a u64, b u64)", "v(i u64 index, x u64 index, y u64)")
        try db.commit(
            .insert("u", 0, 1, 1), .insert("u", 1, 2, 2), .insert("u", 2, 3, 3), .insert("v", 0, 4, 4),
            .insert("v", 1, 5, 5))
        let client = FakeSession(db.core)
        for (set, x) in [4, 6, 5, 7].enumerated() {
            try client.subscribe(UInt32(set), "SELECT u.* FROM u JOIN v ON u.i = v.i WHERE v.x = \(x)")
        }
        client.pull()
        try db.commit(.delete("v", 1, 5, 5), .insert("v", 1, 5, 6))
        #expect(client.pull().isEmpty)
        try db.commit(.insert("v", 2, 6, 6))
        #expect(client.takeChanges(1) == ([], [db.row("u", 2, 3, 3)]))
        try db.commit(.delete("u", 1, 2, 2), .insert("u", 1, 2, 3))
        #expect(client.takeChanges(2) == ([db.row("u", 1, 2, 2)], [db.row("u", 1, 2, 3)]))
        try db.commit(.insert("u", 3, 0, 0))
        #expect(client.pull().isEmpty)
    }

    @Test func aRowMovesFromQueryToQuery() throws {
        let db = try ScenarioDatabase("u(i u64 index, a u64, b u64)", "v(i u64 unique, x u64 index, y u64)")
        for i in 1...5 { try db.commit(.insert("v", i, i, i)) }
        let client = FakeSession(db.core)
        for x in 1...5 {
            try client.subscribe(UInt32(x), "SELECT u.* FROM u JOIN v ON u.i = v.i WHERE v.x = \(x)")
        }
        client.pull()
        try db.commit(.insert("u", 1, 2, 3))
        #expect(client.takeChanges(1) == ([], [db.row("u", 1, 2, 3)]))
        try db.commit(.delete("v", 1, 1, 1), .insert("v", 1, 1, 2))
        #expect(client.pull().isEmpty)
        try db.commit(.delete("v", 1, 1, 2), .insert("v", 1, 2, 2))
        let events = client.pull()
        #expect(events.count == 1)
        #expect(client.rows(1).isEmpty)
        #expect(client.rows(2) == [db.row("u", 1, 2, 3)])
        // Both sides change in one commit.
        try db.commit(.delete("v", 3, 3, 3), .insert("v", 3, 4, 3), .insert("u", 3, 4, 5))
        #expect(client.takeChanges(4) == ([], [db.row("u", 3, 4, 5)]))
        try db.commit(.delete("v", 3, 4, 3), .insert("v", 3, 0, 3))
        #expect(client.takeChanges(4) == ([db.row("u", 3, 4, 5)], []))
        try db.commit(.delete("v", 5, 5, 5), .insert("v", 5, 6, 5), .insert("u", 5, 6, 7))
        #expect(client.pull().isEmpty)
    }

    @Test func aJoinedRowIsThereOncePerPartner() throws {
        let db = try ScenarioDatabase("p(id u64 index, n u64)", "m(no u64 unique, pid u64 index)")
        try db.commit(.insert("p", 1, 0), .insert("m", 10, 1), .insert("m", 11, 1))
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT p.* FROM p JOIN m ON p.id = m.pid")
        let row = db.row("p", 1, 0)
        #expect(client.rows(1) == [row, row])
        try db.commit(.delete("m", 10, 1))
        #expect(client.takeChanges(1) == ([row], []))
        #expect(client.rows(1) == [row])
        try db.commit(.delete("m", 11, 1))
        #expect(client.takeChanges(1) == ([row], []))
        let other = db.row("p", 2, 0)
        try db.commit(.insert("p", 2, 0), .insert("m", 20, 2))
        #expect(client.takeChanges(1) == ([], [other]))
        try db.commit(.delete("p", 2, 0), .delete("m", 20, 2))
        #expect(client.takeChanges(1) == ([other], []))
        try db.commit(.insert("p", 3, 0), .insert("m", 30, 3))
        client.pull()
        try db.commit(.delete("p", 3, 0), .insert("p", 3, 1), .delete("m", 30, 3))
        #expect(client.takeChanges(1) == ([db.row("p", 3, 0)], []))
        try db.commit(.insert("m", 30, 3))
        client.pull()
        try db.commit(.delete("m", 30, 3), .insert("m", 31, 3))
        #expect(client.takeChanges(1) == ([], []))
        // From a value with one partner to one with two, then to one with none.
        try db.commit(.insert("m", 40, 4), .insert("m", 41, 4))
        try db.commit(.delete("p", 3, 1), .insert("p", 4, 1))
        #expect(client.takeChanges(1) == ([db.row("p", 3, 1)], [db.row("p", 4, 1), db.row("p", 4, 1)]))
        try db.commit(.delete("p", 4, 1), .insert("p", 9, 1))
        #expect(client.takeChanges(1) == ([db.row("p", 4, 1), db.row("p", 4, 1)], []))
    }

    @Test(arguments: ["", " WHERE b.kind = 4"])
    func aTableJoinedToItselfFollowsBothSides(_ condition: String) throws {
        let db = try ScenarioDatabase("node(id u64 unique, parent u64 index, kind u64)")
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT a.* FROM node a JOIN node b ON a.parent = b.id" + condition)
        let row = db.row("node", 2, 1, 9)
        try db.commit(.insert("node", 1, 7, 4), .insert("node", 2, 1, 9))
        #expect(client.rows(1) == [row])
        try db.commit(.delete("node", 2, 1, 9), .insert("node", 2, 9, 9))
        #expect(client.rows(1) == [])
        try db.commit(.delete("node", 2, 9, 9), .insert("node", 2, 1, 9))
        #expect(client.rows(1) == [row])
        try db.commit(.delete("node", 1, 7, 4))
        #expect(client.rows(1) == [])
    }

    @Test func aJoinFollowsAnInequalityOfTheTableThatItDoesNotReturn() throws {
        let db = try ScenarioDatabase("thing(id u32 unique, chunk u32 index)", "loot(thing u32 unique, gold u32)")
        for id in 0..<10 { try db.commit(.insert("thing", id, id / 2), .insert("loot", id, 7)) }
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT loot.* FROM thing JOIN loot ON thing.id = loot.thing WHERE thing.chunk < 3")
        #expect(client.rows(1).count == 6)
        try db.commit(.delete("loot", 1, 7), .insert("loot", 1, 8))
        #expect(client.takeChanges(1) == ([db.row("loot", 1, 7)], [db.row("loot", 1, 8)]))
        try db.commit(.delete("loot", 9, 7), .insert("loot", 9, 8))
        #expect(client.takeChanges(1) == ([], []))
        try db.commit(.delete("thing", 9, 4), .insert("thing", 9, 0))
        #expect(client.takeChanges(1) == ([], [db.row("loot", 9, 8)]))
    }

    @Test func whatLiesAroundTheCallersOwnRowMovesWithIt() throws {
        let db = try ScenarioDatabase(
            "player(who identity unique, chunk u64 index)", "thing(id u64 unique, chunk u64 index)")
        let (ada, bob) = (Identity(number: 1), Identity(number: 2))
        for id in 0..<12 { try db.commit(.insert("thing", id, id / 4)) }
        try db.commit(.insert("player", ada, 0), .insert("player", bob, 1))
        let clients = [ada, bob].map { FakeSession(db.core, as: Caller(identity: $0)) }
        for client in clients {
            try client.subscribe(
                1, "SELECT t.* FROM player p JOIN thing t ON p.chunk = t.chunk WHERE p.who = :sender")
        }
        func things(_ ids: Range<Int>) -> [[UInt8]] { ids.map { db.row("thing", $0, $0 / 4) } }
        #expect(clients[0].rows(1) == things(0..<4))
        #expect(clients[1].rows(1) == things(4..<8))
        // Nobody looks through the eyes of a third player.
        try db.commit(.insert("player", Identity(number: 3), 2))
        #expect(clients.allSatisfy { $0.pull().isEmpty })
        try db.commit(.delete("player", ada, 0), .insert("player", ada, 2))
        #expect(clients[0].rows(1) == things(8..<12))
        #expect(clients[1].pull().isEmpty)
        // A thing moves in the commit in which a player does.
        try db.commit(
            .delete("player", bob, 1), .insert("player", bob, 2), .delete("thing", 0, 0), .insert("thing", 0, 2))
        let moved = ([db.row("thing", 0, 2)] + things(8..<12)).sortedBytes()
        #expect(clients[0].rows(1) == moved && clients[1].rows(1) == moved)
        try db.commit(.delete("player", ada, 2))
        #expect(clients[0].rows(1).isEmpty)
    }

    @Test func anEventMeetsTheRowsAfterTheCommit() throws {
        let db = try ScenarioDatabase("event ev(pid u64, n u64)", "p(id u64 unique, n u64)")
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT ev.* FROM ev JOIN p ON ev.pid = p.id")
        try db.commit(.insert("p", 1, 0), .insert("ev", 1, 5))
        #expect(client.takeChanges(1) == ([], [db.row("ev", 1, 5)]))
        try db.commit(.delete("p", 1, 0), .insert("ev", 1, 5))
        #expect(client.takeChanges(1) == ([], []))
        try db.commit(.insert("p", 1, 0))
        try db.commit(.delete("p", 1, 0), .insert("p", 1, 1), .insert("ev", 1, 6))
        #expect(client.takeChanges(1) == ([], [db.row("ev", 1, 6)]))
        // It is the same if somebody follows the other table, too.
        let other = FakeSession(db.core)
        try other.subscribe(1, "SELECT * FROM p")
        try db.commit(.insert("p", 2, 0), .insert("ev", 2, 5))
        #expect(client.takeChanges(1) == ([], [db.row("ev", 2, 5)]))
        try db.commit(.delete("p", 2, 0), .insert("ev", 2, 5))
        #expect(client.takeChanges(1) == ([], []))
    }

    @Test func anEventIsToldWithOrWithoutAPartner() throws {
        let db = try ScenarioDatabase("event ev(pid u64, n u64)", "p(id u64 unique, n u64)")
        let (client, lonely, other) = (FakeSession(db.core), FakeSession(db.core), FakeSession(db.core))
        try client.subscribe(1, "SELECT ev.* FROM ev LEFT JOIN p ON ev.pid = p.id")
        try lonely.subscribe(1, "SELECT ev.* FROM ev LEFT JOIN p ON ev.pid = p.id WHERE p.id IS NULL")
        try other.subscribe(1, "SELECT * FROM p")
        func expect(_ all: [[UInt8]], alone: [[UInt8]], _ place: SourceLocation = #_sourceLocation) {
            let (first, second) = (client.takeChanges(1), lonely.takeChanges(1))
            #expect(first == ([], all) && second == ([], alone), sourceLocation: place)
        }
        try db.commit(.insert("ev", 1, 5))
        expect([db.row("ev", 1, 5)], alone: [db.row("ev", 1, 5)])
        // A partner that comes later changes nothing in what was told.
        try db.commit(.insert("p", 1, 0))
        expect([], alone: [])
        try db.commit(.insert("ev", 1, 6))
        expect([db.row("ev", 1, 6)], alone: [])
        // With what there is after the commit.
        try db.commit(.delete("p", 1, 0), .insert("ev", 1, 7))
        expect([db.row("ev", 1, 7)], alone: [db.row("ev", 1, 7)])
        try db.commit(.insert("p", 1, 0), .insert("ev", 1, 8))
        expect([db.row("ev", 1, 8)], alone: [])
        let error = #expect(throws: DatabaseError.self) {
            try client.subscribe(2, "SELECT p.* FROM p LEFT JOIN ev ON ev.pid = p.id")
        }
        #expect(error?.code == .invalidQuery)
    }

    @Test func aSetThatIsRefusedLeavesNothing() throws {
        let db = try ScenarioDatabase("t(x u64)", "private secret(x u64)")
        let stranger = FakeSession(db.core, as: Caller(identity: Identity(number: 9)))
        for text in [
            "SELECT * FROM secret", "SELECT * FROM secret WHERE x = 1", "SELECT r.* FROM t", "SELECT * FROM nothing",
            "",
        ] {
            let error = #expect(throws: DatabaseError.self) { try stranger.subscribe(1, "SELECT * FROM t", text) }
            #expect(error?.code == .invalidQuery)
            #expect(error?.message.hasSuffix(text) == true)
        }
        #expect(try db.core.sessions.queryCount() == 0)
        try stranger.subscribe(1, "SELECT * FROM *")
        try db.commit(.insert("t", 1), .insert("secret", 1))
        #expect(stranger.rows(1) == [db.row("t", 1)])
        #expect(throws: DatabaseError.self) { try stranger.subscribe(1, "SELECT * FROM t") }
    }

    @Test func whoLeavesHearsNothingMoreAndOthersDo() throws {
        let db = try ScenarioDatabase("t(x u64)")
        let (first, second) = (FakeSession(db.core), FakeSession(db.core))
        try first.subscribe(1, "SELECT * FROM t WHERE x = 1")
        try second.subscribe(1, "SELECT  *  FROM t WHERE x = 1")
        try first.subscribe(2, "SELECT * FROM t WHERE x = 1")
        #expect(try db.core.sessions.queryCount() == 1)
        try db.commit(.insert("t", 1))
        #expect(first.rows(1).count == 1 && first.rows(2).count == 1 && second.rows(1).count == 1)
        first.unsubscribe(1)
        try db.commit(.delete("t", 1))
        #expect(first.rows(1).isEmpty && first.rows(2).isEmpty && second.rows(1).isEmpty)
        first.unsubscribe(2)
        second.unsubscribe(1)
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func aJoinWithoutAnIndexIsRefusedWithItsColumns() throws {
        let db = try ScenarioDatabase("a(x u64)", "b(y u64)")
        let client = FakeSession(db.core)
        let error = #expect(throws: DatabaseError.self) {
            try client.subscribe(1, "SELECT a.* FROM a JOIN b ON a.x = b.y")
        }
        #expect(error?.message.contains("'y'") == true || error?.message.contains("index") == true)
    }

    // MARK: Left joins of three tables

    @Test func leftJoinsOfThreeTablesFollowEachOfThem() throws {
        let db = try ScenarioDatabase(
            "a(id u64 unique, b u64 index)", "b(id u64 unique, c u64 index)", "c(id u64 index, x u64)")
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT a.* FROM a LEFT JOIN b ON a.b = b.id LEFT JOIN c ON b.c = c.id")
        try client.subscribe(
            2,
            "SELECT COUNT(*) AS n, COUNT(b.id) AS bs, SUM(c.x) AS s FROM a LEFT JOIN b ON a.b = b.id LEFT JOIN c ON b.c = c.id"
        )
        func counts() throws -> [UInt64] {
            let row = try #require(client.rows(2).first)
            return try [UInt64(bsatn: Array(row[0..<8])), UInt64(bsatn: Array(row[8..<16]))]
        }
        try db.commit(.insert("a", 1, 10), .insert("a", 2, 20))
        #expect(client.rows(1).count == 2)
        #expect(try counts() == [2, 0])
        // The third table is found by way of the second only.
        try db.commit(.insert("c", 5, 100), .insert("c", 5, 200))
        #expect(try counts() == [2, 0])
        try db.commit(.insert("b", 10, 5))
        #expect(client.rows(1).count == 3)
        #expect(try counts() == [3, 1 * 2])
        // All of them at once: one goes, one comes to another place, one is replaced.
        try db.commit(
            .delete("c", 5, 100), .delete("b", 10, 5), .insert("b", 20, 5), .insert("c", 5, 300), .delete("a", 1, 10),
            .insert("a", 3, 20))
        #expect(client.rows(1).count == 4)
        #expect(try counts() == [4, 4])
        try db.commit(.delete("c", 5, 200), .delete("c", 5, 300))
        #expect(try counts() == [2, 2])
        try db.commit(.delete("b", 20, 5))
        #expect(try counts() == [2, 0])
        #expect(client.rows(1).count == 2)
    }
}
