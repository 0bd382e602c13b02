import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// Conditions over random tables against a naive evaluation on decoded rows: through every way that they take.
@Suite struct ConditionOracleTests {
    private typealias Row = RandomTable.Row

    private struct Fixture {
        var random: DeterministicRandom
        let table: RandomTable
        let core: DatabaseCore
        var rows: [Int: Row] = [:]

        init(seed: UInt64) throws {
            random = DeterministicRandom(seed: seed)
            table = RandomTable(&random)
            core = try open(table.module)
            for id in 0..<120 where !random.oneIn(5) { try put(id) }
        }

        var id: TableID { core.catalog.tableMap.table(at: 0) }
        var all: [Row] { rows.keys.sorted().compactMap { rows[$0] } }

        mutating func put(_ id: Int) throws {
            let row = table.row(id, &random)
            rows[id] = row
            try core.runner.call("put", arguments: RandomTable.image(row), as: core.owner)
        }

        mutating func remove(_ id: Int) throws {
            rows[id] = nil
            try core.runner.call("remove", arguments: UInt32(id).bsatn(), as: core.owner)
        }

        mutating func condition() -> RandomTable.Condition { table.condition(&random, all) }

        func expected(_ condition: RandomTable.Condition) -> [[UInt8]] {
            all.filter(condition.holds).map(RandomTable.image).sortedBytes()
        }

        func read<Result>(_ body: () throws -> Result) throws -> Result {
            _ = try core.runner.beginRead()
            defer { core.runner.endRead() }
            return try body()
        }
    }

    private static func images(_ scan: RowScan) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        scan.forEach { rows.append(Array($0)) }
        return rows
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func everyPlanFindsWhatDecodedRowsSay(seed: UInt64) throws {
        var fixture = try Fixture(seed: seed)
        let (core, table) = (fixture.core, fixture.id)
        let snapshot = try core.runner.snapshot()
        for number in 0..<60 {
            let condition = fixture.condition()
            let expected = fixture.expected(condition)
            let note = Comment(rawValue: "seed \(seed), condition \(number): \(condition.predicate)")
            try fixture.read {
                let compiled = try core.runner.datastore.compile(condition.predicate, for: table)
                let full = Self.images(try core.runner.datastore.scan(table, where: compiled))
                #expect(full.sortedBytes() == expected, note)
                let planned = Self.images(try core.runner.search.scan(table, where: condition.predicate))
                #expect(planned.sortedBytes() == expected, note)
                #expect(try core.runner.search.count(table, where: condition.predicate) == expected.count, note)
                // From the back, and in part.
                let limit = expected.count / 2
                let reversed = Self.images(
                    try core.runner.search.scan(table, where: condition.predicate, window: ScanWindow(isReversed: true))
                )
                #expect(reversed == planned.reversed(), note)
                let some = Self.images(
                    try core.runner.search.scan(
                        table, where: condition.predicate, window: ScanWindow(isReversed: true, limit: limit)))
                #expect(some == Array(reversed.prefix(limit)), note)
            }
            var seen: [[UInt8]] = []
            try core.catalog.forEachRow(of: table, in: snapshot, where: condition.predicate) { seen.append(Array($0)) }
            #expect(seen.sortedBytes() == expected, note)
        }
    }

    /// Every index by itself, whether the planner would choose it or not.
    @Test(arguments: 100...120 as ClosedRange<UInt64>)
    func everyIndexFindsWhatDecodedRowsSay(seed: UInt64) throws {
        var fixture = try Fixture(seed: seed)
        let (core, table) = (fixture.core, fixture.id)
        let snapshot = try core.runner.snapshot()
        var used = 0
        for number in 0..<150 {
            let condition = fixture.condition()
            let expected = fixture.expected(condition)
            for plan in core.catalog.planner.allPlans(condition.predicate, for: table) {
                used += 1
                try fixture.read {
                    let rows = Self.images(try core.runner.search.scan(table, by: plan))
                    #expect(rows.sortedBytes() == expected, "seed \(seed), condition \(number): \(plan)")
                }
                var seen: [[UInt8]] = []
                if try core.catalog.forEachRow(of: table, in: snapshot, by: plan, { seen.append(Array($0)) }) {
                    #expect(seen.sortedBytes() == expected, "seed \(seed), condition \(number): \(plan)")
                }
            }
        }
        #expect(used > 20, "seed \(seed)")
    }

    @Test(arguments: 200...215 as ClosedRange<UInt64>)
    func subscriptionsFollowWhatDecodedRowsSay(seed: UInt64) throws {
        var fixture = try Fixture(seed: seed)
        var watched: [(condition: RandomTable.Condition, client: FakeSession)] = []
        for _ in 0..<12 {
            let condition = fixture.condition()
            let client = FakeSession(fixture.core)
            try client.subscribe(1, SessionQuery(fixture.id, where: condition.predicate))
            watched.append((condition, client))
        }
        for _ in 0..<80 {
            let id = fixture.random.below(120)
            if fixture.random.oneIn(3) { try fixture.remove(id) } else { try fixture.put(id) }
        }
        for (condition, client) in watched {
            #expect(client.rows(1) == fixture.expected(condition), "seed \(seed): \(condition.predicate)")
        }
    }

    @Test(arguments: 300...330 as ClosedRange<UInt64>)
    func deletingTakesWhatDecodedRowsSay(seed: UInt64) throws {
        var fixture = try Fixture(seed: seed)
        let (core, table) = (fixture.core, fixture.id)
        for number in 0..<30 {
            let condition = fixture.condition()
            let expected = fixture.expected(condition)
            let before = fixture.all.map(RandomTable.image)
            _ = try core.runner.beginCall("put")
            let count = try core.runner.search.delete(table, where: condition.predicate)
            let left = Self.images(try core.runner.datastore.scan(table))
            core.runner.abortCall()
            #expect(count == expected.count, "seed \(seed), condition \(number): \(condition.predicate)")
            #expect(Set(left) == Set(before).subtracting(expected))
            #expect(try core.rows(of: table).count == before.count)
        }
    }
}

extension [[UInt8]] {
    func sortedBytes() -> [[UInt8]] { sorted { $0.lexicographicallyPrecedes($1) } }
}
