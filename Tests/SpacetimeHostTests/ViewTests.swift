import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization
import Testing

@testable import SpacetimeHost

/// Views are evaluated when somebody looks, and again when something that they have read was written.
@Suite struct ViewTests {
    /// How often views were evaluated.
    private final class Calls: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock { $0 } }
    }

    /// The rows with a key, each of so many bytes.
    private static func rows(
        _ transaction: GuestTransaction, _ index: String, _ key: [UInt8], byteCount: Int = 16
    ) throws -> [[UInt8]] {
        let id = try transaction.index(named: index)
        let bytes = try key.withUnsafeBytes { try transaction.scan(id, key: $0) }.readAll()
        return stride(from: 0, to: bytes.count, by: byteCount).map { Array(bytes[$0..<($0 + byteCount)]) }
    }

    /// A view of the rows with id 42.
    private func byKey(_ calls: Calls) throws -> ScenarioDatabase {
        try ScenarioDatabase(
            "t(id u64 unique, n u64)",
            views: [
                ScenarioDatabase.View(name: "answer", table: "t", isAnonymous: true) { transaction in
                    calls.add()
                    return try Self.rows(transaction, "t_id", UInt64(42).bsatn())
                }
            ])
    }

    @Test func aViewIsEvaluatedAgainOnlyWhenWhatItHasReadWasWritten() throws {
        let calls = Calls()
        let db = try byKey(calls)
        let client = FakeSession(db.core, as: Caller(identity: Identity(number: 1)))
        try client.subscribe(1, "SELECT * FROM answer")
        #expect(calls.value == 1)
        #expect(client.rows(1).isEmpty)
        try db.commit(.insert("t", 42, 0))
        #expect(calls.value == 2)
        #expect(client.takeChanges(1) == ([], [db.row("t", 42, 0)]))
        try db.commit(.insert("t", 22, 0))
        #expect(calls.value == 2)
        try db.commit(.delete("t", 42, 0), .insert("t", 42, 1))
        #expect(calls.value == 3)
        #expect(client.takeChanges(1) == ([db.row("t", 42, 0)], [db.row("t", 42, 1)]))
    }

    @Test func whatAViewChangesComesInTheSameUpdateAndTakesNoOffset() throws {
        let db = try byKey(Calls())
        let offset = try db.core.runner.lastOffset()
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT * FROM answer", "SELECT * FROM t")
        #expect(try db.core.runner.lastOffset() == offset)
        try db.commit(.insert("t", 42, 7))
        #expect(client.updates.count == 1)
        #expect(client.updates[0].changes.count == 2)
        #expect(try db.core.runner.lastOffset() == TxOffset(offset.rawValue + 1))
    }

    /// A view of the caller's own rows.
    private func own(_ calls: Calls = Calls(), primaryKey: [String] = []) throws -> ScenarioDatabase {
        try ScenarioDatabase(
            "t(who identity index, n u64)", "private hidden(n u64 unique, who identity)",
            views: [
                ScenarioDatabase.View(name: "mine", table: "t", primaryKey: primaryKey) { transaction in
                    calls.add()
                    return try Self.rows(
                        transaction, "t_who", transaction.caller.identity.bsatn(), byteCount: 40)
                }
            ])
    }

    @Test func eachCallerSeesItsOwnRowsOfAView() throws {
        let calls = Calls()
        let db = try own(calls)
        let (ada, bob) = (Identity(number: 1), Identity(number: 2))
        let clients = [ada, ada, bob].map { FakeSession(db.core, as: Caller(identity: $0)) }
        try db.commit(.insert("t", ada, 1))
        for client in clients { try client.subscribe(1, "SELECT * FROM mine") }
        // The two connections of one identity share the view.
        #expect(calls.value == 2)
        #expect(clients.map { $0.rows(1).count } == [1, 1, 0])
        try db.commit(.insert("t", bob, 2))
        #expect(calls.value == 3)
        #expect(clients[2].takeChanges(1) == ([], [db.row("t", bob, 2)]))
        #expect(clients[0].pull().isEmpty && clients[1].pull().isEmpty)
        clients[0].unsubscribe(1)
        clients[2].unsubscribe(1)
        try db.commit(.delete("t", ada, 1), .delete("t", bob, 2))
        #expect(clients[1].takeChanges(1) == ([db.row("t", ada, 1)], []))
        // Bob's was dropped instead of evaluated.
        #expect(calls.value == 4)
        try clients[2].subscribe(2, "SELECT * FROM mine WHERE n > 0")
        #expect(clients[2].rows(2).isEmpty)
        try db.commit(.insert("t", bob, 0), .insert("t", bob, 5))
        #expect(clients[2].rows(2) == [db.row("t", bob, 5)])
    }

    @Test func aViewIsJoinedWithTheRowsOfItsCaller() throws {
        let db = try own()
        let (ada, bob) = (Identity(number: 1), Identity(number: 2))
        let clients = [ada, bob].map { FakeSession(db.core, as: Caller(identity: $0)) }
        for client in clients { try client.subscribe(1, "SELECT t.* FROM mine JOIN t ON mine.who = t.who") }
        try db.commit(.insert("t", ada, 1), .insert("t", bob, 2), .insert("t", bob, 3))
        #expect(clients[0].rows(1) == [db.row("t", ada, 1)])
        #expect(clients[1].rows(1).count == 4)
        try db.commit(.delete("t", bob, 3))
        #expect(clients[1].rows(1) == [db.row("t", bob, 2)])
    }

    @Test func windowsAndCountsOfAViewAreThoseOfItsCaller() throws {
        let db = try own()
        let (ada, bob) = (Identity(number: 1), Identity(number: 2))
        let client = FakeSession(db.core, as: Caller(identity: ada))
        try client.subscribe(1, "SELECT * FROM mine ORDER BY n DESC LIMIT 1")
        try client.subscribe(2, "SELECT COUNT(*) AS n FROM mine")
        try db.commit(.insert("t", ada, 1), .insert("t", ada, 2), .insert("t", bob, 3))
        #expect(client.rows(1) == [db.row("t", ada, 2)])
        #expect(client.rows(2) == [UInt64(2).bsatn()])
        try db.commit(.delete("t", ada, 2))
        #expect(client.rows(1) == [db.row("t", ada, 1)])
        #expect(client.rows(2) == [UInt64(1).bsatn()])
    }

    @Test func aViewThatFailsUndoesWhatCausedIt() throws {
        let db = try ScenarioDatabase(
            "t(id u64 unique, n u64)",
            views: [
                ScenarioDatabase.View(name: "fragile", table: "t", isAnonymous: true) { transaction in
                    let rows = try Self.rows(transaction, "t_id", UInt64(1).bsatn())
                    if try transaction.count(transaction.table(named: "t")) > 1 { throw SenderError("too many") }
                    return rows
                }
            ])
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT * FROM fragile")
        try db.commit(.insert("t", 1, 0))
        #expect(client.rows(1) == [db.row("t", 1, 0)])
        let offset = try db.core.runner.lastOffset()
        let error = #expect(throws: DatabaseError.self) { try db.commit(.insert("t", 2, 0)) }
        #expect(error?.code == .moduleFailure)
        #expect(error?.message.contains("too many") == true)
        #expect(try db.core.runner.lastOffset() == offset)
        #expect(try db.core.rows(of: #require(db.core.runner.datastore.tableID(named: "t"))).count == 1)
        // What it had read is still followed.
        try db.commit(.delete("t", 1, 0), .insert("t", 1, 9))
        #expect(client.rows(1) == [db.row("t", 1, 9)])
    }

    @Test func aViewThatFailsAtFirstRefusesTheSubscription() throws {
        let db = try ScenarioDatabase(
            "t(id u64 unique, n u64)",
            views: [
                ScenarioDatabase.View(name: "broken", table: "t", isAnonymous: true) { _ in throw SenderError("never") }
            ])
        let client = FakeSession(db.core)
        let error = #expect(throws: DatabaseError.self) { try client.subscribe(1, "SELECT * FROM broken") }
        #expect(error?.message.contains("never") == true)
        try db.commit(.insert("t", 1, 0))
        #expect(db.core.runner.views?.count == 0)
    }

    @Test func equalKeysOfAViewFailTheTransaction() throws {
        let db = try own(primaryKey: ["who"])
        let ada = Identity(number: 1)
        let client = FakeSession(db.core, as: Caller(identity: ada))
        try client.subscribe(1, "SELECT * FROM mine")
        try db.commit(.insert("t", ada, 1))
        let error = #expect(throws: DatabaseError.self) { try db.commit(.insert("t", ada, 2)) }
        #expect(error?.code == .uniqueViolation)
        try db.commit(.delete("t", ada, 1), .insert("t", ada, 2))
        // With a key clients see an update.
        guard let change = client.updates.last?.changes.first else {
            Issue.record("there was no update")
            return
        }
        #expect(change.delta.updatedRows() == [.init(deleted: 0, inserted: 0)])
    }
}
