import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

/// Random queries over random tables: plans for data of other sizes return the same rows, and what pruning discards does not
/// matter.
@Suite struct RandomPlanTests {
    @Test func plansForOtherSizesGiveTheSameRows() throws {
        let base = freshSeed()
        var (compared, indexed, hashed, ordered, inRuns, inRanges) = (0, 0, 0, 0, 0, 0)
        for seed in base..<(base &+ seedCount(40)) {
            var random = RandomValues(seed: seed)
            var fixture = try DatastoreFixture(&random)
            for number in 0..<40 {
                if random.oneIn(4) { try fixture.commit(&random) }
                var queries = RandomQueries(fixture.model)
                let query = queries.next(&random)
                let bound = random.oneIn(2) ? query.bound(fixture.ids) : query.bound(fixture.ids).foldingConditions()
                guard !fixture.evaluator(query).mayFail(bound) else { continue }
                let shape = ResultShape(query, fixture.model.schema)
                let values = query.parameters.map { $0.value.bsatn() }
                func canonical(_ plan: Plan) throws -> [[SQLiteDatabase.Value]] {
                    let rows = SQLiteOracle.canonical(try fixture.run(plan, values).map(shape.values))
                    return query.isOrdered ? rows : rows.sortedRows()
                }
                let expected = try canonical(fixture.planner.plan(bound, fixture.datastore, options: .unoptimised))
                for (name, plan) in Self.plans(of: bound, fixture.planner) {
                    let text = PlanDescription(plan, fixture.planner, fixture.datastore).description
                    #expect(
                        try canonical(plan) == expected, "SPACETIME_SEED=\(seed), query \(number), \(name):\n\(text)")
                    compared += 1
                    indexed += plan.steps.contains { $0.access.isIndexed } ? 1 : 0
                    hashed += plan.steps.contains { if case .hash = $0.access { true } else { false } } ? 1 : 0
                    inRuns += plan.sortedTerms > 0 ? 1 : 0
                    inRanges += plan.steps.contains { if case .ranges = $0.access { true } else { false } } ? 1 : 0
                    ordered += plan.order.isEmpty && !bound.order.isEmpty ? 1 : 0
                }
            }
        }
        #expect(
            indexed * 3 > compared && hashed * 40 > compared && ordered > 10 && inRuns > 10 && inRanges > 10,
            "\(indexed), \(hashed), \(ordered), \(inRuns), \(inRanges) of \(compared)")
    }

    /// For large tables, for tables of very different sizes, and without some of what a planner may do.
    private static func plans(of query: BoundQuery, _ planner: Planner) -> [(String, Plan)] {
        let large = FixedStatistics(planner, defaultRows: 100_000, rowsPerKey: 3)
        var rows: [TableID: Int] = [:]
        for (slot, table) in query.tables.enumerated() { rows[table.id] = 10 << (5 * slot) }
        let skewed = FixedStatistics(planner, rows: rows, rowsPerKey: 1_000)
        var unindexed = PlannerOptions()
        unindexed.usesIndexes = false
        var inOrder = PlannerOptions()
        inOrder.reordersJoins = false
        return [
            ("large", planner.plan(query, large)), ("skewed", planner.plan(query, skewed)),
            ("unindexed", planner.plan(query, large, options: unindexed)),
            ("in order", planner.plan(query, skewed, options: inOrder)),
        ]
    }

    @Test func whatPruningDiscardsDoesNotMatter() throws {
        let base = freshSeed()
        var (discarded, tested) = (0, 0)
        for seed in base..<(base &+ seedCount(30)) {
            var random = RandomValues(seed: seed)
            var fixture = try DatastoreFixture(&random)
            for number in 0..<20 {
                var queries = RandomQueries(fixture.model, [.joins])
                let bound = queries.next(&random).bound(fixture.ids)
                let plan = try fixture.planner.livePlan(bound, fixture.datastore, rule: .none)
                guard let set = try fixture.commit(&random) else { continue }
                let changes = PlanChanges(set)
                for delta in plan.deltas {
                    for side in PlanChanges.Side.allCases {
                        let batch = side == .inserts ? set[delta.table]?.inserts : set[delta.table]?.deletes
                        guard let batch, batch.count > 0 else { continue }
                        tested += 1
                        let table = fixture.ids.firstIndex(of: delta.table) ?? 0
                        var mayConcern = false
                        batch.forEach { row in
                            if delta.pruning.mayConcern(fixture.model.row(Array(row), table)) { mayConcern = true }
                        }
                        if mayConcern { continue }
                        discarded += 1
                        let rows = try fixture.run(delta.plan, [], changes: changes, taking: side)
                        #expect(rows.isEmpty, "SPACETIME_SEED=\(seed), query \(number): \(delta.pruning)")
                    }
                }
            }
        }
        #expect(discarded * 20 > tested, "\(discarded) of \(tested)")
    }
}

extension PlanPruning {
    /// Whether a row meets the equalities and lists.
    fileprivate func mayConcern(_ row: [AlgebraicValue]) -> Bool {
        if isNever { return false }
        for equality in equalities {
            guard case .literal(let bytes) = equality.value else { continue }
            if row.value(at: equality.field.path)?.bsatn() != bytes { return false }
        }
        for range in ranges {
            guard let value = row.value(at: range.field.path) else { return false }
            func bound(_ operand: Plan.Operand) -> AlgebraicValue? {
                guard case .literal(let bytes) = operand else { return nil }
                return try? AlgebraicValue(bsatn: bytes, type: range.field.type)
            }
            switch range.lower {
            case .included(let operand): if let bound = bound(operand), value < bound { return false }
            case .excluded(let operand): if let bound = bound(operand), !(bound < value) { return false }
            case .unbounded: break
            }
            switch range.upper {
            case .included(let operand): if let bound = bound(operand), bound < value { return false }
            case .excluded(let operand): if let bound = bound(operand), !(value < bound) { return false }
            case .unbounded: break
            }
        }
        return true
    }
}

extension [AlgebraicValue] {
    fileprivate func value(at path: FieldPath) -> AlgebraicValue? {
        var value = self[path.column.index]
        for step in path.steps {
            switch (step, value) {
            case (.field(let position), .product(let fields)): value = fields[position]
            case (.payload(let tag), .sum(let own, let payload)) where own == tag: value = payload
            default: return nil
            }
        }
        return value
    }
}
