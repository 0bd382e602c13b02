import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeEngine

/// Random queries by random plans, against nested loops over values.
@Suite struct RandomPlanTests {
    private struct Case {
        var tables: ModelDatastore
        var random: RandomValues

        init(_ seed: UInt64) throws {
            random = RandomValues(seed: seed)
            tables = try ModelDatastore(&random)
            for _ in 0..<25 { _ = try tables.transact(&random) }
        }

        /// A query that can be answered without a number that does not fit, and the values of its parameters.
        mutating func query(_ features: RandomQueries.Features) -> (BoundQuery, [AlgebraicValue])? {
            var queries = RandomQueries(tables.model, features)
            let query = queries.next(&random)
            var bound = query.bound(tables.ids)
            if random.oneIn(2) { bound = bound.foldingConditions() }
            let values = query.parameters.map(\.value)
            guard bound.hasEngineTypes, !tables.model.evaluator(tables.ids, parameters: values).mayFail(bound) else {
                return nil
            }
            return (bound, values)
        }

        mutating func runner(_ query: BoundQuery, _ values: [AlgebraicValue], changed: Int? = nil) throws -> PlanRunner
        {
            let plan = RandomPlans(tables.datastore).plan(query, changed: changed, &random)
            let runner = PlanRunner(try CompiledPlan(plan, for: tables.datastore))
            try runner.bind(values.map { $0.bsatn() })
            return runner
        }
    }

    @Test func plansFindWhatQueriesMean() throws {
        let base = freshSeed()
        var (asked, answered, empty) = (0, 0, 0)
        for seed in base..<(base &+ 60) {
            var test = try Case(seed)
            for number in 0..<30 {
                asked += 1
                guard let (query, values) = test.query(.all) else { continue }
                answered += 1
                let runner = try test.runner(query.unordered, values)
                let note = Comment(rawValue: "SPACETIME_SEED=\(seed), query \(number): \(runner.plan.plan)")
                let expected = try test.tables.expected(query.unordered, values, runner.plan.resultType).bag
                if expected.isEmpty { empty += 1 }
                #expect(try runner.rows(over: test.tables.datastore).bag == expected, note)
                // Again, with what the first run left behind.
                #expect(try runner.rows(over: test.tables.datastore).bag == expected, note)
                #expect(try runner.rows(over: test.tables.datastore.snapshot()).bag == expected, note)
                if !query.order.isEmpty { try checkOrder(query, values, &test, note) }
                try checkPart(query, values, &test, note)
                if test.random.oneIn(4) { _ = try test.tables.transact(&test.random) }
            }
        }
        #expect(answered * 2 > asked, "\(answered) of \(asked)")
        #expect(empty * 2 < answered, "\(empty) of \(answered) are empty")
    }

    private func checkOrder(
        _ query: BoundQuery, _ values: [AlgebraicValue], _ test: inout Case, _ note: Comment
    ) throws {
        // What groups and different rows are ordered by is not among their columns.
        if query.isDistinct { return }
        let runner = try test.runner(query.orderKeys, values)
        let expected = try test.tables.expected(query.orderKeys, values, runner.plan.resultType)
        #expect(try runner.rows(over: test.tables.datastore) == expected, note)
        #expect(try runner.rows(over: test.tables.datastore.snapshot()) == expected, note)
    }

