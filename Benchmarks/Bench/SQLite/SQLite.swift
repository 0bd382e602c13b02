import CSQLite
import SpacetimeTestSupport

/// How a peer database is kept.
enum SQLiteStorage {
    case memory
    /// A file in a temporary directory: write-ahead log, `synchronous=OFF`.
    case writeAheadLog
    /// The same with `synchronous=FULL`: a transaction is on disk when it returns.
    case synced

    var system: String {
        switch self {
        case .memory: "sqlite-memory"
        case .writeAheadLog: "sqlite-wal"
        case .synced: "sqlite-wal-synced"
        }
    }
}

/// A connection to SQLite through its C interface, set up as fast as it goes for one thread.
final class SQLite {
    private let handle: OpaquePointer
    private let directory: TemporaryDirectory?

    init(_ storage: SQLiteStorage) throws {
        directory = storage != .memory ? try TemporaryDirectory() : nil
        let path = directory.map { $0.path + "/bench.sqlite" } ?? ":memory:"
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK, let opened else {
            throw BenchError.system("SQLite cannot open \(path)")
        }
        handle = opened
        if storage != .memory {
            try execute("PRAGMA journal_mode=WAL")
            try execute("PRAGMA synchronous=\(storage == .synced ? "FULL" : "OFF")")
            // A gigabyte: the whole table stays in the cache, as it does in memory.
            try execute("PRAGMA cache_size=-1048576")
        }
    }

    deinit { sqlite3_close_v2(handle) }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
    }

    func prepare(_ sql: String) throws -> SQLiteStatement {
        var prepared: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        guard sqlite3_prepare_v3(handle, sql, -1, flags, &prepared, nil) == SQLITE_OK, let prepared else {
            throw failure(sql)
        }
        return SQLiteStatement(prepared)
    }

    /// The first column of the first row.
    func integer(_ sql: String) throws -> Int64 {
        let statement = try prepare(sql)
        guard statement.step() else { throw failure(sql) }
        return statement.int64(0)
    }

    private func failure(_ sql: String) -> BenchError {
        .system("SQLite: \(String(cString: sqlite3_errmsg(handle))) in: \(sql)")
    }
}

/// A prepared statement. Texts are bound without a copy and must live until the next reset.
final class SQLiteStatement {
    private let handle: OpaquePointer

    fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { sqlite3_finalize(handle) }

    /// Whether there is a row.
    @inline(__always)
    func step() -> Bool { sqlite3_step(handle) == SQLITE_ROW }

    @inline(__always)
    func reset() { sqlite3_reset(handle) }

    /// Runs a statement that returns no rows.
    @inline(__always)
    func run() throws {
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw BenchError.system("SQLite: \(String(cString: sqlite3_errstr(code)))") }
    }

    @inline(__always)
    func bind(_ position: Int32, _ value: Int64) { sqlite3_bind_int64(handle, position, value) }

    @inline(__always)
    func bind(_ position: Int32, _ text: UnsafeBufferPointer<CChar>) {
        sqlite3_bind_text(handle, position, text.baseAddress, Int32(text.count), nil)
    }

    @inline(__always)
    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// The length of a text in bytes.
    @inline(__always)
    func textLength(_ column: Int32) -> Int {
        _ = sqlite3_column_text(handle, column)
        return Int(sqlite3_column_bytes(handle, column))
    }
}
