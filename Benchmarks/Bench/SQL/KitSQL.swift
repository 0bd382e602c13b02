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
    private var known: [[UInt8]: (BoundSelect, PlanRunner)] = [:]
    private var values: [(UInt64, UInt64)] = []
    private var texts: [String] = []

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
        let (_, runner) = try found(work.text(":first", ":second"), datastore)
        let reader = RowReader(runner.plan.resultType)
        for (first, second) in values {
            try bind(first, to: 0, of: runner)
            if work.valueCount > 1 { try bind(second, to: 1, of: runner) }
            try runner.run(over: datastore) { row, _ in reader.add(row, to: &digest) }
        }
        return digest
    }

    /// Parameters are compared with columns of 64 bits, but for that of the filter.
    private func bind(_ value: UInt64, to number: Int, of runner: PlanRunner) throws {
        if work == .top {
            try withUnsafeBytes(of: Int32(value)) { try runner.setParameter(number, $0) }
        } else {
            try withUnsafeBytes(of: value) { try runner.setParameter(number, $0) }
        }
    }

    /// Each query has a text of its own. Texts that differ in their literals share a plan.
    private func runTexts(_ datastore: Datastore) throws -> Digest {
        var digest = Digest()
        for text in texts {
            let template = try SQLTemplate(text)
            let (select, runner): (BoundSelect, PlanRunner)
            if let ready = known[template.key] {
                (select, runner) = ready
            } else {
                (select, runner) = try found(text, datastore, template)
                if select.isTemplate { known[template.key] = (select, runner) }
            }
            let literals = select.literalValues(of: template) ?? []
            try runner.bind(literals.compactMap(\.self))
            let reader = RowReader(runner.plan.resultType)
            try runner.run(over: datastore) { row, _ in reader.add(row, to: &digest) }
        }
        return digest
    }

    private func found(
        _ text: String, _ datastore: Datastore, _ template: SQLTemplate? = nil
    ) throws -> (BoundSelect, PlanRunner) {
        let select = try SQLBinder.select(text, in: catalog, language: .adHoc, isOwner: true, template: template)
        let plan = planner.plan(select.query, datastore)
        return (select, PlanRunner(try CompiledPlan(plan, for: datastore)))
    }
}