    /// Of all rows in the order that does not depend on the plan, the wanted part; without an order, any so many.
    private func checkPart(
        _ query: BoundQuery, _ values: [AlgebraicValue], _ test: inout Case, _ note: Comment
    ) throws {
        var all = query
        (all.limit, all.offset) = (nil, nil)
        let whole = try test.runner(all, values).rows(over: test.tables.datastore)
        let part = try test.runner(query, values).rows(over: test.tables.datastore)
        let expected = whole.dropFirst(Self.number(query.offset) ?? 0).prefix(Self.number(query.limit) ?? .max)
        if query.order.isEmpty {
            #expect(part.count == expected.count, note)
            let bag = whole.bag
            for (row, count) in part.bag { #expect(count <= bag[row, default: 0], note) }
        } else {
            #expect(part == Array(expected), note)
        }
    }

    private static func number(_ expression: Expression?) -> Int? {
        guard case .literal(let bytes, _)? = expression else { return nil }
        return Int(clamping: bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    }

    /// The change of a join is the sum, over its tables, of what the changes of one make together with the tables before it
    /// as they are and those behind it as they were.
    @Test func sumsOfChangesAreWhatQueriesGainAndLose() throws {
        let base = freshSeed()
        var (changed, commits) = (0, 0)
        for seed in base..<(base &+ 40) {
            var test = try Case(seed)
            var kept: [(query: BoundQuery, values: [AlgebraicValue], deltas: [PlanRunner], bag: ResultBag)] = []
            while kept.count < 6 {
                guard let (bound, values) = test.query([.joins, .columns, .parameters, .wordless]) else {
                    continue
                }
                var query = bound.unordered
                query.isDistinct = false
                guard query.grouping == nil, query.tables.allSatisfy({ $0.outerCondition == nil }) else { continue }
                var deltas: [PlanRunner] = []
                for slot in query.tables.indices {
                    deltas.append(try test.runner(query, values, changed: slot))
                }
                let bag = try test.runner(query, values).rows(over: test.tables.datastore).bag
                kept.append((query, values, deltas, bag))
            }
            for _ in 0..<12 {
                let set = try test.tables.transact(&test.random, upTo: test.random.oneIn(4) ? 40 : 6)
                let changes = PlanChanges(set)
                for place in kept.indices {
                    let query = kept[place].query
                    commits += 1
                    var bag = RowBag()
                    for runner in kept[place].deltas {
                        for side in PlanChanges.Side.allCases {
                            let sign = side == .inserts ? 1 : -1
                            try runner.run(over: test.tables.datastore, changes: changes, taking: side) { row, times in
                                bag.add(row, sign * times)
                            }
                        }
                    }
                    if !bag.isEmpty { changed += 1 }
                    let type = kept[place].deltas[0].plan.resultType
                    bag.forEach { row, weight in
                        let decoded = kept[place].deltas[0].decoded(Array(row))
                        kept[place].bag[decoded, default: 0] += weight
                        if kept[place].bag[decoded] == 0 { kept[place].bag[decoded] = nil }
                    }
                    let expected = try test.tables.expected(query, kept[place].values, type).bag
                    #expect(kept[place].bag == expected, "SPACETIME_SEED=\(seed): \(query)")
                    kept[place].bag = expected
                }
            }
        }
        #expect(changed * 5 > commits, "\(changed) of \(commits)")
    }

    /// Changes of both sides that are too many to be compared one by one.
    @Test(arguments: [AlgebraicType.u64, .string, .f64, .option(.i32)])
    func manyChangesOfBothSidesAreSummedUp(_ type: AlgebraicType) throws {
        var random = RandomValues(seed: freshSeed())
        let datastore = Datastore()
        var tables: [TableID] = []
        for name in ["left", "right"] {
            tables.append(
                try datastore.make(
                    name, [("key", type), ("number", .u64)],
                    indexes: [IndexSchema(name: "\(name)_key", algorithm: .btree, columns: [0], isUnique: false)]))
        }
        var rows: [[[AlgebraicValue]]] = [[], []]
        func change() throws -> ChangeSet {
            let set = try datastore.transact {
                for side in 0..<2 {
                    rows[side].shuffle(using: &random)
                    for _ in 0..<rows[side].count / 3 { try datastore.deleteRow(tables[side], rows[side].removeLast()) }
                    for _ in 0..<60 {
                        let row = [random.fewValue(of: type), AlgebraicValue.u64(random.next())]
                        if try datastore.insert(tables[side], row) { rows[side].append(row) }
                    }
                }
            }
            return set ?? ChangeSet()
        }
        // Of options, those that are there are joined.
        let steps: [FieldPath.Step] = type.optionPayload == nil ? [] : [.payload(0)]
        let key = QueryField(
            slot: 0, path: FieldPath(0, steps), type: type.optionPayload ?? type, isNullable: !steps.isEmpty)
        let tag: UInt8? = steps.isEmpty ? nil : 0
        func runner(_ changed: Int?) throws -> PlanRunner {
            var plan = Plan(steps: [], output: .columns([]))
            let order = changed == 1 ? [1, 0] : [0, 1]
            var other = key
            other.slot = order[0]
            for (place, slot) in order.enumerated() {
                var step = Plan.Step(slot: slot, table: tables[slot])
                if place == 1 {
                    step.access = .key(datastore.index(tables[slot]), [Plan.KeyPart(.field(other), tag: tag)])
                }
                if let changed { step.source = slot == changed ? .changes : slot > changed ? .tableBefore : .table }
                plan.steps.append(step)
            }
            plan.output = .columns(
                (0..<2).map { slot in
                    QueryColumn("n\(slot)", .field(QueryField(slot: slot, path: FieldPath(1), type: .u64)))
                })
            return PlanRunner(try CompiledPlan(plan, for: datastore))
        }
        let (whole, deltas) = (try runner(nil), [try runner(0), try runner(1)])
        var kept: ResultBag = [:]
        for _ in 0..<6 {
            let changes = PlanChanges(try change())
            for delta in deltas {
                for side in PlanChanges.Side.allCases {
                    try delta.run(over: datastore, changes: changes, taking: side) { row, times in
                        kept[delta.decoded(Array(row)), default: 0] += side == .inserts ? times : -times
                    }
                }
            }
            kept = kept.filter { $1 != 0 }
            let expected = try whole.rows(over: datastore).bag
            #expect(kept == expected)
            #expect(!expected.isEmpty)
        }
    }
}
