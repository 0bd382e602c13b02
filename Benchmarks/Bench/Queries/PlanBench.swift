import CAllocationCounter
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// What it costs to run a compiled plan: time and allocations for each run, beside the rows that it looks at.
///
/// Two tables, as in `bench sql`: players under a hash index and a B-tree, items under a B-tree on their owner.
struct PlanBench {
    typealias Reporter = (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void

    private struct Work {
        let name: String
        let plan: Plan
        let runs: Int
        /// The value of the parameter, if there is one, by the number of the run.
        var value: ((UInt64) -> UInt64)?
        var onSnapshot = false
    }

    let rows: Int
    private let datastore = Datastore()
    private let players: TableID
    private let items: TableID
    private static let levels: UInt64 = 100

    init(rows: Int) throws {
        self.rows = rows
        players = try datastore.createTable(
            TableSchema(
                name: "player",
                columns: [("id", .u64), ("level", .u64), ("points", .i64), ("name", .string), ("room", .u64)],
                primaryKey: [0],
                indexes: [
                    IndexSchema(name: "player_id", algorithm: .hash, columns: [0], isUnique: true),
                    IndexSchema(name: "player_level", algorithm: .btree, columns: [1], isUnique: false),
                    IndexSchema(name: "player_points", algorithm: .btree, columns: [2], isUnique: false),
                ], uniqueConstraints: [UniqueConstraintSchema(name: "player_key", columns: [0])]))
        items = try datastore.createTable(
            TableSchema(
                name: "item", columns: [("id", .u64), ("owner", .u64), ("kind", .u32)], primaryKey: [],
                indexes: [IndexSchema(name: "item_owner", algorithm: .btree, columns: [1], isUnique: false)]))
        datastore.begin()
        var random: UInt64 = 1
        for id in 0..<UInt64(rows) {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let points = Int64(bitPattern: random >> 33)
            try insert(
                players,
                id.bsatn() + (id % Self.levels).bsatn() + points.bsatn() + "player \(id)".bsatn() + (id / 100).bsatn())
            for item in 0..<(id % 3) { try insert(items, (id * 3 + item).bsatn() + id.bsatn() + UInt32(item).bsatn()) }
        }
        datastore.commit()
    }

    private func insert(_ table: TableID, _ row: [UInt8]) throws {
        var row = row
        _ = try row.withUnsafeMutableBytes { try datastore.insert(table, row: $0) }
    }

    // MARK: Plans

    private func step(_ access: Plan.Access = .table, filter: RowPredicate = .all) -> Plan.Step {
        Plan.Step(slot: 0, table: players, access: access, filter: filter)
    }

    private func field(_ column: Int, _ type: AlgebraicType, slot: Int = 0) -> QueryField {
        QueryField(slot: slot, path: FieldPath(ColumnID(column)), type: type)
    }

    private func index(_ table: TableID, _ position: Int) -> IndexID { datastore.indexIDs(of: table)[position] }

    private var works: [Work] {
        let parameter = [QueryParameter(type: .u64)]
        let whole = QueryOutput.rows(slot: 0)
        let key = [Plan.KeyPart(.parameter(0))]
        let rows = UInt64(rows)
        let count = Grouping(keys: [], aggregates: [QueryAggregate(.count)])
        let counted = QueryOutput.columns([QueryColumn("n", .aggregate(0, .u64, isNullable: false))])
        let above = RowPredicate(.compareParameter(FieldPath(4), .less, 0))
        let items = Plan.Step(
            slot: 1, table: items, access: .key(index(items, 0), [Plan.KeyPart(.field(field(0, .u64)))]))
        let hashed = Plan.Step(
            slot: 1, table: self.items,
            access: .hash([Plan.HashKey(field(1, .u64, slot: 1), equals: .field(field(0, .u64)))], over: .table))
        let pair = QueryOutput.columns([
            QueryColumn("name", .field(field(3, .string))), QueryColumn("kind", .field(field(2, .u32, slot: 1))),
        ])
        let level = step(.key(index(players, 1), key))
        let points = Expression.field(field(2, .i64))
        let ten = Expression.literal(UInt64(10).bsatn(), .u64)
        var first = step(.range(index(players, 2), Plan.KeyRange()))
        first.isReversed = true
        var works = [
            Work(
                name: "point",
                plan: Plan(steps: [step(.key(index(players, 0), key))], output: whole, parameters: parameter),
                runs: 1_000_000, value: { $0 &* 7_919 % rows }),
            Work(
                name: "point-columns",
                plan: Plan(
                    steps: [step(.key(index(players, 0), key))],
                    output: .columns([
                        QueryColumn("name", .field(field(3, .string))), QueryColumn("level", .field(field(1, .u64))),
                    ]), parameters: parameter), runs: 1_000_000, value: { $0 &* 7_919 % rows }),
            Work(
                name: "range", plan: Plan(steps: [level], output: whole, parameters: parameter), runs: 20_000,
                value: { $0 % Self.levels }),
            Work(
                name: "join", plan: Plan(steps: [level, items], output: pair, parameters: parameter), runs: 2_000,
                value: { $0 % Self.levels }),
            Work(
                name: "semijoin", plan: Plan(steps: [level, items], output: whole, parameters: parameter), runs: 2_000,
                value: { $0 % Self.levels }),
            Work(name: "hash-join", plan: Plan(steps: [step(), hashed], output: pair), runs: 5),
            Work(
                name: "filter", plan: Plan(steps: [step(filter: above)], output: whole, parameters: parameter),
                runs: 20,
                value: { $0 % 10 }),
            Work(
                name: "count-filter",
                plan: Plan(
                    steps: [step(filter: above)], grouping: count, output: counted, parameters: parameter), runs: 20,
                value: { $0 % 10 }),
            Work(
                name: "group",
                plan: Plan(
                    steps: [step()],
                    grouping: Grouping(
                        keys: [.field(field(1, .u64))],
                        aggregates: [QueryAggregate(.count), QueryAggregate(.sum, of: points)]),
                    output: .columns([
                        QueryColumn("level", .key(0, .u64, isNullable: false)),
                        QueryColumn("sum", .aggregate(1, .i128, isNullable: false)),
                    ])), runs: 5),
            Work(
                name: "top-sorted",
                plan: Plan(
                    steps: [step()], output: whole, order: [OrderTerm(points, isDescending: true)], limit: ten),
                runs: 10
            ),
            Work(name: "top-index", plan: Plan(steps: [first], output: whole, limit: ten), runs: 100_000),
        ]
        var snapshot = works[6]
        snapshot.onSnapshot = true
        works.append(snapshot)
        return works
    }

    // MARK: Measuring

    func run(_ report: Reporter) throws {
        let snapshot = datastore.snapshot()
        for work in works {
            let runner = PlanRunner(try CompiledPlan(work.plan, for: datastore))
            let runs = rows < 10_000 ? max(work.runs / 1_000, 2) : work.runs
            var produced = 0
            var bytes = 0
            var allocations: UInt64 = 0
            var elapsed = 0.0
            let clock = ContinuousClock()
            // The first half warms up.
            for half in 0..<2 {
                (produced, bytes) = (0, 0)
                let before = allocation_counter_read()
                let start = clock.now
                for number in 0..<UInt64(runs) {
                    if let value = work.value {
                        try withUnsafeBytes(of: value(number)) { try runner.setParameter(0, $0) }
                    }
                    let sink: PlanRunner.Sink = { row, times in
                        produced &+= times
                        bytes &+= row.count
                    }
                    if work.onSnapshot {
                        try runner.run(over: snapshot, sink)
                    } else {
                        try runner.run(over: datastore, sink)
                    }
                }
                if half == 1 {
                    elapsed = (clock.now - start).nanoseconds
                    allocations = allocation_counter_read() - before
                }
            }
            let examined = Double(runner.cost.rowsExamined)
            report(
                "spacetimekit", work.name + (work.onSnapshot ? "-snapshot" : ""),
                [
                    ("ns_per_run", elapsed / Double(runs)),
                    ("ns_per_examined", examined == 0 ? 0 : elapsed / Double(runs) / examined),
                    ("rows_per_run", Double(produced) / Double(runs)), ("bytes", Double(bytes)),
                    ("allocations_per_run", Double(allocations) / Double(runs)),
                ])
        }
    }
}
