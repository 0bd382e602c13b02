import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

/// What plans give, against what queries mean.
@Suite struct PlanOracleTests {
    /// All that a planner may do, nothing of it, and some.
    private static func options(_ random: inout RandomValues) -> [PlannerOptions] {
        var some = PlannerOptions()
        some.usesIndexes = !random.oneIn(3)
        some.usesHashJoins = !random.oneIn(3)
        some.reordersJoins = !random.oneIn(3)
        some.pushesConditions = !random.oneIn(3)
        return [PlannerOptions(), .unoptimised, some]
    }

    private static func isArithmetic(_ error: any Error) -> Bool {
        switch error as? EngineError {
        case .arithmeticOverflow, .divisionByZero: true
        default: false
        }
    }

    @Test func everyPlanGivesWhatNestedLoopsGive() throws {
        try compareAllPlans(from: freshSeed(), count: seedCount(40))
    }

    /// Its sixth query asks for the greatest value of a column of options that has an index, where some are nil.
    @Test func nilIsNotTheGreatestValueOfAnIndex() throws {
        try compareAllPlans(from: 10_456_735_214_218_157_760, count: 1)
    }

    private func compareAllPlans(from base: UInt64, count: UInt64) throws {
        var (asked, compared, failing) = (0, 0, 0)
        for seed in base..<(base &+ count) {
            var random = RandomValues(seed: seed)
            var fixture = try DatastoreFixture(&random)
            for number in 0..<30 {
                if random.oneIn(4) { try fixture.commit(&random) }
                var queries = RandomQueries(fixture.model)
                let query = queries.next(&random)
                asked += 1
                let bound = query.bound(fixture.ids)
                let shape = ResultShape(query, fixture.model.schema)
                let evaluator = fixture.evaluator(query)
                let mayFail = evaluator.mayFail(bound)
                let expected = mayFail ? nil : try evaluator.run(bound)
                if mayFail { failing += 1 }
                let values = query.parameters.map { $0.value.bsatn() }
                let snapshot = random.oneIn(3) ? fixture.datastore.snapshot() : nil
                for (form, asked) in [bound, bound.foldingConditions()].enumerated() {
                    for options in Self.options(&random) {
                        let plan = fixture.planner.plan(asked, fixture.datastore, options: options)
                        func note() -> Comment {
                            Comment(
                                rawValue: "SPACETIME_SEED=\(seed), query \(number), form \(form): "
                                    + "\(query.sql(fixture.model.schema.tables) ?? "\(bound)") by \(plan)")
                        }
                        do {
                            let rows = try fixture.run(plan, values, over: snapshot)
                            // Another order of doing things may have met no number that does not fit.
                            guard let expected else { continue }
                            compared += 1
                            Self.compare(rows, expected, shape, query, note)
                        } catch {
                            if !mayFail || !Self.isArithmetic(error) { Issue.record(error, note()) }
                        }
                    }
                }
            }
        }
        #expect(compared > asked * 4, "\(compared) of \(asked), \(failing) may fail")
    }

    private static func compare(
        _ rows: [[UInt8]], _ expected: [[AlgebraicValue?]], _ shape: ResultShape, _ query: TestQuery,
        _ note: () -> Comment
    ) {
        let bytes = expected.map(shape.bytes)
        if query.isOrdered ? rows == bytes : rows.sortedBytes() == bytes.sortedBytes() { return }
        // Rows that are equal in key order may be cut off in any order.
        guard query.isOrdered, let values = try? rows.map(shape.values) else {
            Issue.record(note())
            return
        }
        #expect(SQLiteOracle.canonical(values) == SQLiteOracle.canonical(expected), note())
    }

    /// What changes gained and lost is the difference of the results before and after.
    @Test func deltaPlansGiveWhatChanged() throws {
        let base = freshSeed()
        var (compared, changed, refused) = (0, 0, 0)
        let features: RandomQueries.Features = [.joins, .columns, .parameters, .wordless]
        for seed in base..<(base &+ seedCount(30)) {
            var random = RandomValues(seed: seed)
            var fixture = try DatastoreFixture(&random)
            var generator = RandomQueries(fixture.model, features)
            var live: [(query: TestQuery, plan: LivePlan)] = []
            for _ in 0..<20 {
                var query = generator.next(&random)
                query.isDistinct = false
                do throws(PlanError) {
                    live.append((query, try fixture.planner.livePlan(query.bound(fixture.ids), fixture.datastore)))
                } catch { refused += 1 }
            }
            for step in 0..<12 {
                let before = fixture
                guard let changes = try fixture.commit(&random).map({ PlanChanges($0) }) else { continue }
                for (query, plan) in live {
                    let shape = ResultShape(query, fixture.model.schema)
                    let bound = query.bound(fixture.ids)
                    var counts: [[UInt8]: Int] = [:]
                    for row in try fixture.evaluator(query).run(bound) { counts[shape.bytes(row), default: 0] += 1 }
                    for row in try before.evaluator(query).run(bound) { counts[shape.bytes(row), default: 0] -= 1 }
                    if counts.contains(where: { $0.value != 0 }) { changed += 1 }
                    let values = query.parameters.map { $0.value.bsatn() }
                    for delta in plan.deltas {
                        for side in PlanChanges.Side.allCases {
                            for row in try fixture.run(delta.plan, values, changes: changes, taking: side) {
                                counts[row, default: 0] -= side == .inserts ? 1 : -1
                            }
                        }
                    }
                    let left = counts.filter { $0.value != 0 }
                    let text = query.sql(fixture.model.schema.tables) ?? "\(bound)"
                    #expect(left.isEmpty, "SPACETIME_SEED=\(seed), step \(step): \(text)")
                    compared += 1
                }
            }
        }
        #expect(compared > 2_000 && changed * 8 > compared, "\(changed) of \(compared), \(refused) refused")
    }

    /// A query that would do too much is stopped.
    @Test func budgetsEndQueries() throws {
        let base = freshSeed()
        var ended = 0
        for seed in base..<(base &+ 10) {
            var random = RandomValues(seed: seed)
            let fixture = try DatastoreFixture(&random)
            var queries = RandomQueries(fixture.model, .joins)
            for _ in 0..<20 {
                let query = queries.next(&random)
                let plan = fixture.planner.plan(
                    query.bound(fixture.ids), fixture.datastore, options: .unoptimised)
                let rows = try fixture.run(plan, [])
                guard rows.count > 3 else { continue }
                let produced = QueryBudget(rowsProduced: rows.count - 1)
                #expect(throws: EngineError.self, "SPACETIME_SEED=\(seed)") {
                    try fixture.run(plan, [], budget: produced)
                }
                #expect(try fixture.run(plan, [], budget: QueryBudget(rowsProduced: rows.count)) == rows)
                #expect(throws: EngineError.self) {
                    try fixture.run(plan, [], budget: QueryBudget(rowsExamined: 1))
                }
                ended += 1
            }
        }
        #expect(ended > 20)
    }
}
