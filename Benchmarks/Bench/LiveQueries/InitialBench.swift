import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit

/// How long a client waits for the first rows of queries over a large table, and how long a writer waits meanwhile: of the table
/// itself, of a join, of groups, and of a window.
///
/// Beside it the writer alone, so that the longest wait of the clock and the machine can be told from that of the database.
struct InitialBench {
    let rows: Int

    private static let queries = [
        ("table", "SELECT * FROM thing"),
        ("join", "SELECT thing.* FROM place JOIN thing ON place.chunk = thing.chunk WHERE place.region < 90"),
        ("groups", "SELECT x, COUNT(*) AS n, MAX(y) AS far FROM thing GROUP BY x"),
        ("window", "SELECT * FROM thing ORDER BY y DESC LIMIT 10"),
        (
            "window of a join",
            "SELECT thing.* FROM place JOIN thing ON place.chunk = thing.chunk ORDER BY place.region, thing.y LIMIT 10"
        ),
    ]

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let database = try Database.open(.inMemory, module: World.self)
        for start in stride(from: 0, to: rows, by: 1_000) {
            try database.call(World.fillChunk, UInt32(start / 1_000), UInt32(min(1_000, rows - start)))
        }
        try database.call(World.fillPlaces, 0, UInt32((rows + 999) / 1_000))
        let alone = LongestWait.milliseconds(of: database) { pause(milliseconds: 50) }
        let sessions = database.core.sessions
        for (name, text) in Self.queries {
            let list = try sessions.texts.queries([text], as: database.core.owner)
            let session = Session(database.core.owner, outlet: nil, queueLimit: 1 << 20)
            var elapsed = Duration.zero
            let beside = try LongestWait.milliseconds(of: database) {
                elapsed = try ContinuousClock().measure {
                    try sessions.subscribe(session, to: QuerySetID(1), list)
                }
            }
            guard case .subscribed(let first)? = session.queue.nextAvailable() else {
                throw BenchError.disagreement("no rows came")
            }
            let count = first.rows[0].inserts.count
            guard name != "table" || count == rows else {
                throw BenchError.disagreement("\(count) of \(rows) rows came")
            }
            report(
                "spacetimekit", name,
                [
                    ("rows", Double(rows)), ("first_rows", Double(count)), ("first_rows_ms", elapsed.inMilliseconds),
                    ("writer_wait_ms", beside), ("writer_alone_wait_ms", alone),
                ])
            sessions.end(session)
        }
    }

    private func pause(milliseconds: Int) {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while ContinuousClock.now < end {}
    }
}
