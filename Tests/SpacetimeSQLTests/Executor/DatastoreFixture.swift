import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

/// Random tables in a datastore and as values, with the same rows.
struct DatastoreFixture {
    let datastore: Datastore
    let ids: [TableID]
    let planner: Planner
    private(set) var model: ModelDatabase

    init(_ random: inout RandomValues, tables: Int = 3, transactions: Int = 25) throws {
        let schema = RandomSchema(&random, tables: tables)
        let datastore = Datastore()
        self.datastore = datastore
        ids = try schema.tables.map { try datastore.createTable($0) }
        planner = Planner(datastore)
        model = ModelDatabase(schema)
        for _ in 0..<transactions { try commit(&random) }
    }

    /// Makes some changes in both. Returns what changed.
    @discardableResult
    mutating func commit(_ random: inout RandomValues) throws -> ChangeSet? {
        datastore.begin()
        for change in model.randomTransaction(&random) {
            switch change {
            case .insert(let table, var bytes):
                _ = try bytes.withUnsafeMutableBytes { try datastore.insert(ids[table], validating: $0) }
            case .delete(let table, let bytes):
                _ = try bytes.withUnsafeBytes { try datastore.deleteRow(ids[table], equalTo: $0) }
            case .update(let table, var bytes):
                let key = model.schema.tables[table].indexes.firstIndex { $0.isUnique && $0.columns == [0] } ?? 0
                let index = datastore.indexIDs(of: ids[table])[key]
                try bytes.withUnsafeMutableBytes { try datastore.update(index, validating: $0) }
            case .clear(let table): _ = try datastore.clear(ids[table])
            }
        }
        return datastore.commit(collecting: .all)
    }

    func evaluator(_ query: TestQuery) -> NaiveEvaluator {
        model.evaluator(ids, parameters: query.parameters.map(\.value))
    }

    /// The rows that a plan gives, each as often as it is there.
    func run(
        _ plan: Plan, _ values: [[UInt8]], over snapshot: DatastoreSnapshot? = nil, changes: PlanChanges? = nil,
        taking side: PlanChanges.Side = .inserts, budget: QueryBudget = QueryBudget()
    ) throws -> [[UInt8]] {
        let runner = PlanRunner(try CompiledPlan(plan, for: datastore))
        try runner.bind(values)
        var rows: [[UInt8]] = []
        func take(_ row: UnsafeRawBufferPointer, _ times: Int) {
            rows += Array(repeating: Array(row), count: times)
        }
        if let snapshot {
            try runner.run(over: snapshot, changes: changes, taking: side, budget: budget, take)
        } else {
            try runner.run(over: datastore, changes: changes, taking: side, budget: budget, take)
        }
        return rows
    }
}

extension [[UInt8]] {
    func sortedBytes() -> [[UInt8]] { sorted { $0.lexicographicallyPrecedes($1) } }
}
