import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct PlanRunnerTests {
    /// Players with a level under a B-tree, and items under one of their owners.
    private struct Game {
        let datastore = Datastore()
        let players: TableID
        let items: TableID

        init(players count: Int = 100) throws {
            players = try datastore.make(
                "player", [("id", .u64), ("level", .u32), ("name", .string)], primaryKey: [0],
                indexes: [
                    IndexSchema(name: "player_id", algorithm: .hash, columns: [0], isUnique: true),
                    IndexSchema(name: "player_level", algorithm: .btree, columns: [1], isUnique: false),
                ], unique: [[0]])
            items = try datastore.make(
                "item", [("id", .u64), ("owner", .u64), ("kind", .u32)],
                indexes: [IndexSchema(name: "item_owner", algorithm: .btree, columns: [1], isUnique: false)])
            datastore.begin()
            for id in 0..<UInt64(count) {
                try datastore.insert(players, [.u64(id), .u32(UInt32(id % 10)), .string("p\(id)")])
                for item in 0..<(id % 4) {
                    try datastore.insert(items, [.u64(id * 10 + item), .u64(id), .u32(UInt32(item))])
                }
            }
            datastore.commit()
        }

        func runner(_ plan: Plan) throws -> PlanRunner { PlanRunner(try CompiledPlan(plan, for: datastore)) }

        func step(_ slot: Int = 0, _ access: Plan.Access = .table, filter: RowPredicate = .all) -> Plan.Step {
            Plan.Step(slot: slot, table: players, access: access, filter: filter)
        }

        func itemsOfPlayer(_ slot: Int) -> Plan.Step {
            Plan.Step(
                slot: slot, table: items,
                access: .key(datastore.index(items), [Plan.KeyPart(.field(PlanRunnerTests.field(0, 0, .u64)))]))
        }

        var byLevel: IndexID { datastore.index(players, 1) }
    }

    private static func field(_ slot: Int, _ column: Int, _ type: AlgebraicType, isNullable: Bool = false) -> QueryField
    {
        QueryField(slot: slot, path: FieldPath(ColumnID(column)), type: type, isNullable: isNullable)
    }

    private static let count = Grouping(keys: [], aggregates: [QueryAggregate(.count)])
    private static let countColumn = QueryOutput.columns([QueryColumn("n", .aggregate(0, .u64, isNullable: false))])

    // MARK: Ways to rows

    @Test func aPointIsOneLookUpAndOneRow() throws {
        let game = try Game()
        let runner = try game.runner(
            Plan(
                steps: [game.step(0, .key(game.datastore.index(game.players), [Plan.KeyPart(.parameter(0))]))],
                output: .rows(slot: 0), parameters: [QueryParameter(type: .u64)]))
        for id: UInt64 in [5, 99, 7, 5] {
            try runner.bind([id.bsatn()])
            #expect(
                try runner.rows(over: game.datastore) == [[.u64(id), .u32(UInt32(id % 10)), .string("p\(id)")]])
            #expect(runner.cost.seeks == 1 && runner.cost.rowsExamined == 1 && runner.cost.rowsProduced == 1)
        }
        try runner.bind([UInt64(1_000).bsatn()])
        #expect(try runner.rows(over: game.datastore).isEmpty)
        #expect(runner.cost.rowsExamined == 0)
    }

    @Test func rowsOfARangeComeInItsOrderFromEitherEnd() throws {
        let game = try Game()
        var range = Plan.KeyRange()
        range.lower = .excluded(Plan.KeyPart(.literal(UInt32(6).bsatn())))
        var step = game.step(0, .range(game.byLevel, range))
        let plan = Plan(
            steps: [step], output: .columns([QueryColumn("level", .field(Self.field(0, 1, .u32)))]))
        let levels = [7, 8, 9].flatMap { Array(repeating: [AlgebraicValue.u32($0)], count: 10) }
        #expect(try game.runner(plan).rows(over: game.datastore) == levels)
        #expect(try game.runner(plan).rows(over: game.datastore.snapshot()) == levels)
        step.isReversed = true
        var reversed = plan
        reversed.steps = [step]
        #expect(try game.runner(reversed).rows(over: game.datastore) == levels.reversed())
        #expect(try game.runner(reversed).rows(over: game.datastore.snapshot()) == levels.reversed())
    }

    private static func levels(_ lower: UInt32?, _ upper: UInt32?) -> Plan.Interval {
        func part(_ level: UInt32) -> Plan.KeyPart { Plan.KeyPart(.literal(level.bsatn())) }
        return Plan.Interval(
            lower: lower.map { .included(part($0)) } ?? .unbounded,
            upper: upper.map { .excluded(part($0)) } ?? .unbounded)
    }

    /// Rows of several ranges come in key order and once each, wherever they are looked for.
    @Test func rangesThatOverlapAreGoneThroughOnce() throws {
        let game = try Game()
        let intervals = [
            Self.levels(8, nil), Self.levels(2, 4), Self.levels(9, 3), Self.levels(3, 5), Self.levels(2, 3),
            Self.levels(9, nil),
        ]
        let step = game.step(0, .ranges(game.byLevel, prefix: [], intervals))
        let columns = ["level", "id"].map { name in
            QueryColumn(name, .field(name == "id" ? Self.field(0, 0, .u64) : Self.field(0, 1, .u32)))
        }
        let expected = [2, 3, 4, 8, 9].flatMap { Array(repeating: UInt32($0), count: 10) }
        for isReversed in [false, true] {
            // Once the index says all, once rows are read.
            for count in 1...2 {
                var plan = Plan(steps: [step], output: .columns(Array(columns.prefix(count))))
                plan.steps[0].isReversed = isReversed
                let runner = try game.runner(plan)
                let wanted = (isReversed ? expected.reversed() : expected).map { AlgebraicValue.u32($0) }
                #expect(try runner.rows(over: game.datastore).map { $0[0] } == wanted)
                #expect(runner.cost.rowsExamined == 50 && runner.cost.seeks == 3)
                let snapshot = game.datastore.snapshot()
                for _ in 0...SnapshotIndexes.scansBeforeSorting {
                    #expect(try runner.rows(over: snapshot).map { $0[0] } == wanted)
                }
            }
        }
    }

    /// A hash index finds single values; a value that is given twice once.
    @Test func singleValuesAreRangesOfAHashIndex() throws {
        let game = try Game()
        func point(_ number: Int) -> Plan.Interval {
            let end = Plan.Interval.Bound.included(Plan.KeyPart(.parameter(number)))
            return Plan.Interval(lower: end, upper: end)
        }
        let byID = game.datastore.index(game.players)
        let plan = Plan(
            steps: [game.step(0, .ranges(byID, prefix: [], (0..<3).map(point)))],
            output: .columns([QueryColumn("id", .field(Self.field(0, 0, .u64)))]),
            parameters: (0..<3).map { _ in QueryParameter(type: .u64) })
        let runner = try game.runner(plan)
        try runner.bind([UInt64(7).bsatn(), UInt64(5).bsatn(), UInt64(7).bsatn()])
        #expect(try runner.rows(over: game.datastore) == [[.u64(5)], [.u64(7)]])
        #expect(throws: EngineError.self) {
            try game.runner(
                Plan(steps: [game.step(0, .ranges(byID, prefix: [], [Plan.Interval()]))], output: .rows(slot: 0)))
        }
    }

    /// Rows that an index yields in order of the first term are sorted run by run, and no more of them are read than it takes.
    @Test func aLimitEndsTheSortingOfRuns() throws {
        let game = try Game(players: 1_000)
        for (isReversed, offset) in [(false, 0), (true, 0), (false, 150), (true, 95)] {
            var plan = Plan(
                steps: [game.step(0, .range(game.byLevel, Plan.KeyRange()))], output: .rows(slot: 0),
                order: [
                    OrderTerm(.field(Self.field(0, 1, .u32)), isDescending: isReversed),
                    OrderTerm(.field(Self.field(0, 2, .string)), isDescending: true),
                ], limit: .literal(UInt64(10).bsatn(), .u64), offset: .literal(UInt64(offset).bsatn(), .u64))
            plan.steps[0].isReversed = isReversed
            let all = try game.runner(plan).rows(over: game.datastore)
            plan.sortedTerms = 1
            let runner = try game.runner(plan)
            #expect(try runner.rows(over: game.datastore) == all)
            #expect(runner.cost.rowsExamined < offset + 200)
            #expect(try runner.rows(over: game.datastore.snapshot()) == all)
            plan.limit = nil
            #expect(try game.runner(plan).rows(over: game.datastore).count == 1_000 - offset)
        }
    }

    @Test func aSinkEndsTheSortingOfRuns() throws {
        let game = try Game()
        let plan = Plan(
            steps: [game.step(0, .range(game.byLevel, Plan.KeyRange()))], output: .rows(slot: 0),
            order: [
                OrderTerm(.field(Self.field(0, 1, .u32))),
                OrderTerm(.field(Self.field(0, 0, .u64)), isDescending: true),
            ], sortedTerms: 1)
        let runner = try game.runner(plan)
        var count = 0
        try runner.run(over: game.datastore) { _, _ in
            count += 1
            if count == 3 { runner.stop() }
        }
        #expect(count == 3)
    }

    @Test func aSnapshotThatIsAskedOftenAnswersByAnIndexInTheSameOrder() throws {
        let game = try Game()
        let snapshot = game.datastore.snapshot()
        let access = Plan.Access.keys(
            game.byLevel, prefix: [], tag: nil,
            .values(ValueList(count: 3, bytes: UInt32(9).bsatn() + UInt32(2).bsatn() + UInt32(9).bsatn())))
        let runner = try game.runner(Plan(steps: [game.step(0, access)], output: .rows(slot: 0)))
        let expected = try runner.rows(over: game.datastore)
        #expect(expected.count == 20)
        for _ in 0..<SnapshotIndexes.scansBeforeSorting { #expect(try runner.rows(over: snapshot).count == 20) }
        #expect(runner.cost.rowsExamined == 100)
        #expect(try runner.rows(over: snapshot) == expected)
        #expect(runner.cost.rowsExamined == 20)
    }

    @Test func aLimitEndsTheSearch() throws {
        let game = try Game(players: 1_000)
        var plan = Plan(steps: [game.step()], output: .rows(slot: 0))
        plan.limit = .literal(UInt64(3).bsatn(), .u64)
        plan.offset = .literal(UInt64(2).bsatn(), .u64)
        let runner = try game.runner(plan)
        #expect(try runner.rows(over: game.datastore).count == 3)
        #expect(runner.cost.rowsExamined <= 8)
        plan.limit = .literal(UInt64(0).bsatn(), .u64)
        let none = try game.runner(plan)
        #expect(try none.rows(over: game.datastore).isEmpty)
        #expect(none.cost.rowsExamined == 0)
    }

    @Test func theFirstRowOfAnIndexIsTheLeast() throws {
        let game = try Game()
        var step = game.step(0, .range(game.byLevel, Plan.KeyRange()))
        step.takesFirst = true
        let least = try game.runner(Plan(steps: [step], output: .rows(slot: 0)))
        #expect(try least.rows(over: game.datastore).map { $0[1] } == [.u32(0)])
        step.isReversed = true
        let greatest = try game.runner(Plan(steps: [step], output: .rows(slot: 0)))
        #expect(try greatest.rows(over: game.datastore).map { $0[1] } == [.u32(9)])
    }

    // MARK: Counting

    @Test func rowsThatNobodyLooksAtAreCountedByTheirIndex() throws {
        let game = try Game()
        let all = try game.runner(
            Plan(steps: [game.step()], grouping: Self.count, output: Self.countColumn))
        #expect(try all.rows(over: game.datastore) == [[.u64(100)]])
        #expect(try all.rows(over: game.datastore.snapshot()) == [[.u64(100)]])
        #expect(all.cost.rowsExamined == 0)
        var range = Plan.KeyRange()
        range.upper = .included(Plan.KeyPart(.literal(UInt32(2).bsatn())))
        let some = try game.runner(
            Plan(
                steps: [game.step(0, .range(game.byLevel, range))], grouping: Self.count, output: Self.countColumn))
        #expect(try some.rows(over: game.datastore) == [[.u64(30)]])
        #expect(some.cost.rowsExamined == 0)
        let filter = RowPredicate(.compareParameter(FieldPath(1), .less, 0))
        let below = try game.runner(
            Plan(
                steps: [game.step(0, .table, filter: filter)], grouping: Self.count, output: Self.countColumn,
                parameters: [QueryParameter(type: .u32)]))
        for level: UInt32 in [0, 3, 100] {
            try below.bind([level.bsatn()])
            #expect(try below.rows(over: game.datastore) == [[.u64(UInt64(min(level, 10) * 10))]])
            #expect(below.cost.rowsExamined == 100)
            #expect(try below.rows(over: game.datastore.snapshot()) == [[.u64(UInt64(min(level, 10) * 10))]])
        }
        let none = try game.runner(
            Plan(
                steps: [game.step(0, .table, filter: .none)], grouping: Self.count, output: Self.countColumn))
        #expect(try none.rows(over: game.datastore) == [[.u64(0)]])
    }

    @Test func theOtherSideOfASemijoinIsCounted() throws {
        let game = try Game()
        var plan = Plan(steps: [game.step(), game.itemsOfPlayer(1)], output: .rows(slot: 0))
        let runner = try game.runner(plan)
        var times: [UInt64: Int] = [:]
        try runner.run(over: game.datastore) { row, count in
            times[row.loadUnaligned(as: UInt64.self), default: 0] = count
        }
        #expect(times.count == 75 && times.allSatisfy { $1 == Int($0 % 4) })
        #expect(runner.cost.rowsExamined == 100 && runner.cost.seeks == 100 && runner.cost.rowsProduced == 150)
        plan.isDistinct = true
        #expect(try game.runner(plan).rows(over: game.datastore).count == 75)
    }

    @Test func outerStepsKeepWhatFindsNothing() throws {
        let game = try Game()
        var step = game.itemsOfPlayer(1)
        step.isOuter = true
        let isMissing = Expression.not(.isPresent(.field(Self.field(1, 0, .u64, isNullable: true))))
        let output = QueryOutput.columns([
            QueryColumn("id", .field(Self.field(0, 0, .u64))),
            QueryColumn("kind", .field(Self.field(1, 2, .u32, isNullable: true))),
        ])
        let all = try game.runner(Plan(steps: [game.step(), step], output: output))
        #expect(all.plan.resultType.elements.map(\.algebraicType) == [.u64, .option(.u32)])
        #expect(try all.rows(over: game.datastore).count == 175)
        step.laterConditions = [isMissing]
        let alone = try game.runner(Plan(steps: [game.step(), step], output: output)).rows(over: game.datastore)
        #expect(alone.count == 25 && alone.allSatisfy { $0[1] == .sum(tag: 1, .product([])) })
    }

    // MARK: Budgets

    @Test func aBudgetEndsAQuery() throws {
        let game = try Game(players: 20_000)
        let name = Expression.field(Self.field(0, 2, .string))
        let columns = QueryOutput.columns([QueryColumn("name", name)])
        let all = try game.runner(Plan(steps: [game.step()], output: columns))
        #expect(throws: EngineError.budgetExceeded(what: "rows to look at", limit: 5_000)) {
            try all.rows(over: game.datastore, budget: QueryBudget(rowsExamined: 5_000))
        }
        #expect(all.cost.rowsExamined < 5_100)
        #expect(throws: EngineError.budgetExceeded(what: "rows of the result", limit: 10)) {
            try all.rows(over: game.datastore, budget: QueryBudget(rowsProduced: 10))
        }
        #expect(throws: EngineError.budgetExceeded(what: "bytes of the result", limit: 100)) {
            try all.rows(over: game.datastore, budget: QueryBudget(bytesProduced: 100))
        }
        var polls = 0
        let stopping = QueryBudget(shouldStop: {
            polls += 1
            return polls == 3
        })
        #expect(throws: EngineError.queryStopped) { try all.rows(over: game.datastore, budget: stopping) }
        #expect(all.cost.rowsExamined < 13_000)
        let sorted = Plan(steps: [game.step()], output: columns, order: [OrderTerm(name)])
        #expect(throws: EngineError.budgetExceeded(what: "bytes to keep", limit: 10_000)) {
            try game.runner(sorted).rows(over: game.datastore, budget: QueryBudget(bytesKept: 10_000))
        }
        let different = Plan(steps: [game.step()], output: columns, isDistinct: true)
        #expect(throws: EngineError.budgetExceeded(what: "bytes to keep", limit: 10_000)) {
            try game.runner(different).rows(over: game.datastore, budget: QueryBudget(bytesKept: 10_000))
        }
        // What failed is forgotten.
        #expect(try all.rows(over: game.datastore).count == 20_000)
    }

    /// Tables that are combined freely multiply to more than anybody can add up, or count.
    @Test func productsOfManyTablesEndWithTheBudget() throws {
        let game = try Game(players: 2_000)
        let steps = (0..<8).map { game.step($0) }
        let count = try game.runner(Plan(steps: steps, grouping: Self.count, output: Self.countColumn))
        #expect(throws: EngineError.arithmeticOverflow(operation: "count", byteCount: 8)) {
            try count.rows(over: game.datastore)
        }
        let sum = Grouping(
            keys: [], aggregates: [QueryAggregate(.sum, of: .field(Self.field(0, 1, .u32)))])
        let summing = try game.runner(
            Plan(
                steps: Array(steps.prefix(4)), grouping: sum,
                output: .columns([QueryColumn("s", .aggregate(0, .u128, isNullable: true))])))
        #expect(throws: EngineError.budgetExceeded(what: "rows to look at", limit: 100_000)) {
            try summing.rows(over: game.datastore, budget: QueryBudget(rowsExamined: 100_000))
        }
        let rows = try game.runner(Plan(steps: steps, output: .rows(slot: 0)))
        var first: (Int, Int)?
        try rows.run(over: game.datastore) { row, times in
            first = (row.count, times)
            rows.stop()
        }
        #expect(first?.1 == .max)
        #expect(rows.cost.rowsProduced == .max && rows.cost.bytesProduced == .max)
    }

    @Test func manyKeysThatFindNothingEndWithTheBudget() throws {
        let game = try Game()
        let keys = (0..<100_000 as Range<UInt32>).map { $0 + 50 }
        let access = Plan.Access.keys(
            game.byLevel, prefix: [], tag: nil,
            .values(ValueList(count: keys.count, bytes: keys.flatMap { $0.bsatn() })))
        let runner = try game.runner(Plan(steps: [game.step(0, access)], output: .rows(slot: 0)))
        var polls = 0
        let stopping = QueryBudget(shouldStop: {
            polls += 1
            return polls == 3
        })
        #expect(throws: EngineError.queryStopped) { try runner.rows(over: game.datastore, budget: stopping) }
        #expect(runner.cost.seeks < 20_000)
    }

    @Test func theFirstOfManyInAnOrderTakeLittleMemory() throws {
        let game = try Game(players: 20_000)
        let id = Expression.field(Self.field(0, 0, .u64))
        var plan = Plan(
            steps: [game.step()], output: .rows(slot: 0), order: [OrderTerm(id, isDescending: true)])
        plan.limit = .literal(UInt64(10).bsatn(), .u64)
        let rows = try game.runner(plan).rows(over: game.datastore, budget: QueryBudget(bytesKept: 10_000))
        #expect(rows.map { $0[0] } == (0..<10).map { .u64(19_999 - $0) })
    }

    @Test func theSinkMayEndTheRun() throws {
        let game = try Game()
        let runner = try game.runner(Plan(steps: [game.step()], output: .rows(slot: 0)))
        var count = 0
        try runner.run(over: game.datastore) { _, times in
            count += times
            if count == 5 { runner.stop() }
        }
        #expect(count == 5)
    }

    // MARK: What does not fit

    @Test func plansThatDoNotFitAreRefused() throws {
        let game = try Game()
        func refusal(_ plan: Plan) -> EngineError? {
            switch outcome({ try CompiledPlan(plan, for: game.datastore) }) {
            case .success: nil
            case .failure(let error): error
            }
        }
        func isInvalid(_ plan: Plan) -> Bool {
            if case .invalidPlan? = refusal(plan) { true } else { false }
        }
        let rows = QueryOutput.rows(slot: 0)
        let id = game.datastore.index(game.players)
        #expect(refusal(Plan(steps: [Plan.Step(slot: 0, table: TableID(99))], output: rows)) == .noSuchTable("#99"))
        #expect(isInvalid(Plan(steps: [game.step()], output: .rows(slot: 1))))
        #expect(isInvalid(Plan(steps: [game.step(), game.step()], output: rows)))
        #expect(isInvalid(Plan(steps: [game.step(-1)], output: .rows(slot: -1))))
        #expect(refusal(Plan(steps: [game.step(0, .key(IndexID(99), []))], output: rows)) == .noSuchIndex("#99"))
        #expect(isInvalid(Plan(steps: [game.step(0, .key(id, []))], output: rows)))
        #expect(
            refusal(Plan(steps: [game.step(0, .range(id, Plan.KeyRange()))], output: rows))
                == .rangeOnHashIndex(index: "player_id"))
        // A literal that is no value of the column, a parameter of another type, and one that is not there.
        #expect(
            refusal(Plan(steps: [game.step(0, .key(id, [Plan.KeyPart(.literal([1, 2]))]))], output: rows))
                == .malformedKey(index: "a literal", cause: .truncated(at: 0, needed: 8)))
        var plan = Plan(steps: [game.step(0, .key(id, [Plan.KeyPart(.parameter(0))]))], output: rows)
        #expect(isInvalid(plan))
        plan.parameters = [QueryParameter(type: .string)]
        #expect(isInvalid(plan))
        // The step's own row is not known yet.
        #expect(
            isInvalid(
                Plan(steps: [game.step(0, .key(id, [Plan.KeyPart(.field(Self.field(0, 0, .u64)))]))], output: rows)))
        // Types that differ, or are not said rightly.
        let (level, name) = (Expression.field(Self.field(0, 1, .u32)), Expression.field(Self.field(0, 2, .string)))
        #expect(
            isInvalid(Plan(steps: [game.step()], output: .columns([QueryColumn("x", .arithmetic(.add, level, name))]))))
        #expect(
            isInvalid(Plan(steps: [game.step()], output: .columns([QueryColumn("x", .field(Self.field(0, 1, .u64)))]))))
        #expect(
            isInvalid(
                Plan(steps: [game.step()], output: .columns([QueryColumn("x", .key(0, .u64, isNullable: false))]))))
        let sum = Grouping(keys: [], aggregates: [QueryAggregate(.sum, of: name)])
        #expect(isInvalid(Plan(steps: [game.step()], grouping: sum, output: .columns([]))))
    }

    @Test func expressionsThatAreNestedTooDeeplyAreRefused() throws {
        let game = try Game()
        func nested(_ depth: Int) -> Plan {
            var value = Expression.field(Self.field(0, 1, .u32))
            for _ in 0..<depth { value = .arithmetic(.add, value, .literal(UInt32(1).bsatn(), .u32)) }
            return Plan(steps: [game.step()], output: .columns([QueryColumn("x", value)]))
        }
        #expect(try game.runner(nested(200)).rows(over: game.datastore).first == [.u32(200)])
        #expect(throws: EngineError.self) { try game.runner(nested(5_000)) }
    }

    @Test func parametersMustHaveValuesOfTheirTypes() throws {
        let game = try Game()
        let filter = RowPredicate(.compareParameter(FieldPath(2), .equal, 0))
        let runner = try game.runner(
            Plan(
                steps: [game.step(0, .table, filter: filter)], output: .rows(slot: 0),
                parameters: [QueryParameter(type: .string)]))
        #expect(throws: EngineError.invalidPlan("a parameter has no value")) { try runner.rows(over: game.datastore) }
        #expect(throws: EngineError.self) { try runner.bind([[1, 0, 0, 0, 0xFF]]) }
        #expect(throws: EngineError.self) { try runner.bind(["a".bsatn() + [0]]) }
        #expect(throws: EngineError.self) { try runner.bind([]) }
        try runner.bind(["p7".bsatn()])
        #expect(try runner.rows(over: game.datastore).map { $0[0] } == [.u64(7)])
        try runner.bind(["p8".bsatn()])
        #expect(try runner.rows(over: game.datastore).map { $0[0] } == [.u64(8)])
    }

    @Test func listsMayBeParameters() throws {
        let game = try Game()
        let filter = RowPredicate(.isInParameter(FieldPath(1), 0))
        let parameters = [QueryParameter(type: .array(.u32))]
        let keys = Plan.Access.keys(game.byLevel, prefix: [], tag: nil, .parameter(0))
        let filtering = try game.runner(
            Plan(steps: [game.step(0, .table, filter: filter)], output: .rows(slot: 0), parameters: parameters))
        let seeking = try game.runner(
            Plan(steps: [game.step(0, keys)], output: .rows(slot: 0), parameters: parameters))
        for levels in [[3, 5], [], [9, 9, 1_000_000, 0] as [UInt32]] {
            try filtering.bind([levels.bsatn()])
            try seeking.bind([levels.bsatn()])
            let sought = try seeking.rows(over: game.datastore).map { $0[1] }
            let wanted = Set(levels.filter { $0 < 10 }).sorted()
            #expect(sought == wanted.flatMap { Array(repeating: AlgebraicValue.u32($0), count: 10) })
            #expect(try filtering.rows(over: game.datastore).map { $0[1] }.sorted() == sought)
            #expect(try seeking.rows(over: game.datastore.snapshot()).map { $0[1] } == sought)
        }
        #expect(throws: EngineError.self) {
            try game.runner(
                Plan(
                    steps: [game.step(0, keys)], output: .rows(slot: 0),
                    parameters: [QueryParameter(type: .array(.u64))]))
        }
    }

    @Test func aPlanIsNotRunOnOtherTablesThanItsOwn() throws {
        let game = try Game()
        let runner = try game.runner(Plan(steps: [game.step()], output: .rows(slot: 0)))
        #expect(try runner.rows(over: game.datastore).count == 100)
        let snapshot = game.datastore.snapshot()
        try game.datastore.dropTable(game.players)
        #expect(throws: EngineError.noSuchTable("#0")) { try runner.rows(over: game.datastore) }
        #expect(try runner.rows(over: snapshot).count == 100)
        let other = Datastore()
        _ = try other.make("other", [("a", .string)])
        #expect(throws: EngineError.self) { try runner.rows(over: other) }
        #expect(throws: EngineError.self) { try runner.rows(over: other.snapshot()) }
    }

    @Test func queriesOfNoTableHaveOneRow() throws {
        let datastore = Datastore()
        let one = Expression.literal(UInt32(1).bsatn(), .u32)
        var plan = Plan(steps: [], output: .columns([QueryColumn("one", one)]))
        let runner = PlanRunner(try CompiledPlan(plan, for: datastore))
        #expect(try runner.rows(over: datastore) == [[.u32(1)]])
        plan.conditions = [.constant(false)]
        #expect(try PlanRunner(try CompiledPlan(plan, for: datastore)).rows(over: datastore).isEmpty)
    }
}
