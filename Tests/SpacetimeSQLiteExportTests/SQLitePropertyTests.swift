import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import Testing

@testable import SpacetimeSQLiteExport

/// Files of tables as no one would make them, but may.
@Suite struct SQLitePropertyTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/out.sqlite"
    }

    private func fill(_ datastore: Datastore, _ table: TableID, _ rows: [[UInt8]]) -> [[UInt8]] {
        var stored: [[UInt8]] = []
        datastore.begin()
        for row in rows {
            var row = row
            // A key that is taken, or a row that is there: not this one then.
            let isNew = try? row.withUnsafeMutableBytes { try datastore.insert(table, validating: $0) }
            if isNew == true { stored.append(row) }
        }
        datastore.commit()
        return stored
    }

    // MARK: Random schemas

    private static let names = [
        "select", "Select", "SELECT", "sqlite_master", "SQLite_x", "renamed_sqlite_x", "spacetimekit_export",
        "Spacetimekit_Renamed", "t", "T", "t_2", "T_2", "größe", "GRÖSSE", "Größe", "漢字", "rowid", "index", "_", "x",
        "sqlite_autoindex_t_1", "spacetimekit_export_2",
    ]

    private func schema(_ name: String, _ random: inout RandomValues, isTaken: inout Set<String>) -> TableSchema {
        let columns = Self.names.filter { _ in random.oneIn(4) }.map { ($0, random.type()) }
        func someColumns() -> [ColumnID] {
            let some = columns.indices.filter { _ in random.oneIn(2) }.prefix(3).map { ColumnID(UInt16($0)) }
            return some.isEmpty ? [0] : Array(some)
        }
        guard !columns.isEmpty else { return TableSchema(name: name, columns: [] as [(String, AlgebraicType)]) }
        var indexes: [IndexSchema] = []
        for _ in 0..<random.below(4) {
            let name = Self.names[random.below(Self.names.count)]
            guard isTaken.insert(name).inserted else { continue }
            indexes.append(
                IndexSchema(
                    name: name, algorithm: random.oneIn(2) ? .btree : .hash, columns: someColumns(),
                    isUnique: random.oneIn(2)))
        }
        return TableSchema(
            name: name, columns: columns, primaryKey: random.oneIn(2) ? someColumns() : [], indexes: indexes)
    }

    /// What SQLite cannot hold in a column of numbers: it has no not-a-number and one zero.
    private func storable(_ value: AlgebraicValue, _ type: AlgebraicType) -> AlgebraicValue {
        if let payload = type.optionPayload {
            guard payload.optionPayload == nil, case .sum(tag: 0, let present) = value else { return value }
            switch storable(present, payload) {
            case .f32(let number) where number.isNaN: return .none
            case .f64(let number) where number.isNaN: return .none
            case let present: return .some(present)
            }
        }
        return switch value {
        case .f32(let number): .f32(number.isNaN ? .nan : number == 0 ? 0 : number)
        case .f64(let number): .f64(number.isNaN ? .nan : number == 0 ? 0 : number)
        default: value
        }
    }

    /// The value of a column as another program finds it, taken back by the documented table of forms.
    private func value(_ found: SQLiteReader.Value, _ type: AlgebraicType) throws -> AlgebraicValue {
        if let payload = type.optionPayload, payload.optionPayload == nil, found != .null {
            return .some(try value(found, payload))
        }
        switch (found, type) {
        case (.null, .f32): return .f32(.nan)
        case (.null, .f64): return .f64(.nan)
        case (.null, _): return try ColumnText(type).value(nil)
        case (.real(let number), .f32): return .f32(Float(number))
        case (.real(let number), .f64): return .f64(number)
        case (.blob(let bytes), _): return .bytes(bytes)
        case (.integer(let number), .bool): return .bool(number == 1)
        case (.integer(let number), .u64): return .u64(UInt64(bitPattern: number))
        case (.integer(let number), _): return try AlgebraicValue(json: "\(number)", type: type)
        case (.text(let text), _): return try ColumnText(type).value(text)
        case (.real, _): throw SQLiteReader.Failure(message: "a real number in a column of type \(type)")
        }
    }

    @Test func randomSchemasAreExportedWithTheirValues() throws {
        let base = freshSeed()
        var rowCount = 0
        var renamingCount = 0
        for seed in base..<(base + 150) {
            var random = RandomValues(seed: seed)
            let datastore = Datastore()
            var isTaken: Set<String> = []
            let tableNames = Self.names.filter { _ in random.oneIn(3) }
            isTaken.formUnion(tableNames)
            var expected: [String: (schema: TableSchema, rows: [[UInt8]])] = [:]
            for name in tableNames {
                let schema = schema(name, &random, isTaken: &isTaken)
                // Some types are no keys.
                guard let table = try? datastore.createTable(schema) else { continue }
                let rows = (0..<random.below(20)).map { _ in
                    schema.columns.flatMap { random.value(of: $0.type).bsatn() }
                }
                expected[name] = (schema, fill(datastore, table, rows))
            }
            let file = "\(path)\(seed)"
            let report = try SQLiteWriter.write(datastore.snapshot(), offset: TxOffset(7), identity: "it's", to: file)
            #expect(report.rowCount == expected.values.reduce(0) { $0 + $1.rows.count }, "SPACETIME_SEED=\(seed)")
            rowCount += report.rowCount
            renamingCount += report.renamings.count
            let reader = SQLiteReader(file)
            for (name, table) in expected {
                try check(reader, report, name, table.schema, table.rows, seed)
            }
        }
        // The schemas were mostly possible, and often confusing.
        #expect(rowCount > 2_000 && renamingCount > 200)
    }

    private func check(
        _ reader: SQLiteReader, _ report: SQLiteExportReport, _ name: String, _ schema: TableSchema, _ rows: [[UInt8]],
        _ seed: UInt64
    ) throws {
        func quoted(_ name: String) -> String { "\"\(name)\"" }
        let renamed = report.renamings.filter { $0.table == name }
        let tableName = renamed.first { $0.column == nil }?.name ?? name
        let columns = schema.columns.map { column in
            quoted(renamed.first { $0.column == column.name }?.name ?? column.name)
        }
        let found = try reader.rows(
            "SELECT \(columns.isEmpty ? "1" : columns.joined(separator: ", ")) FROM \(quoted(tableName))")
        let foundRows = try found.map { row in
            try zip(row, schema.columns).flatMap { try value($0, $1.type).bsatn() }
        }
        let storedRows = try rows.map { row in
            guard case .product(let fields) = try AlgebraicValue(bsatn: row, type: .product(schema.rowType)) else {
                return [] as [UInt8]
            }
            return zip(fields, schema.columns).flatMap { storable($0, $1.type).bsatn() }
        }
        func sorted(_ rows: [[UInt8]]) -> [[UInt8]] { rows.sorted { $0.lexicographicallyPrecedes($1) } }
        #expect(sorted(foundRows) == sorted(storedRows), "SPACETIME_SEED=\(seed) table \(name)")
    }

    // MARK: Cases

    private func export(_ schemas: [TableSchema], rows: [[UInt8]] = []) throws -> (SQLiteExportReport, SQLiteReader) {
        let datastore = Datastore()
        for schema in schemas { #expect(fill(datastore, try datastore.createTable(schema), rows).count == rows.count) }
        let report = try SQLiteWriter.write(datastore.snapshot(), offset: TxOffset(7), identity: "it's", to: path)
        return (report, SQLiteReader(path))
    }

    @Test func namesThatSQLiteConfusesOrReservesAreChanged() throws {
        let schemas = ["b", "sqlite_stat", "B", "spacetimekit_export", "b_2", "SpaceTimeKit_renamed"].map {
            TableSchema(
                name: $0, columns: [("a", .u8), ("A", .u8), ("a_2", .u8)],
                indexes: [IndexSchema(name: "\($0)_i", columns: [0]), IndexSchema(name: "\($0)_I", columns: [1])])
        }
        let (report, reader) = try export(schemas, rows: [[1, 2, 3]])
        let tables = report.renamings.filter { $0.column == nil }.map { [$0.table, $0.name] }
        #expect(
            tables == [
                ["b", "b_3"], ["sqlite_stat", "renamed_sqlite_stat"], ["spacetimekit_export", "spacetimekit_export_2"],
                ["SpaceTimeKit_renamed", "SpaceTimeKit_renamed_2"],
            ])
        #expect(report.renamings.filter { $0.table == "B" }.map { [$0.column, $0.name] } == [["a", "a_3"]])
        #expect("\(report)".hasPrefix("6 rows as of commit 7\n"))
        #expect("\(report)".contains("\ncolumn 'a' of table 'B' is called 'a_3' in the file"))
        #expect("\(report)".contains("\ntable 'b' is called 'b_3' in the file"))
        #expect(try reader.texts("SELECT a_3, A, a_2 FROM b_3") == [["1", "2", "3"]])
        #expect(
            try reader.texts("SELECT name FROM spacetimekit_renamed WHERE \"column\" IS NULL").flatMap { $0 }
                == tables.map { $0[1] })
        #expect(try reader.texts("SELECT value FROM spacetimekit_export WHERE name = 'identity'") == [["it's"]])
        #expect(
            try reader.texts("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql NOT NULL") == [["12"]])
    }

    @Test func renamingFollowsFromTheNamesAlone() {
        var forwards = DistinctNames(reservedPrefix: "sqlite_")
        var backwards = DistinctNames(reservedPrefix: "sqlite_")
        let names = ["x", "X", "SQLITE_x", "sqlite_X", "renamed_sqlite_X", "X_2", "é", "É"]
        let assigned = forwards.assign(names)
        #expect(
            assigned == ["x_3", "X", "renamed_SQLITE_x_2", "renamed_sqlite_X_3", "renamed_sqlite_X", "X_2", "é", "É"])
        #expect(assigned == backwards.assign(names.reversed()).reversed())
        #expect(forwards.assign(["X"]) == ["X_4"])
    }

    @Test func uniqueStructsWithoutNumbersStayApart() throws {
        let type = AlgebraicType.product([("x", .f64), ("y", .option(.f32))])
        let schema = TableSchema(
            name: "place", columns: [("at", type)], indexes: [IndexSchema(name: "by_at", columns: [0], isUnique: true)])
        let values: [(Double, AlgebraicValue)] = [
            (.infinity, .none), (-.infinity, .none), (.nan, .none), (.nan, .some(.f32(.nan))),
            (0, .some(.f32(.infinity))),
        ]
        let rows = values.map { AlgebraicValue.product([.f64($0), $1]).bsatn() }
        let (report, reader) = try export([schema], rows: rows)
        #expect(report.rowCount == 5)
        #expect(
            try reader.texts("SELECT at FROM place ORDER BY rowid").flatMap { $0 } == [
                "{\"x\":\"Infinity\",\"y\":{\"none\":{}}}", "{\"x\":\"-Infinity\",\"y\":{\"none\":{}}}",
                "{\"x\":\"NaN\",\"y\":{\"none\":{}}}", "{\"x\":\"NaN\",\"y\":{\"some\":\"NaN\"}}",
                "{\"x\":0.0,\"y\":{\"some\":\"Infinity\"}}",
            ])
    }

    @Test func anAbsentPrimaryKeyIsNotNumbered() throws {
        let schema = TableSchema(name: "t", columns: [("id", .option(.u32)), ("x", .u8)], primaryKey: [0])
        let (_, reader) = try export([schema], rows: [[1, 5], [0, 9, 0, 0, 0, 6]])
        #expect(try reader.texts("SELECT id, x FROM t ORDER BY x") == [["NULL", "5"], ["9", "6"]])
    }
}
