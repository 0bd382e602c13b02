import SpacetimeEngine
import SpacetimeSATS
import Testing

@testable import SpacetimeHost

@Suite struct QueryPlanCacheTests {
    private func query(_ number: UInt64) -> BoundQuery {
        BoundQuery(tables: [], output: .columns([QueryColumn("n", .literal(number.bsatn(), .u64))]))
    }

    private func compiled() throws(EngineError) -> CompiledPlan {
        try CompiledPlan(
            Plan(steps: [], output: .columns([QueryColumn("n", .literal(UInt64(1).bsatn(), .u64))])),
            PlanTables(table: { _ in nil }, index: { _ in nil }))
    }

    @Test func aPlanIsMadeOnceForTablesOfAboutASize() throws {
        let plans = QueryPlans()
        var made = 0
        func ask(_ sizes: [Int]) throws {
            _ = try plans.plan(query(1), sizes) { () throws(EngineError) in
                made += 1
                return try compiled()
            }
        }
        try ask([0, 1_000])
        try ask([60, 3_000])
        #expect(made == 1)
        try ask([500, 3_000])
        #expect(made == 2)
        try ask([500, 3_100])
        #expect(made == 2)
        try ask([500, 100])
        #expect(made == 3)
    }

    @Test func noMorePlansAreKeptThanMayBe() throws {
        let plans = QueryPlans()
        var made = 0
        for round in 0..<2 {
            for number in 0...UInt64(QueryPlans.limit) {
                _ = try plans.plan(query(number), []) { () throws(EngineError) in
                    made += 1
                    return try compiled()
                }
            }
            #expect(made > QueryPlans.limit * (round + 1))
        }
    }

    @Test func aPlanThatCannotBeMadeIsNotKept() throws {
        let plans = QueryPlans()
        for _ in 0..<2 {
            #expect(throws: EngineError.self) {
                try plans.plan(query(1), []) { () throws(EngineError) in throw .invalidPlan("no") }
            }
        }
        _ = try plans.plan(query(1), []) { () throws(EngineError) in try compiled() }
    }
}
