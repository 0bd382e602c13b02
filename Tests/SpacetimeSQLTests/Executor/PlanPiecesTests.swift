import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

/// A run that is taken apart gives what one run gives: the same rows in the same order, the same cost, the same errors.
@Suite struct PlanPiecesTests {
    /// A table of many pages in a snapshot, some of whose rows were deleted before and others after it.
    private struct Fixture {
        let catalog: SQLCatalog
        let planner: Planner
        let datastore: Datastore
        let snapshot: DatastoreSnapshot

        init(_ random: inout RandomValues, rows: Int) throws {
            datastore = Datastore()
            let schema = TableSchema(
                name: "item",
                columns: [
                    ColumnSchema(name: "id", type: .u64), ColumnSchema(name: "g", type: .i32),
                    ColumnSchema(name: "f", type: .f64), ColumnSchema(name: "big", type: .i128),
                    ColumnSchema(name: "t", type: .string), ColumnSchema(name: "o", type: .option(.u32)),
                ],
                indexes: [
                    IndexSchema(name: "item_id", algorithm: .btree, columns: [ColumnID(0)], isUnique: true)
                ])
            let table = try datastore.createTable(schema)
            datastore.begin()
            for id in 0..<rows { try Self.insert(UInt64(id), &random, table, datastore) }
            _ = datastore.commit(collecting: .none)
            try Self.delete(rows, &random, table, datastore)
            snapshot = datastore.snapshot()
            try Self.delete(rows, &random, table, datastore)
            datastore.begin()
            for id in rows..<(rows + 500) { try Self.insert(UInt64(id), &random, table, datastore) }
            _ = datastore.commit(collecting: .none)
            catalog = SQLCatalog([SQLCatalog.Table(table, schema)])
            planner = Planner(datastore)
        }

        private static func insert(
            _ id: UInt64, _ random: inout RandomValues, _ table: TableID, _ datastore: Datastore
        ) throws {
            let rare: [Double] = [0, -0.0, 1e300, -1e-300, .infinity, .nan, -1e300]
            let float = random.oneIn(40) ? rare[random.below(rare.count)] : Double(random.below(1_000)) / 7
            var row = id.bsatn() + Int32(random.below(40)).bsatn() + float.bsatn()
            let option: UInt32? = random.oneIn(3) ? nil : UInt32(random.below(100))
            row += (Int128(random.below(1_000)) << 70).bsatn() + String(repeating: "x", count: random.below(60)).bsatn()
            row += option.bsatn()
            _ = try row.withUnsafeMutableBytes { try datastore.insert(table, validating: $0) }
        }

        private static func delete(
            _ rows: Int, _ random: inout RandomValues, _ table: TableID, _ datastore: Datastore
        ) throws {
            let index = datastore.indexIDs(of: table)[0]
            datastore.begin()
            for _ in 0..<(rows / 20) {
                let key = UInt64(random.below(rows)).bsatn()
                _ = try key.withUnsafeBytes { try datastore.delete(index, key: $0) }
            }
            _ = datastore.commit(collecting: .none)
        }

        func plan(_ text: String) throws -> CompiledPlan {
            let query = try SQLBinder.select(text, in: catalog, language: .adHoc, isOwner: true).query
            return try CompiledPlan(planner.plan(query, datastore), for: datastore)
        }
    }

    /// What came of a run.
    private struct End: Equatable {
        var rows: [[UInt8]] = []
        var cost = QueryCost()
        var error: EngineError?
    }

    private static func end(
        _ runner: PlanRunner, _ run: (@escaping PlanRunner.Sink) throws(EngineError) -> Void
    ) -> End {
        var end = End()
        do throws(EngineError) {
            try run { row, times in end.rows += Array(repeating: Array(row), count: times) }
        } catch { end.error = error }
        end.cost = runner.cost
        return end
    }

