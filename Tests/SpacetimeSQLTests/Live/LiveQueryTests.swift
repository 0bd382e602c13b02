import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// What sessions are told, against what recomputing gives and SQLite says.
@Suite struct LiveQueryTests {
    /// How many (query, commit) pairs there are to be: SPACETIME_LIVE_PAIRS, or as many as a build can wait for.
    private static let wanted = environment("SPACETIME_LIVE_PAIRS") ?? 20_000
    /// What there are to be among them, for which it goes on a while if chance has not brought it.
    private static let kinds = [
        "rows of 1", "rows of 2", "outer rows of 2", "distinct of 1", "groups of 1", "groups of 2",
        "windows over rows of 1", "windows over rows of 2", "windows over groups of 1",
    ]

    @Test func incrementalEqualsRecomputed() throws {
        let base = freshSeed()
        var (pairs, changed) = (0, 0)
        var supported: [String: Int] = [:]
        var seed = base
        func isMissing(_ kind: String) -> Bool { supported[kind] == nil }
        while pairs < Self.wanted || pairs < 4 * Self.wanted && Self.kinds.contains(where: isMissing) {
            do {
                var made: SessionHost?
                var driver = try LiveDriver(seed: seed) { schema in
                    // Often everything is found without the lock, while others commit.
                    let host = try SessionHost(
                        schema, usesTexts: seed % 2 == 0, lockedRowLimit: [0, nil, 3, nil, 12][Int(seed % 5)])
                    made = host
                    return (host, host.tableIDs)
                }
                try driver.run(commits: 120)
                pairs += driver.pairs
                changed += driver.changed
                supported.merge(made?.supported ?? [:], uniquingKeysWith: +)
            } catch {
                Issue.record(error, "SPACETIME_SEED=\(seed)")
                pairs += 500
            }
            seed &+= 1
        }
        print("\(pairs) pairs of a query and a commit, \(changed) changed, from \(seed &- base) seeds")
        print("\(supported.sorted { $0.key < $1.key })")
        #expect(changed * 12 > pairs)
        for kind in Self.kinds {
            #expect(supported[kind] ?? 0 > 0, "no \(kind)")
        }
    }

    /// Left joins of three tables, in any order beside inner ones, and also of a table with itself.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func outerJoinsOfSeveralTablesAreFollowed(seed: UInt64) throws {
        var driver = try LiveDriver(seed: seed, tables: 2, queries: 6) { schema in
            let host = try SessionHost(
                schema, usesTexts: seed % 2 == 0, lockedRowLimit: seed % 3 == 0 ? 3 : nil
            ) { query in
                query.sources.count == 3 && query.sources.contains { $0.join == .left }
            }
            return (host, host.tableIDs)
        }
        try driver.run(commits: 80)
        #expect(driver.changed > 0)
    }

    /// Whatever the queries are and whatever happens while a client is away: it goes on with what has changed, or begins anew.
    @Test func whoComesBackHasTheRowsThatThereAre() throws {
        let base = freshSeed()
        let wanted = Self.wanted / 4
        var (pairs, resumed, renewed) = (0, 0, 0)
        var seed = base
        while pairs < wanted {
            var options = ResumeOptions()
            // Sometimes little is remembered, so that some come too late.
            if seed % 2 == 1 { options.changeLimit = 8 }
            if seed % 3 == 2 { options.byteLimit = 2_000 }
            if seed % 5 == 3 { options.queryLimit = 3 }
            do {
                var driver = try LiveDriver(seed: seed) { schema in
                    let host = try SessionHost(
                        schema, usesTexts: seed % 2 == 0, lockedRowLimit: [0, nil, 12][Int(seed % 3)],
                        resuming: options)
                    return (host, host.tableIDs)
                }
                try driver.run(commits: 100)
                pairs += driver.pairs
                resumed += driver.resumed
                renewed += driver.renewed
            } catch {
                Issue.record(error, "SPACETIME_SEED=\(seed)")
                pairs += 500
            }
            seed &+= 1
        }
        print("\(resumed) sets went on and \(renewed) began anew, from \(seed &- base) seeds")
        #expect(resumed > 10 && renewed > 0)
    }

    /// Found by the test above: groups that count rows of which nothing is looked at but what tells queries apart.
    @Test func rowsWithoutColumnsAreCounted() throws {
        var driver = try LiveDriver(seed: 4_030_524_569_167_814_225) { schema in
            let host = try SessionHost(schema, usesTexts: false)
            return (host, host.tableIDs)
        }
        try driver.run(commits: 120)
    }

    /// Found by the test above: nil and the greatest number touch in the order of keys, and are two keys of an index without order.
    @Test func alternativesThatTouchAreLookedUpEach() throws {
        var driver = try LiveDriver(seed: 16_506_440_388_169_619_279) { schema in
            let host = try SessionHost(schema, usesTexts: false, lockedRowLimit: 12)
            return (host, host.tableIDs)
        }
        try driver.run(commits: 120)
    }

    /// Found by the test above: a window and a sorted result put nil of an option and what an outer join left empty in two orders.
    @Test func whatIsMissingIsNilInAnOrder() throws {
        var driver = try LiveDriver(seed: 11_573_148_379_597_839_723) { schema in
            let host = try SessionHost(schema, usesTexts: false)
            return (host, host.tableIDs)
        }
        try driver.run(commits: 120)
    }

    /// Found by the test above.
    @Test func aQueryThatIsTwiceInASetLeavesOnce() throws {
        var random = RandomValues(seed: 1)
        let schema = RandomSchema(&random, tables: 1)
        let host = try SessionHost(schema)
        let (stays, leaves) = (host.connect(), host.connect())
        let query = TestQuery([TestQuery.Source(0, as: "a")])
        try stays.subscribe(1, to: [query]) {}
        for _ in 0..<2 {
            try leaves.subscribe(1, to: [query, query]) {}
            leaves.unsubscribe(1)
        }
        _ = stays.pull()
        let row = schema.row(0, &random)
        try host.commit([.insert(table: 0, ModelDatabase.bytes(row))])
        #expect(stays.pull().count == 2)
        // Nobody has it any more.
        try leaves.subscribe(2, to: [query, query]) {}
        stays.leave()
        leaves.unsubscribe(2)
        #expect(try host.queryCount() == 0)
    }
}
