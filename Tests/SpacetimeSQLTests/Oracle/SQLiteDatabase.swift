import CSQLite

/// An SQLite database in memory.
final class SQLiteDatabase {
    enum Value: Hashable {
        case null
        case integer(Int64)
        case real(Double)
        case text(String)
        case blob([UInt8])
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]

    init() throws {
        var handle: OpaquePointer?
        guard sqlite3_open(":memory:", &handle) == SQLITE_OK, let handle else {
            throw Failure(description: "no SQLite")
        }
        self.handle = handle
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    private var failure: Failure { Failure(description: String(cString: sqlite3_errmsg(handle))) }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    /// Runs a statement with values that is used again and again.
    func run(_ sql: String, _ values: [Value]) throws {
        let statement = try statements[sql] ?? prepare(sql)
        statements[sql] = statement
        defer { sqlite3_reset(statement) }
        for (position, value) in values.enumerated() {
            guard bind(value, to: statement, Int32(position + 1)) == SQLITE_OK else { throw failure }
        }
        guard sqlite3_step(statement) == SQLITE_DONE else { throw failure }
    }

    func rows(_ sql: String) throws -> [[Value]] {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        var rows: [[Value]] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw failure }
            rows.append((0..<sqlite3_column_count(statement)).map { Self.value(statement, $0) })
        }
    }

    private func prepare(_ sql: String) throws -> OpaquePointer {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else { throw failure }
        return statement
    }

    private func bind(_ value: Value, to statement: OpaquePointer, _ position: Int32) -> Int32 {
        // SQLite copies what it is given: the value -1, which C writes as a macro.
        let copies = unsafeBitCast(-1 as Int, to: sqlite3_destructor_type.self)
        return switch value {
        case .null: sqlite3_bind_null(statement, position)
        case .integer(let number): sqlite3_bind_int64(statement, position, number)
        case .real(let number): sqlite3_bind_double(statement, position, number)
        case .text(let text): sqlite3_bind_text(statement, position, text, -1, copies)
        case .blob(let bytes):
            bytes.isEmpty
                ? sqlite3_bind_zeroblob(statement, position, 0)
                : sqlite3_bind_blob(statement, position, bytes, Int32(bytes.count), copies)
        }
    }

    private static func value(_ statement: OpaquePointer, _ column: Int32) -> Value {
        func bytes() -> [UInt8] {
            guard let start = sqlite3_column_blob(statement, column) else { return [] }
            return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
        }
        return switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT: .text(String(decoding: bytes(), as: UTF8.self))
        case SQLITE_BLOB: .blob(bytes())
        default: .null
        }
    }
}

extension [[SQLiteDatabase.Value]] {
    /// In an order that does not depend on where they came from.
    func sortedRows() -> [[SQLiteDatabase.Value]] {
        map { (key: $0.flatMap(\.sortKey), row: $0) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.row)
    }
}

extension SQLiteDatabase.Value {
    /// Bytes that are equal exactly if the values are.
    fileprivate var sortKey: [UInt8] {
        func bytes(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
        return switch self {
        case .null: [0]
        case .integer(let number): [1] + bytes(UInt64(bitPattern: number))
        case .real(let number): [2] + bytes(number.bitPattern)
        case .text(let text): [3] + bytes(UInt64(text.utf8.count)) + Array(text.utf8)
        case .blob(let blob): [4] + bytes(UInt64(blob.count)) + blob
        }
    }
}
