import SpacetimeEngine
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// What is told of events beside other tables, by any joins, is what a query finds that is run right after the commit, over tables
/// in which its events are rows.
@Suite struct EventJoinOracleTests {
    private static let stored = [
        "people(who identity unique, team u64 index, rank u64)", "teams(id u64 unique, place u64 index)",
        "marks(team u64 index, mark u64)",
    ]
    private static let identities = (1...5).map { Identity(number: UInt256(UInt128($0))) }

    private static func query(_ random: inout RandomValues) -> String {
        let a = random.below(4)
        let conditions = [
            "", "WHERE n.team = \(a)", "WHERE n.team <> \(a) AND n.id < 3", "WHERE n.who = 0x\(identities[a])",
        ]
        let condition = conditions[random.below(conditions.count)]
        func and(_ text: String) -> String { condition.isEmpty ? "WHERE \(text)" : "\(condition) AND \(text)" }
        switch random.below(12) {
        case 0: return "SELECT * FROM news n \(condition)"
        case 1: return "SELECT n.* FROM news n JOIN people p ON p.team = n.team \(condition)"
        case 2: return "SELECT p.* FROM news n JOIN people p ON p.team = n.team \(condition)"
        case 3: return "SELECT n.* FROM news n LEFT JOIN people p ON p.team = n.team \(condition)"
        case 4: return "SELECT n.* FROM news n LEFT JOIN people p ON p.team = n.team \(and("p.who IS NULL"))"
        case 5:
            return "SELECT n.* FROM news n LEFT JOIN people p ON p.team = n.team AND p.rank > \(a) \(condition)"
        case 6: return "SELECT n.* FROM news n LEFT JOIN people p ON p.team = n.team \(and("p.rank <> \(a)"))"
        case 7:
            return "SELECT n.* FROM news n LEFT JOIN people p ON p.who = n.who LEFT JOIN teams t ON t.id = p.team "
                + and("t.place IS NULL")
        case 8:
            return
                "SELECT t.* FROM news n JOIN teams t ON t.id = n.team LEFT JOIN marks m ON m.team = t.id \(condition)"
        case 9:
            return "SELECT n.* FROM news n LEFT JOIN marks m ON m.team = n.team AND m.mark = n.id \(condition)"
        case 10:
            return "SELECT n.* FROM news n LEFT JOIN people p ON p.team = n.team LEFT JOIN marks m ON m.team = n.team "
                + and("m.mark > \(a) OR p.rank = \(a)")
        default:
            return
                "SELECT n.* FROM news n JOIN people p ON p.team = n.team JOIN marks m ON m.team = n.team \(condition)"
        }
    }

    private struct Model {
        var people: [Int: (team: Int, rank: Int)] = [:]
        var teams: [Int: Int] = [:]
        var marks: Set<[Int]> = []

        mutating func change(_ random: inout RandomValues) -> [ScenarioDatabase.Change] {
            let (id, team, other) = (random.below(5), random.below(4), random.below(4))
            switch random.below(3) {
            case 0:
                if let old = people.removeValue(forKey: id) {
                    return [.delete("people", identities[id], old.team, old.rank)]
                }
                people[id] = (team, other)
                return [.insert("people", identities[id], team, other)]
            case 1:
                if let old = teams.removeValue(forKey: team) { return [.delete("teams", team, old)] }
                teams[team] = other
                return [.insert("teams", team, other)]
            default:
                if marks.remove([team, other]) != nil { return [.delete("marks", team, other)] }
                marks.insert([team, other])
                return [.insert("marks", team, other)]
            }
        }

        var rows: [ScenarioDatabase.Change] {
            people.map { .insert("people", identities[$0.key], $0.value.team, $0.value.rank) }
                + teams.map { .insert("teams", $0.key, $0.value) } + marks.map { .insert("marks", $0[0], $0[1]) }
        }
    }

    @Test(.timeLimit(.minutes(10))) func eventsAreJoinedToWhatThereIsAfterTheirCommit() throws {
        for seed in [1, 2, freshSeed()] {
            var random = RandomValues(seed: seed)
            let db = try ScenarioDatabase(
                ["event news(id u64 unique, who identity, team u64)"] + Self.stored)
            let client = FakeSession(db.core)
            var texts: [String] = []
            for number in 0..<24 {
                let text = Self.query(&random)
                do throws(any Error) { try client.subscribe(UInt32(number), text) } catch {
                    Issue.record("SPACETIME_SEED=\(seed), refused: \(text): \(error)")
                }
                texts.append(text)
            }
            for number in texts.indices { #expect(client.rows(UInt32(number)).isEmpty) }
            var model = Model()
            for step in 0..<60 {
                var changes: [ScenarioDatabase.Change] = []
                for _ in 0..<random.below(3) { changes += model.change(&random) }
                var events: [ScenarioDatabase.Change] = []
                for id in 0..<random.below(4) {
                    events.append(.insert("news", id, Self.identities[random.below(5)], random.below(4)))
                }
                // Between the changes of others, since their order does not matter.
                changes.insert(contentsOf: events, at: random.below(changes.count + 1))
                if changes.isEmpty { continue }
                try db.commit(changes)
                let mirror = try ScenarioDatabase(
                    ["news(id u64 unique, who identity, team u64)"] + Self.stored)
                try mirror.commit(model.rows + events)
                var told: [Int: [[UInt8]]] = [:]
                for case .update(let update) in client.pull() {
                    for change in update.changes {
                        let number = Int(change.set.rawValue)
                        #expect(change.delta.deletes.isEmpty, "an event was taken back: \(texts[number])")
                        change.delta.inserts.forEach { told[number, default: []].append(Array($0)) }
                    }
                }
                for (number, text) in texts.enumerated() {
                    var expected: [[UInt8]] = []
                    try mirror.core.statements.run(Statements.Request(text, as: mirror.core.owner)).rows
                        .forEach { expected.append(Array($0)) }
                    #expect(
                        (told[number] ?? []).sortedBytes() == expected.sortedBytes(),
                        "SPACETIME_SEED=\(seed), step \(step): \(text)")
                }
            }
            try db.core.runner.checkInvariants()
        }
    }
}
