import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeQuery

/// Scans of a large table on a snapshot: by the thread that asks alone, and with the help of the other cores.
struct SharedScanBench {
    let rows: Int
    let rounds: Int

    private static let queries = [
        ("filter", "SELECT * FROM thing WHERE x < 10"),
        ("sums", "SELECT COUNT(*) AS n, MAX(y) AS far, SUM(chunk) AS s FROM thing WHERE x < 500"),
        ("top", "SELECT * FROM thing WHERE x < 500 ORDER BY y DESC, x LIMIT 10"),
        ("count", "SELECT COUNT(*) AS n FROM thing WHERE x < 500 AND y > 100"),
    ]

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let database = try Database.open(.inMemory, module: World.self)
        for start in stride(from: 0, to: rows, by: 1_000) {
            try database.call(World.fillChunk, UInt32(start / 1_000), UInt32(min(1_000, rows - start)))
        }
        let (catalog, planner, datastore) = try database.read { db in
            let datastore = db._spacetimeTransaction.runner.datastore
            let tables = datastore.tableIDs.compactMap { id in datastore.schema(of: id).map { SQLCatalog.Table(id, $0) }
            }
            return (SQLCatalog(tables), Planner(datastore), datastore)
        }
        let snapshot = try database.core.runner.snapshot()
        let helpers = ScanHelpers.shared.count > 0 ? ScanHelpers.shared : ScanHelpers(count: 1)
        for (name, text) in Self.queries {
            let query = try SQLBinder.select(text, in: catalog, language: .adHoc, isOwner: true).query
            let runner = PlanRunner(try CompiledPlan(planner.plan(query, datastore), for: datastore))
            func measure(_ helpers: ScanHelpers) throws -> (milliseconds: Double, bytes: Int) {
                var best = Double.infinity
                var bytes = 0
                for _ in 0..<rounds {
                    bytes = 0
                    let elapsed = try ContinuousClock().measure {
                        try runner.run(
                            over: snapshot, binding: [], budget: QueryBudget(), shouldStop: nil,
                            ScanSharing(helpers: helpers)
                        ) { row, _ in bytes += row.count }
                    }
                    best = min(best, elapsed.inMilliseconds)
                }
                return (best, bytes)
            }
            let (alone, shared) = (try measure(ScanHelpers(count: 0)), try measure(helpers))
            guard alone.bytes == shared.bytes else { throw BenchError.disagreement("the shared scan found others") }
            report(
                "spacetimekit", name,
                [
                    ("rows", Double(rows)), ("result_bytes", Double(alone.bytes)),
                    ("threads", Double(helpers.count + 1)),
                    ("alone_ms", alone.milliseconds), ("shared_ms", shared.milliseconds),
                    ("gain", alone.milliseconds / shared.milliseconds),
                ])
        }
    }
}