    private static func query(_ random: inout RandomValues) -> String {
        let conditions = [
            "", " WHERE g < 12", " WHERE o > 50 AND f < 3.0", " WHERE t LIKE 'xxxx%' OR g = 3", " WHERE g > 99",
        ]
        let condition = conditions[random.below(conditions.count)]
        let limits = ["", "", " LIMIT 3", " LIMIT 700", " LIMIT 40 OFFSET 900", " LIMIT 2000 OFFSET 10", " LIMIT 0"]
        let limit = limits[random.below(limits.count)]
        switch random.below(8) {
        case 0: return "SELECT * FROM item\(condition)\(limit)"
        case 1: return "SELECT id, g + 1 AS n, t FROM item\(condition)\(limit)"
        case 2: return "SELECT DISTINCT g, o FROM item\(condition)\(limit)"
        case 3: return "SELECT id, f FROM item\(condition) ORDER BY f DESC, g\(limit)"
        case 4: return "SELECT DISTINCT t FROM item\(condition) ORDER BY t\(limit)"
        case 5:
            return """
                SELECT COUNT(*) AS n, SUM(f) AS s, MIN(t) AS a, MAX(t) AS b, AVG(f) AS m, MAX(f) AS h, SUM(big) AS w,
                COUNT(o) AS c, SUM(o) AS q, MIN(o) AS l FROM item\(condition)
                """
        case 6: return "SELECT COUNT(*) AS n FROM item\(condition)"
        // Does not fit for some of them.
        default: return "SELECT id + 18446744073709541615 AS n FROM item\(condition)\(limit)"
        }
    }

    @Test(.timeLimit(.minutes(10))) func piecesGiveWhatOneRunGives() throws {
        let base = freshSeed()
        var (taken, limited, failed) = (0, 0, 0)
        for seed in [4, base] {
            var random = RandomValues(seed: seed)
            let fixture = try Fixture(&random, rows: 14_000)
            for number in 0..<150 {
                let text = Self.query(&random)
                let plan = try fixture.plan(text)
                var budget = QueryBudget()
                if random.oneIn(4) { budget.rowsExamined = random.below(16_000) }
                if random.oneIn(4) { budget.rowsProduced = random.below(4_000) }
                if random.oneIn(4) { budget.bytesProduced = random.below(200_000) }
                let serial = PlanRunner(plan)
                let expected = Self.end(serial) { sink throws(EngineError) in
                    try serial.run(over: fixture.snapshot, budget: budget, sink)
                }
                guard let pieces = PlanPieces(plan, over: fixture.snapshot, pageCount: 1 + random.below(3), least: 2)
                else { continue }
                #expect(pieces.count > 2)
                // Made in any order, and some not at all.
                var made: [Int: PlanPiece] = [:]
                for piece in 0..<pieces.count where !random.oneIn(4) {
                    made[piece] = pieces.make(piece, binding: [], budget)
                }
                let runner = PlanRunner(plan)
                let found = Self.end(runner) { sink throws(EngineError) in
                    try runner.run(over: pieces, budget: budget, taking: { made[$0] }, sink)
                }
                #expect(found == expected, "SPACETIME_SEED=\(seed), query \(number): \(text), \(budget)")
                taken += 1
                if expected.error != nil { failed += 1 }
                if text.contains("LIMIT") { limited += 1 }
                // Nothing is left of it in the runner.
                let again = Self.end(runner) { sink throws(EngineError) in
                    try runner.run(over: fixture.snapshot, budget: budget, sink)
                }
                #expect(again == expected, "SPACETIME_SEED=\(seed), query \(number) once more: \(text)")
            }
        }
        #expect(taken > 150 && limited > 30 && failed > 20, "\(taken), \(limited) limited, \(failed) failed")
    }

    /// Joins, rows that come by an index, and small tables.
    @Test func whatCannotBeTakenApartIsNot() throws {
        var random = RandomValues(seed: 7)
        let fixture = try Fixture(&random, rows: 8_000)
        func isTaken(_ text: String, least: Int = 2) throws -> Bool {
            try PlanPieces(fixture.plan(text), over: fixture.snapshot, pageCount: 1, least: least) != nil
        }
        #expect(try isTaken("SELECT * FROM item WHERE g = 3"))
        #expect(try !isTaken("SELECT * FROM item WHERE g = 3", least: 1_000))
        #expect(try !isTaken("SELECT * FROM item WHERE id = 3"))
        #expect(try !isTaken("SELECT * FROM item ORDER BY id LIMIT 3"))
        #expect(try !isTaken("SELECT a.* FROM item a JOIN item b ON a.g = b.g"))
        #expect(try !isTaken("SELECT COUNT(*) AS n FROM item"))
        #expect(try !isTaken("SELECT DISTINCT g FROM item LIMIT 3"))
        #expect(try !isTaken("SELECT COUNT(DISTINCT g) AS n FROM item"))
        #expect(try !isTaken("SELECT g, COUNT(*) AS n FROM item WHERE f > 1.0 GROUP BY g"))
    }
}
