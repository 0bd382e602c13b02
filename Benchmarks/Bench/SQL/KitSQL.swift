import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeQuery

/// Queries in SQL, each result read value by value.
final class KitSQL: Contestant {
    let system = "spacetimekit"
    let variant: String
    private let isPrepared: Bool
    private let work: SQLWork
    private let items: ItemWorkload
    private let database: Database<Market>
    private let catalog: SQLCatalog
    private let planner: Planner
    private var known = SQLTextTable()
    private var prepared: Ready?
    private var values: [(UInt64, UInt64)] = []
    private var texts: [String] = []

    /// A query that can be run.
    private final class Ready {
        let runner: PlanRunner
        let reader: RowReader

        init(_ runner: PlanRunner) {
            self.runner = runner
            reader = RowReader(runner.plan.resultType)
        }
    }

    /// - Parameter other: one whose database is taken.
    init(_ items: ItemWorkload, _ work: SQLWork, isPrepared: Bool, sharing other: KitSQL? = nil) throws {
        variant = isPrepared ? "prepared" : "text"
        self.isPrepared = isPrepared
        self.work = work
        self.items = items
        ItemSource.items = items
        if let other {
            database = other.database
        } else {
            database = try Database.open(.inMemory, module: Market.self)
            try database.call(Market.fill)
        }
        (catalog, planner) = try database.read { db in
            let datastore = db._spacetimeTransaction.runner.datastore
            let tables = datastore.tableIDs.compactMap { id in datastore.schema(of: id).map { SQLCatalog.Table(id, $0) }
            }
            return (SQLCatalog(tables), Planner(datastore))
        }
    }

    func prepare(pass: Int) throws {
        values = work.values(pass: pass, items)
        if !isPrepared { texts = values.map { work.text("\($0.0)", "\($0.1)") } }
    }

    func run(pass: Int) throws -> PassResult {
        let digest = try database.read { db in
            let datastore = db._spacetimeTransaction.runner.datastore
            return try isPrepared ? runPrepared(datastore) : runTexts(datastore)
        }
        return PassResult(operations: values.count, digest: digest.value)
    }

    private func runPrepared(_ datastore: Datastore) throws -> Digest {
        var digest = Digest()
        guard let first = values.first else { return digest }
        let ready = try prepared ?? prepare(for: first, datastore)
        prepared = ready
        let (runner, reader, hasSecond) = (ready.runner, ready.reader, work.valueCount > 1)
        let budget = QueryBudget()
        for (first, second) in values {
            try bind(first, to: 0, of: runner)
            if hasSecond { try bind(second, to: 1, of: runner) }
            try runner.run(over: datastore, budget: budget) { row, _ in reader.add(row, to: &digest) }
        }
        return digest
    }

    private func prepare(for values: (UInt64, UInt64), _ datastore: Datastore) throws -> Ready {
        let select = try SQLBinder.select(
            work.text(":first", ":second"), in: catalog, language: .adHoc, isOwner: true)
        return try ready(select, [bytes(values.0), bytes(values.1)], datastore)
    }

    /// Parameters are compared with columns of 64 bits, but for that of the filter.
    private func bind(_ value: UInt64, to number: Int, of runner: PlanRunner) throws {
        if work == .top {
            try withUnsafeBytes(of: Int32(value)) { try runner.setParameter(number, $0) }
        } else {
            try withUnsafeBytes(of: value) { try runner.setParameter(number, $0) }
        }
    }

    private func bytes(_ value: UInt64) -> [UInt8] { work == .top ? Int32(value).bsatn() : value.bsatn() }

    /// Each query has a text of its own. Texts that differ in their literals share a plan.
    private func runTexts(_ datastore: Datastore) throws -> Digest {
        var digest = Digest()
        for text in texts {
            let ready: Ready
            if let found = known.find(text) {
                let found = unsafeDowncast(found, to: Ready.self)
                try known.forEachValue { (number, value) throws(EngineError) in
                    try found.runner.setParameter(number, value)
                }
                ready = found
            } else {
                let template = try SQLTemplate(text)
                let select = try SQLBinder.select(
                    text, in: catalog, language: .adHoc, isOwner: true, template: template)
                let literals = (select.literalValues(of: template) ?? []).compactMap(\.self)
                ready = try self.ready(select, literals, datastore)
                known.enter(text, select, template, ready)
                try ready.runner.bind(literals)
            }
            try ready.runner.run(over: datastore) { row, _ in ready.reader.add(row, to: &digest) }
        }
        return digest
    }

    private func ready(_ select: BoundSelect, _ values: [[UInt8]], _ datastore: Datastore) throws -> Ready {
        let plan = planner.plan(select.query, ValuedStatistics(datastore, values))
        return Ready(PlanRunner(try CompiledPlan(plan, for: datastore)))
    }
}
