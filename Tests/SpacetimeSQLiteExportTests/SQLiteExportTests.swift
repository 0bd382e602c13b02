import CSQLite
import SpacetimeKit
import SpacetimeSQLiteExport
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@SpacetimeType enum Shape: Equatable {
    case dot
    case circle(radius: Int32)
}

@Table(name: "select") struct Everything {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: String
    @Indexed var group: Int32
    var flag: Bool
    var wide: Int128
    var real: Double
    var bytes: [UInt8]
    var who: Identity
    var at: Timestamp
    var maybe: String?
    var number: Int64?
    var shape: Shape
    var list: [String]
}

@Table(name: "pair") struct Pair {
    var left: UInt32
    var right: String
}

@Module enum Exported {
    static let tables = Tables(Everything.self, Pair.self)

    @Reducer static func fill(_ context: borrowing Context, count: Int32) throws {
        for i in 0..<count {
            try context.db.everything.insert(
                Everything(
                    id: i == 1 ? .max : UInt64(i) + 1, code: "it's \"\(i)\"", group: i % 3, flag: i % 2 == 0,
                    wide: Int128(i) << 100, real: i == 2 ? .nan : Double(i) / 4,
                    bytes: [UInt8](repeating: 7, count: Int(i)),
                    who: context.sender, at: context.timestamp, maybe: i == 0 ? nil : i == 1 ? "" : "x\0y",
                    number: i == 0 ? nil : Int64(i), shape: i == 0 ? .dot : .circle(radius: i), list: ["a", "b"]))
        }
    }
}

@Suite struct SQLiteExportTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let test: TestDatabase<Exported>

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/out.sqlite"
        test = try TestDatabase(Exported.self)
        try test.call(Exported.fill, 5)
    }

    private func query(_ sql: String) throws -> [[String]] { try SQLiteReader(path).texts(sql) }

    @Test func everyTypeArrivesAsDocumented() throws {
        let result = try test.database.exportSQLite(to: path)
        #expect(result.rowCount == 5 && result.offset == TxOffset(1))
        let rows = try query(
            """
            SELECT id, code, flag, wide, real, length(bytes), who, at, maybe, number, shape, list,
                   typeof(id), typeof(wide), typeof(bytes), typeof(real) FROM "select" ORDER BY code
            """)
        #expect(rows.count == 5)
        let owner = "\(test.database.owner)"
        #expect(
            rows[0] == [
                "1", "it's \"0\"", "1", "0", "0.0", "0", owner, "2026-01-01T00:00:00.000000Z", "NULL", "NULL", "dot",
                "[\"a\",\"b\"]", "integer", "text", "blob", "real",
            ])
        // A key beyond the signed range keeps its bits.
        #expect(rows[1][0] == "-1" && rows[1][8] == "" && rows[1][3] == "\(Int128(1) << 100)")
        #expect(rows[2][4] == "NULL" && rows[2][8] == "x\0y")
        #expect(rows[2][10] == "{\"circle\":{\"radius\":2}}")
        let micros = "strftime('%s', substr(at, 1, 19)) * 1000000 + substr(at, 21, 6)"
        #expect(
            try query("SELECT DISTINCT date(at), \(micros), datetime(at) FROM \"select\"")
                == [["2026-01-01", "1767225600000000", "2026-01-01 00:00:00"]])
        #expect(try query("SELECT name FROM spacetimekit_renamed").isEmpty && result.renamings.isEmpty)
        #expect(try query("SELECT count(*) FROM pair") == [["0"]])
        #expect(try query("SELECT value FROM spacetimekit_export WHERE name = 'offset'") == [["1"]])
    }

    @Test func keysAndIndexesAreThere() throws {
        try test.database.exportSQLite(to: path)
        #expect(try query("PRAGMA integrity_check") == [["ok"]])
        let plan = try query("EXPLAIN QUERY PLAN SELECT * FROM \"select\" WHERE \"group\" = 1").flatMap { $0 }.joined()
        #expect(plan.contains("USING INDEX"))
        let key = try query("EXPLAIN QUERY PLAN SELECT * FROM \"select\" WHERE id = 1").flatMap { $0 }.joined()
        #expect(key.contains("PRIMARY KEY"))
        #expect(try query("SELECT count(*) FROM pragma_index_list('select') WHERE \"unique\" = 1") == [["1"]])
    }

    @Test func tasksSuspendWhileTheFileIsWritten() async throws {
        let report = try await test.database.exportSQLite(to: path)
        #expect(report.rowCount == 5)
        #expect(try query("SELECT count(*) FROM \"select\"") == [["5"]])
    }

    @Test func aFileIsNotOverwrittenUnasked() throws {
        try test.database.exportSQLite(to: path)
        let error = #expect(throws: DatabaseError.self) { try test.database.exportSQLite(to: path) }
        #expect(error?.code == .notPossible)
        try test.call(Exported.fill, 0)
        try test.database.exportSQLite(to: path, replacing: true)
        let missing = #expect(throws: DatabaseError.self) {
            try test.database.exportSQLite(to: "/no/such/place.sqlite")
        }
        #expect(missing?.code == .notPossible)
        let empty = #expect(throws: DatabaseError.self) { try test.database.exportSQLite(to: "") }
        #expect(empty?.code == .notPossible)
    }
}
