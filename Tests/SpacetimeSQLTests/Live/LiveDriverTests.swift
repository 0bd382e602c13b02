import SpacetimeEngine
import SpacetimeTestSupport
import Testing

/// The driver itself: it agrees with what is right, and finds what is wrong.
@Suite struct LiveDriverTests {
    private func driver(_ seed: UInt64, _ fault: NaiveLiveHost.Fault) throws -> LiveDriver<NaiveLiveHost> {
        try LiveDriver(seed: seed, queries: 8) { schema in
            let host = NaiveLiveHost(schema, fault: fault)
            return (host, host.tableIDs)
        }
    }

    @Test func whatIsRecomputedIsRight() throws {
        let base = freshSeed()
        var (pairs, changed) = (0, 0)
        for seed in base..<(base &+ 4) {
            var driver = try driver(seed, .none)
            try driver.run(commits: 25)
            pairs += driver.pairs
            changed += driver.changed
        }
        // Commits matter to the queries.
        #expect(pairs > 400 && changed * 10 > pairs, "\(changed) of \(pairs)")
    }

    @Test(arguments: NaiveLiveHost.Fault.allCases.filter { $0 != .none })
    func faultsAreFound(_ fault: NaiveLiveHost.Fault) throws {
        let base = freshSeed()
        #expect(throws: LiveDriver<NaiveLiveHost>.Mismatch.self, "SPACETIME_SEED=\(base)") {
            for seed in base..<(base &+ 20) {
                var driver = try driver(seed, fault)
                try driver.run(commits: 30)
            }
        }
    }
}
