import SpacetimeEngine
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

/// The two definitions of what a query means against each other: nested loops over values, and SQLite.
@Suite struct OracleTests {
    /// The ids that tables have in the tests of queries that no database is asked.
    private static let ids: [TableID] = [TableID(10), TableID(11), TableID(12)]

    private static func filled(_ random: inout RandomValues) -> ModelDatabase {
        var model = ModelDatabase(RandomSchema(&random, tables: 3))
        for _ in 0..<25 { _ = model.randomTransaction(&random) }
        return model
    }

    @Test func nestedLoopsAndSQLiteAgree() throws {
        let base = freshSeed()
        var (asked, answered, failing, empty) = (0, 0, 0, 0)
        for seed in base..<(base &+ seedCount(60)) {
            var random = RandomValues(seed: seed)
            var model = Self.filled(&random)
            let oracle = try SQLiteOracle(model)
            for number in 0..<40 {
                var queries = RandomQueries(model)
                let query = queries.next(&random)
                asked += 1
                func note() -> Comment {
                    Comment(rawValue: "SPACETIME_SEED=\(seed), query \(number): \(oracle.text(query) ?? "")")
                }
                let evaluator = model.evaluator(Self.ids, parameters: query.parameters.map(\.value))
                let bound = query.bound(Self.ids)
                if evaluator.mayFail(bound) { failing += 1; continue }
                let rows: [[SQLiteDatabase.Value]]
                do { rows = SQLiteOracle.canonical(try evaluator.run(bound)) } catch {
                    Issue.record(error, note())
                    continue
                }
                if rows.isEmpty { empty += 1 }
                let folded = SQLiteOracle.canonical(try evaluator.run(bound.foldingConditions()))
                #expect(rows == folded, note())
                guard let expected = try oracle.run(query) else { continue }
                answered += 1
                #expect(query.isOrdered ? rows == expected : rows.sortedRows() == expected.sortedRows(), note())
                if random.oneIn(4) {
                    let before = model
                    try oracle.apply(model.randomTransaction(&random), before: before)
                }
            }
        }
        // Most queries were asked of both, and most had something to say.
        #expect(answered * 10 > asked * 7, "\(answered) of \(asked), \(failing) may fail")
        #expect(empty * 2 < asked, "\(empty) of \(asked) are empty")
    }
}
