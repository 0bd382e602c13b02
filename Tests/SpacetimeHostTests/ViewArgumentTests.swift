import SpacetimeEngine
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeHost

/// A view with parameters is called once for each list of arguments, and has rows of its own for each.
@Suite struct ViewArgumentTests {
    private final class Calls: Sendable {
        private let list = Mutex<[UInt64]>([])
        func add(_ value: UInt64) { list.withLock { $0.append(value) } }
        func take() -> [UInt64] {
            list.withLock { list in
                defer { list = [] }
                return list
            }
        }
    }

    private static let (ada, bob) = (Identity(number: 1), Identity(number: 2))

    /// `level(n)`: the rows with that level, for all. `own(n, tag)`: those of the caller with that level, whatever the tag.
    private func database(_ calls: Calls = Calls()) throws -> ScenarioDatabase {
        @Sendable func rows(_ transaction: GuestTransaction, _ level: UInt64) throws -> [[UInt8]] {
            let index = try transaction.index(named: "t_level")
            let bytes = try level.bsatn().withUnsafeBytes { try transaction.scan(index, key: $0) }.readAll()
            return stride(from: 0, to: bytes.count, by: 48).map { Array(bytes[$0..<($0 + 48)]) }
        }
        return try ScenarioDatabase(
            "t(id u64 unique, who identity, level u64 index)", "u(level u64 index, name string)",
            views: [
                ScenarioDatabase.View(name: "level", table: "t", isAnonymous: true, parameters: [("n", .u64)]) {
                    transaction, reader in
                    let level = try reader.readU64()
                    try reader.finish()
                    calls.add(level)
                    return try rows(transaction, level)
                },
                ScenarioDatabase.View(name: "own", table: "t", parameters: [("n", .u64), ("tag", .string)]) {
                    transaction, reader in
                    let level = try reader.readU64()
                    _ = try reader.readString()
                    let caller = try transaction.caller.identity.bsatn()
                    return try rows(transaction, level).filter { Array($0[8..<40]) == caller }
                },
                ScenarioDatabase.View(name: "asked", table: "t", parameters: [("n", .u64)]) {
                    (transaction, reader) -> String in
                    let level = try reader.readU64()
                    return "SELECT * FROM t WHERE level = \(level) AND who = 0x\(try transaction.caller.identity)"
                },
            ])
    }

    @Test func eachListOfArgumentsHasItsRows() throws {
        let calls = Calls()
        let db = try database(calls)
        let clients = [Self.ada, Self.bob].map { FakeSession(db.core, as: Caller(identity: $0)) }
        try clients[0].subscribe(1, "SELECT * FROM level(5)", "SELECT * FROM level(6)")
        try clients[1].subscribe(1, "SELECT * FROM level(5)")
        #expect(calls.take() == [5, 6])
        try db.commit(.insert("t", 1, Self.ada, 5), .insert("t", 2, Self.bob, 6), .insert("t", 3, Self.bob, 7))
        #expect(calls.take() == [5, 6])
        #expect(clients[0].rows(1) == [db.row("t", 1, Self.ada, 5)])
        #expect(clients[0].rows(1, query: 1) == [db.row("t", 2, Self.bob, 6)])
        #expect(clients[1].rows(1) == [db.row("t", 1, Self.ada, 5)])
        try db.commit(.delete("t", 1, Self.ada, 5), .insert("t", 1, Self.ada, 6))
        #expect(clients[1].rows(1).isEmpty)
        #expect(clients[0].rows(1, query: 1).count == 2)
        // What two subscribe to is shared as one kind of query.
        #expect(try db.core.sessions.queryCount() == 2)
    }

    @Test(arguments: ["own(5, 'x')", "asked(5)"]) func callerAndArgumentsTogetherSayWhichRows(_ call: String) throws {
        let db = try database()
        let clients = [Self.ada, Self.bob].map { FakeSession(db.core, as: Caller(identity: $0)) }
        for client in clients {
            try client.subscribe(1, "SELECT * FROM \(call) WHERE id > 1", "SELECT * FROM \(call) v WHERE v.id <= 1")
        }
        try db.commit(
            .insert("t", 1, Self.ada, 5), .insert("t", 2, Self.ada, 5), .insert("t", 3, Self.bob, 5),
            .insert("t", 4, Self.bob, 6))
        #expect(clients[0].rows(1) == [db.row("t", 2, Self.ada, 5)])
        #expect(clients[0].rows(1, query: 1) == [db.row("t", 1, Self.ada, 5)])
        #expect(clients[1].rows(1) == [db.row("t", 3, Self.bob, 5)])
        #expect(clients[1].rows(1, query: 1).isEmpty)
    }

    @Test func viewsWithArgumentsAreJoinedCountedAndAskedOnce() throws {
        let db = try database()
        try db.commit(
            .insert("t", 1, Self.ada, 5), .insert("t", 2, Self.ada, 6), .insert("u", 5, "five"), .insert("u", 6, "six"))
        func count(_ text: String) throws -> Int {
            try db.core.statements.run(Statements.Request(text, as: Caller(identity: Self.ada))).rows.count
        }
        #expect(try count("SELECT u.name FROM level(5) v JOIN u ON v.level = u.level") == 1)
        #expect(try count("SELECT a.id FROM level(5) a JOIN own(6, '') b ON a.id < b.id") == 1)
        #expect(try count("SELECT u.name, v.id FROM u LEFT JOIN level(5) v ON v.level = u.level") == 2)
        let request = Statements.Request("SELECT id FROM level(:n)", ["n": 6], as: Caller(identity: Self.bob))
        #expect(try db.core.statements.run(request).rows.count == 1)
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT v.* FROM u JOIN level(6) v ON v.level = u.level")
        #expect(client.rows(1) == [db.row("t", 2, Self.ada, 6)])
        try db.commit(.delete("u", 6, "six"))
        #expect(client.rows(1).isEmpty)
        // Rows of a view are rows of that view to clients, also behind a join.
        let change = try #require(client.updates.last?.changes.first)
        #expect(change.delta.table == db.core.runner.datastore.tableID(named: "level"))
    }

    @Test(arguments: [
        ("SELECT * FROM level", "level(n: UInt64)"), ("SELECT * FROM level()", "1 arguments, not 0"),
        ("SELECT * FROM level(1, 2)", "1 arguments, not 2"), ("SELECT * FROM level('x')", "'x'"),
        ("SELECT * FROM t(1)", "takes no arguments"), ("SELECT * FROM level(1 + 1)", "only literals"),
        ("SELECT * FROM nothing(1)", "no table 'nothing'"),
    ]) func aCallThatDoesNotFitIsRefused(_ text: String, _ part: String) throws {
        let db = try database()
        let client = FakeSession(db.core)
        let error = #expect(throws: DatabaseError.self) { try client.subscribe(1, text) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test func aViewWithParametersIsNoneOfAllTables() throws {
        let db = try database()
        let client = FakeSession(db.core, as: Caller(identity: Self.ada))
        try client.subscribe(1, "SELECT * FROM *")
        // t and u.
        #expect(client.session.sets[QuerySetID(1)]?.count == 2)
    }

    @Test func aFloatIsNoArgument() throws {
        let error = #expect(throws: DatabaseError.self) {
            try ScenarioDatabase(
                "t(id u64 unique)",
                views: [
                    ScenarioDatabase.View(name: "near", table: "t", parameters: [("x", .f32)]) { _, _ in
                        [] as [[UInt8]]
                    }
                ])
        }
        #expect(error?.code == .invalidModule)
        #expect(error?.message.contains("'near'") == true)
    }
}
