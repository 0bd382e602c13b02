import SpacetimeKit
import SpacetimeTestSupport
import Testing

@Table(.public)
private struct Grain: Equatable {
    @PrimaryKey var id: UInt32
    var weight: UInt32
    var text: String
}

@Module
private enum Silo {
    static let tables = Tables(Grain.self)

    @Reducer static func fill(_ context: borrowing Context, first: UInt32, count: UInt32) throws {
        let text = String(repeating: "x", count: 200)
        for id in first..<(first + count) {
            try context.db.grain.insert(Grain(id: id, weight: id % 101, text: text))
        }
    }
}

/// Queries that go through a table of many pages with the help of other threads: many at once, cancelled and limited ones, and beside
/// a database that is closed.
@Suite struct LongQueryTests {
    private static let count: UInt32 = 40_000
    private static let texts = [
        "SELECT id FROM grain WHERE weight < 3", "SELECT COUNT(*) AS n FROM grain WHERE weight < 50",
        "SELECT weight, COUNT(*) AS n FROM grain GROUP BY weight", "SELECT id FROM grain ORDER BY weight, id LIMIT 5",
        "SELECT DISTINCT weight FROM grain WHERE id > 100",
    ]

    private static func open() throws -> Database<Silo> {
        let db = try Database.open(.inMemory, module: Silo.self)
        for first in stride(from: 0, to: count, by: 4_000) { try db.call(Silo.fill, first, 4_000) }
        return db
    }

    private static func lines(_ result: QueryResult) -> [String] { result.map { "\($0.values)" }.sorted() }

    @Test(.timeLimit(.minutes(10))) func manyAtOnceEndWithTheirRowsOrForAReason() async throws {
        let seed = freshSeed()
        let db = try Self.open()
        let expected = try Self.texts.map { Self.lines(try db.snapshot().sql($0)) }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<24 {
                group.addTask {
                    var random = RandomValues(seed: seed &+ UInt64(number))
                    let position = random.below(Self.texts.count)
                    let kind = random.below(4)
                    var limits = QueryLimits()
                    if kind == 1 { limits.rowsExamined = random.below(Int(Self.count)) }
                    let query = Task { [limits] in try await db.sql(Self.texts[position], limits: limits) }
                    if kind == 2 {
                        for _ in 0..<random.below(50) { await Task.yield() }
                        query.cancel()
                    }
                    switch await query.result {
                    case .success(let result):
                        #expect(Self.lines(result) == expected[position], "SPACETIME_SEED=\(seed), \(number)")
                    case .failure(let error):
                        let code = (error as? DatabaseError)?.code
                        #expect(
                            kind == 1 && code == .limitReached || kind == 2 && code == .stopped,
                            "SPACETIME_SEED=\(seed), \(number): \(error)")
                    }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func whatGoesOnWhenTheDatabaseIsClosedEnds() async throws {
        let db = try Self.open()
        let snapshot = try await db.snapshot()
        let expected = try Self.texts.map { Self.lines(try snapshot.sql($0)) }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<10 {
                group.addTask {
                    do {
                        let result = try await db.sql(Self.texts[number % Self.texts.count])
                        #expect(Self.lines(result) == expected[number % Self.texts.count])
                    } catch { #expect((error as? DatabaseError)?.code == .closed, "\(error)") }
                }
                group.addTask {
                    // A snapshot lives as long as it is kept.
                    let text = Self.texts[number % Self.texts.count]
                    let found = Result { try snapshot.sql(text) }
                    #expect((try? found.get()).map(Self.lines) == expected[number % Self.texts.count])
                }
            }
            group.addTask { _ = try? await db.close() }
        }
    }

    @Test(.timeLimit(.minutes(10))) func aWalkOverASnapshotEndsWhereItsBodyThrows() throws {
        struct Enough: Error {}
        let snapshot = try Self.open().snapshot()
        for limit in [1, 7_000, 39_999] {
            var count = 0
            #expect(throws: Enough.self) {
                try snapshot.forEach(Grain.where { $0.weight < 200 }) { _ in
                    count += 1
                    if count == limit { throw Enough() }
                }
            }
            #expect(count == limit)
        }
        // Another walk inside of one.
        var pairs = 0
        try snapshot.forEach(Grain.where { $0.weight == 100 }) { _ in
            if pairs < 3 { pairs += try snapshot.count(Grain.where { $0.weight == 0 }) > 0 ? 1 : 0 }
        }
        #expect(pairs == 3)
    }
}
