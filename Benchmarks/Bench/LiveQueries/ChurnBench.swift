import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema

/// What it costs that clients come and go, which is the real load of subscriptions: a query that is the first of its kind, one that
/// somebody has already, a walk over the border of a map, and a storm of logins.
///
/// The limit does what nobody can do without: it copies the same rows into one array for each client.
struct ChurnBench {
    let sizes: ChurnSizes

    struct ChurnSizes {
        var chunks = 2_000
        var rowsPerChunk = 333
        /// Chunks that come into view at a border, and as many that leave it.
        var border = 72
        var sessions = 500
        var queriesPerSession = 440
        /// Of these so many are the same for all.
        var sharedQueries = 100
        var rounds = 2_000

        static let tiny = ChurnSizes(
            chunks: 100, rowsPerChunk: 3, border: 8, sessions: 5, queriesPerSession: 20, sharedQueries: 5, rounds: 20)
    }

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let database = try Database.open(.inMemory, module: World.self)
        for chunk in 0..<UInt32(sizes.chunks) {
            try database.call(World.fillChunk, chunk, UInt32(sizes.rowsPerChunk))
        }
        let core = database.core
        try single(core, report)
        try border(core, report)
        try storm(core, report)
    }

    private func session(_ core: DatabaseCore) -> Session {
        Session(core.owner, outlet: nil, queueLimit: 1 << 20)
    }

    private func text(_ chunk: Int) -> String { "SELECT * FROM thing WHERE chunk = \(chunk)" }

    private func subscribe(_ session: Session, _ set: Int, _ texts: [String], _ core: DatabaseCore) throws {
        try core.sessions.subscribe(
            session, to: QuerySetID(UInt32(set)), try core.sessions.texts.queries(texts, as: session.caller))
    }

    /// One query at a time.
    private func single(
        _ core: DatabaseCore, _ report: (String, String, [(String, Double)]) -> Void
    ) throws {
        let clock = ContinuousClock()
        let (first, second) = (session(core), session(core))
        let count = min(sizes.rounds, sizes.chunks)
        let new = try clock.measure {
            for chunk in 0..<count { try subscribe(first, chunk, [text(sizes.chunks + chunk)], core) }
        }
        let joined = try clock.measure {
            for chunk in 0..<count { try subscribe(second, chunk, [text(sizes.chunks + chunk)], core) }
        }
        let left = clock.measure {
            for chunk in 0..<count { core.sessions.unsubscribe(second, from: QuerySetID(UInt32(chunk))) }
        }
        core.sessions.end(first)
        core.sessions.end(second)
        report(
            "spacetimekit", "single",
            [
                ("first_ns", new.inNanoseconds / Double(count)), ("joined_ns", joined.inNanoseconds / Double(count)),
                ("left_ns", left.inNanoseconds / Double(count)),
            ])
    }

    /// So many chunks leave and come into view in one step.
    private func border(
        _ core: DatabaseCore, _ report: (String, String, [(String, Double)]) -> Void
    ) throws {
        let clock = ContinuousClock()
        // Of that, the lock is held for as long as the step takes, less waking whoever serves the session.
        func walk(_ session: Session, _ start: Int) throws -> (milliseconds: Double, step: Double, rows: Int) {
            let left = (0..<sizes.border).map { QuerySetID(UInt32(start + $0)) }
            var step = Duration.zero
            let elapsed = try clock.measure {
                let joined = try (0..<sizes.border).map { number in
                    let chunk = start + sizes.border + number
                    return (
                        set: QuerySetID(UInt32(chunk)),
                        queries: try core.sessions.texts.queries([text(chunk)], as: session.caller)
                    )
                }
                step = try clock.measure {
                    let refused = try core.sessions.change(session, leaving: left, joining: joined)
                    guard refused.isEmpty else { throw BenchError.disagreement("\(refused)") }
                }
            }
            var rows = 0
            while let event = session.queue.nextAvailable() {
                if case .subscribed(let first) = event { rows += first.rows.reduce(0) { $0 + $1.inserts.count } }
            }
            return (elapsed.inMilliseconds, step.inMilliseconds, rows)
        }
        let (pioneer, follower) = (session(core), session(core))
        for session in [pioneer, follower] {
            for chunk in 0..<sizes.border { try subscribe(session, chunk, [text(chunk)], core) }
            while session.queue.nextAvailable() != nil {}
        }
        var alone: [Double] = []
        var together: [Double] = []
        var held: [Double] = []
        var rows = 0
        var start = 0
        while start + 2 * sizes.border <= sizes.chunks {
            let (first, step, count) = try walk(pioneer, start)
            alone.append(first)
            held.append(step)
            together.append(try walk(follower, start).milliseconds)
            rows = count
            start += sizes.border
        }
        report(
            "spacetimekit", "border",
            [
                ("queries_in", Double(sizes.border)), ("rows", Double(rows)),
                ("alone_ms", alone.sorted()[alone.count / 2]),
                ("alone_max_ms", alone.max() ?? 0), ("somebody_there_ms", together.sorted()[together.count / 2]),
                ("somebody_there_max_ms", together.max() ?? 0), ("lock_held_ms", held.sorted()[held.count / 2]),
                ("lock_held_max_ms", held.max() ?? 0),
            ])
        let image = [UInt8](repeating: 7, count: 16)
        var copied: [UInt8] = []
        let copying = clock.measure {
            copied.reserveCapacity(rows * image.count)
            for _ in 0..<rows { copied += image }
        }
        report("limit", "border", [("rows", Double(rows)), ("copy_ms", copying.inMilliseconds)])
        core.sessions.end(pioneer)
        core.sessions.end(follower)
    }

    /// Many clients come at once, each with queries that all have and queries that few have.
    private func storm(
        _ core: DatabaseCore, _ report: (String, String, [(String, Double)]) -> Void
    ) throws {
        let clock = ContinuousClock()
        var rows = 0
        var kept: [Session] = []
        let elapsed = try clock.measure {
            for number in 0..<sizes.sessions {
                let session = session(core)
                var texts: [String] = []
                for query in 0..<sizes.queriesPerSession {
                    let chunk =
                        query < sizes.sharedQueries
                        ? query : (number &* 37 &+ query) % sizes.chunks
                    texts.append(text(chunk))
                }
                try subscribe(session, 1, texts, core)
                while let event = session.queue.nextAvailable() {
                    if case .subscribed(let first) = event { rows += first.rows.reduce(0) { $0 + $1.inserts.count } }
                }
                kept.append(session)
            }
        }
        for session in kept { core.sessions.end(session) }
        report(
            "spacetimekit", "storm",
            [
                ("sessions", Double(sizes.sessions)), ("queries_each", Double(sizes.queriesPerSession)),
                ("rows_each", Double(rows / sizes.sessions)), ("seconds", elapsed.inMilliseconds / 1e3),
                ("ms_per_session", elapsed.inMilliseconds / Double(sizes.sessions)),
            ])
    }
}
