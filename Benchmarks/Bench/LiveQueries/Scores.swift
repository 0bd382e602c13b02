import BenchHarness
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

/// A table of players' scores, and the changes of it that live windows and aggregates follow.
struct Scores {
    struct Score {
        var id: UInt64
        var team: UInt32
        var points: Int64
        var ratio: Double
    }

    static let id = FieldPath(ColumnID(0))
    static let team = FieldPath(ColumnID(1))
    static let points = FieldPath(ColumnID(2))
    static let ratio = FieldPath(ColumnID(3))
    static let byteCount = 28
    static let teamCount: UInt64 = 1_000

    let schema = TableSchema(
        name: "score",
        columns: [("id", .u64), ("team", .u32), ("points", .i64), ("ratio", .f64)], primaryKey: [0],
        indexes: [
            IndexSchema(name: "score_id", columns: [0], isUnique: true),
            IndexSchema(name: "score_points", columns: [2]),
        ], uniqueConstraints: [UniqueConstraintSchema(name: "score_id_unique", columns: [0])])
    private(set) var all: [Score] = []
    private var random: SplitMix64

    init(rows: Int, seed: UInt64 = 7) {
        random = SplitMix64(seed: seed)
        all.reserveCapacity(rows)
        for id in 0..<rows { all.append(draw(UInt64(id))) }
    }

    /// Points hardly ever meet, so that all systems order the scores alike.
    private mutating func draw(_ id: UInt64) -> Score {
        let points = Int64(random.next() >> 28)
        return Score(
            id: id, team: UInt32(random.next() % Self.teamCount), points: points, ratio: Double(points % 1_000_003) / 7)
    }

    /// Gives a row another score, and returns both.
    mutating func change(_ row: Int) -> (old: Score, new: Score) {
        let old = all[row]
        all[row] = draw(old.id)
        return (old, all[row])
    }

    mutating func changeAny() -> (old: Score, new: Score) { change(Int(random.next() % UInt64(all.count))) }

    static func write(_ score: Score, to image: UnsafeMutableRawBufferPointer) {
        image.storeBytes(of: score.id, as: UInt64.self)
        image.storeBytes(of: score.team, toByteOffset: 8, as: UInt32.self)
        image.storeBytes(of: score.points, toByteOffset: 12, as: Int64.self)
        image.storeBytes(of: score.ratio, toByteOffset: 20, as: Double.self)
    }

    /// Calls `body` with the image of every score.
    func forEachImage(_ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { image in
            for score in all {
                Self.write(score, to: image)
                body(UnsafeRawBufferPointer(image))
            }
        }
    }

    /// The scores as a table of the engine.
    func makeDatastore() throws -> (Datastore, TableID) {
        let datastore = Datastore()
        let table = try datastore.createTable(schema)
        try withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { image in
            for start in stride(from: 0, to: all.count, by: 10_000) {
                datastore.begin()
                for score in all[start..<min(start + 10_000, all.count)] {
                    Self.write(score, to: image)
                    _ = try datastore.insert(table, row: image)
                }
                _ = datastore.commit()
            }
        }
        return (datastore, table)
    }

    /// The scores as a table of SQLite.
    func makeSQLite(index: String) throws -> SQLite {
        let sqlite = try SQLite(.memory)
        try sqlite.execute("CREATE TABLE score (id INTEGER PRIMARY KEY, team INTEGER, points INTEGER)")
        let insert = try sqlite.prepare("INSERT INTO score VALUES (?, ?, ?)")
        try sqlite.execute("BEGIN")
        for score in all {
            insert.bind(1, Int64(score.id))
            insert.bind(2, Int64(score.team))
            insert.bind(3, score.points)
            try insert.run()
        }
        try sqlite.execute("COMMIT")
        try sqlite.execute("CREATE INDEX by_order ON score (\(index))")
        return sqlite
    }
}

/// Measures short pieces of work between others: what each takes, less what looking at the clock takes.
struct PieceTimer {
    private(set) var pieces = 0
    private var total = Duration.zero
    private static let clock = ContinuousClock()
    /// What an empty piece takes.
    private static let overhead: Duration = {
        var timer = PieceTimer()
        for _ in 0..<100_000 { timer.measure {} }
        return timer.total / 100_000
    }()

    mutating func measure<Result>(_ body: () throws -> Result) rethrows -> Result {
        let start = Self.clock.now
        defer {
            total += start.duration(to: Self.clock.now)
            pieces += 1
        }
        return try body()
    }

    var nanosecondsEach: Double {
        let each = total / max(pieces, 1) - Self.overhead
        return max(Double(each.components.seconds) * 1e9 + Double(each.components.attoseconds) / 1e9, 0)
    }
}
