import SpacetimeEngine
import SpacetimeSATS
import Testing

@testable import SpacetimeHost

/// After any commits and undone transactions a view has the rows that evaluating it anew gives.
@Suite struct ViewOracleTests {
    private static let callers = (1...4).map { Identity(number: UInt256(UInt128($0))) }

    /// Views of the kinds that there are, and queries that the owner asks for the same rows.
    private struct Case: Sendable {
        let text: String
        let oracle: @Sendable (Identity) -> String
    }

    private static let cases: [Case] = [
        Case(text: "SELECT * FROM mine") { "SELECT * FROM piece WHERE who = 0x\($0)" },
        Case(text: "SELECT * FROM asked") { "SELECT * FROM piece WHERE who = 0x\($0)" },
        Case(text: "SELECT * FROM level(2)") { _ in "SELECT * FROM piece WHERE level = 2" },
        Case(text: "SELECT * FROM near(3)") {
            "SELECT DISTINCT p.* FROM grants g JOIN piece p ON p.level = g.level WHERE g.who = 0x\($0) AND p.level < 3"
        },
        Case(text: "SELECT * FROM doc") {
            // The union of both rules, which SQL here does not have: at most one of each, by the key.
            "SELECT d.* FROM doc d LEFT JOIN grants g ON g.level = d.folder AND g.who = 0x\($0) "
                + "WHERE d.owner = 0x\($0) OR g.who IS NOT NULL"
        },
    ]

    private func database() throws -> ScenarioDatabase {
        @Sendable func rows(_ transaction: GuestTransaction, _ index: String, _ key: [UInt8]) throws -> [[UInt8]] {
            let index = try transaction.index(named: index)
            let bytes = try key.withUnsafeBytes { try transaction.scan(index, key: $0) }.readAll()
            return stride(from: 0, to: bytes.count, by: 48).map { Array(bytes[$0..<($0 + 48)]) }
        }
        return try ScenarioDatabase(
            "piece(id u64 unique, who identity index, level u64 index)", "grants(level u64 index, who identity index)",
            "doc(id u64 unique, folder u64 index, owner identity index)",
            rules: [
                "SELECT * FROM doc WHERE owner = :sender",
                "SELECT d.* FROM grants g JOIN doc d ON d.folder = g.level WHERE g.who = :sender",
            ],
            views: [
                ScenarioDatabase.View(name: "mine", table: "piece") { transaction in
                    try rows(transaction, "piece_who", transaction.caller.identity.bsatn())
                },
                ScenarioDatabase.View(name: "asked", table: "piece") { (transaction, _) -> String in
                    "SELECT * FROM piece WHERE who = 0x\(try transaction.caller.identity)"
                },
                ScenarioDatabase.View(name: "level", table: "piece", isAnonymous: true, parameters: [("n", .u64)]) {
                    (transaction, reader) -> [[UInt8]] in
                    let found = try rows(transaction, "piece_level", try reader.readU64().bsatn())
                    // Equal rows are one, wherever they come from.
                    return found + found
                },
                ScenarioDatabase.View(name: "near", table: "piece", parameters: [("n", .u64)]) {
                    (transaction, reader) -> String in
                    "SELECT p.* FROM grants g JOIN piece p ON p.level = g.level "
                        + "WHERE g.who = 0x\(try transaction.caller.identity) AND p.level < \(try reader.readU64())"
                },
                ScenarioDatabase.View(name: "fragile", table: "piece", isAnonymous: true) { transaction in
                    if try transaction.count(transaction.table(named: "piece")) > 9 { throw SenderError("full") }
                    return []
                },
            ])
    }

    @Test(arguments: 0..<6) func aViewHasTheRowsThatEvaluatingItAnewGives(seed: UInt64) throws {
        var random = DeterministicRandom(seed: seed)
        let db = try database()
        let clients = Self.callers.map { FakeSession(db.core, as: Caller(identity: $0)) }
        for client in clients {
            for (number, view) in Self.cases.enumerated() { try client.subscribe(UInt32(number), view.text) }
            try client.subscribe(99, "SELECT * FROM fragile")
        }
        var (pieces, docs, grants): ([Int: (Identity, Int)], [Int: (Int, Identity)], Set<[Int]>) = ([:], [:], [])
        var undone = 0
        for step in 0..<120 {
            let before = (pieces, docs, grants)
            var changes: [ScenarioDatabase.Change] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let (id, level) = (Int.random(in: 0..<16, using: &random), Int.random(in: 0..<4, using: &random))
                let number = Int.random(in: 0..<4, using: &random)
                let who = Self.callers[number]
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    if let (who, level) = pieces.removeValue(forKey: id) {
                        changes.append(.delete("piece", id, who, level))
                        if Bool.random(using: &random) { continue }
                    }
                    pieces[id] = (who, level)
                    changes.append(.insert("piece", id, who, level))
                case 1:
                    if let (folder, owner) = docs.removeValue(forKey: id) {
                        changes.append(.delete("doc", id, folder, owner))
                        if Bool.random(using: &random) { continue }
                    }
                    docs[id] = (level, who)
                    changes.append(.insert("doc", id, level, who))
                default:
                    if grants.remove([level, number]) != nil {
                        changes.append(.delete("grants", level, who))
                    } else {
                        grants.insert([level, number])
                        changes.append(.insert("grants", level, who))
                    }
                }
            }
            do { try db.commit(changes) } catch {
                (pieces, docs, grants) = before
                undone += 1
            }
            for (client, caller) in zip(clients, Self.callers) {
                for (number, view) in Self.cases.enumerated() {
                    let request = Statements.Request(view.oracle(caller), as: db.core.owner)
                    var expected: [[UInt8]] = []
                    try db.core.statements.run(request).rows.forEach { expected.append(Array($0)) }
                    let rows = client.rows(UInt32(number))
                    #expect(
                        rows == expected.sortedBytes(), "seed \(seed), step \(step), caller \(caller): \(view.text)")
                    if rows != expected.sortedBytes() { return }
                }
            }
        }
        #expect(undone > 0, "seed \(seed): no transaction was undone")
        try db.core.runner.checkInvariants()
    }
}
