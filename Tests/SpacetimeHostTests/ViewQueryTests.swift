import SpacetimeEngine
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeHost

/// A view that is a query follows its tables as a client's query does, and its function is not called again.
@Suite struct ViewQueryTests {
    private final class Calls: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock { $0 } }
    }

    private func database(_ query: String, _ calls: Calls = Calls()) throws -> ScenarioDatabase {
        try ScenarioDatabase(
            "private t(id u64 unique, n u64 index)", "u(id u64 unique, t u64 index)", "event e(id u64 unique, n u64)",
            "w(id u64, s string)",
            views: [
                ScenarioDatabase.View(name: "v", table: "t", isAnonymous: true) { (_, _) -> String in
                    calls.add()
                    return query
                },
                // Fails when a row has the number 13.
                ScenarioDatabase.View(name: "fragile", table: "t", isAnonymous: true) { transaction in
                    let index = try transaction.index(named: "t_n")
                    let rows = try UInt64(13).bsatn().withUnsafeBytes { try transaction.scan(index, key: $0) }.readAll()
                    if !rows.isEmpty { throw SenderError("unlucky") }
                    return []
                },
            ])
    }

    private func watch(_ db: ScenarioDatabase) throws -> FakeSession {
        let client = FakeSession(db.core, as: Caller(identity: Identity(number: 9)))
        try client.subscribe(1, "SELECT * FROM v")
        try client.subscribe(2, "SELECT * FROM fragile")
        return client
    }

    @Test func changesOfItsTablesBecomeChangesOfTheView() throws {
        let calls = Calls()
        let db = try database("SELECT * FROM t WHERE n = 5", calls)
        let client = try watch(db)
        try db.commit(.insert("t", 1, 5), .insert("t", 2, 6))
        #expect(client.takeChanges(1) == ([], [db.row("t", 1, 5)]))
        try db.commit(.delete("t", 2, 6), .insert("t", 2, 5))
        #expect(client.takeChanges(1) == ([], [db.row("t", 2, 5)]))
        try db.commit(.delete("t", 1, 5))
        #expect(client.takeChanges(1) == ([db.row("t", 1, 5)], []))
        #expect(calls.value == 1)
    }

    @Test func aRowWithSeveralPartnersIsOne() throws {
        let db = try database("SELECT t.* FROM t JOIN u ON t.id = u.t")
        let client = try watch(db)
        try db.commit(.insert("t", 1, 0), .insert("u", 1, 1), .insert("u", 2, 1))
        #expect(client.rows(1) == [db.row("t", 1, 0)])
        try db.commit(.delete("u", 1, 1))
        #expect(client.rows(1) == [db.row("t", 1, 0)])
        try db.commit(.delete("u", 2, 1))
        #expect(client.rows(1).isEmpty)
    }

    /// What a query keeps beside the tables is taken back with a transaction.
    @Test(arguments: [
        "SELECT * FROM t ORDER BY n DESC LIMIT 2", "SELECT t.* FROM t JOIN u ON t.id = u.t", "SELECT * FROM t",
    ]) func anUndoneTransactionLeavesTheViewAsItWas(_ query: String) throws {
        let db = try database(query)
        let client = try watch(db)
        for id in 1...4 { try db.commit(.insert("t", id, id), .insert("u", id, id)) }
        let before = client.rows(1)
        #expect(throws: DatabaseError.self) {
            try db.commit(.delete("t", 4, 4), .delete("t", 3, 3), .delete("u", 1, 1), .insert("t", 7, 13))
        }
        #expect(client.rows(1) == before)
        try db.commit(.insert("t", 5, 5), .insert("u", 5, 5))
        let all = (1...5).map { db.row("t", $0, $0) }
        #expect(client.rows(1) == (query.contains("LIMIT") ? Array(all.suffix(2)) : all))
        try db.commit(.delete("t", 5, 5))
        #expect(client.rows(1) == (query.contains("LIMIT") ? Array(all[2...3]) : Array(all.prefix(4))))
    }

    @Test(arguments: [
        ("SELECT * FROM fragile", "another view"), ("SELECT * FROM w", "not those"), ("SELECT * FROM e", "event table"),
        ("SELECT * FROM nothing", "nothing"),
        ("SELECT * FROM t WHERE id = :sender", "Identity"),
    ]) func aQueryThatNoViewCanBeIsRefused(_ query: String, _ part: String) throws {
        let db = try database(query)
        let client = FakeSession(db.core)
        let error = #expect(throws: DatabaseError.self) { try client.subscribe(1, "SELECT * FROM v") }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("the view 'v'") == true, "\(error?.message ?? "")")
        #expect(db.core.runner.views?.count == 0)
        try db.commit(.insert("t", 1, 1))
    }

    @Test func anEmptyTextIsNoRows() throws {
        let db = try database("")
        let client = try watch(db)
        try db.commit(.insert("t", 1, 1))
        #expect(client.rows(1).isEmpty)
    }

    @Test func nobodyFollowsTheQueriesOfViewsThatNobodyWatches() throws {
        let db = try database("SELECT * FROM t ORDER BY n LIMIT 3")
        var client: FakeSession? = try watch(db)
        try db.commit(.insert("t", 1, 1))
        #expect(db.core.runner.views?.count == 2)
        client?.unsubscribe(1)
        client?.unsubscribe(2)
        client = nil
        try db.commit(.insert("t", 2, 13))
        #expect(db.core.runner.views?.count == 0)
        let later = FakeSession(db.core)
        try later.subscribe(1, "SELECT * FROM v")
        #expect(later.rows(1) == [db.row("t", 1, 1), db.row("t", 2, 13)])
    }
}
