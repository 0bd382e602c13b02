import CSQLite
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// One SQLite file being written. Everything happens on the calling thread.
final class SQLiteWriter {
    private let handle: OpaquePointer

    /// - Returns: the number of rows.
    static func write(
        _ snapshot: DatastoreSnapshot, offset: TxOffset, identity: String, to path: String
    ) throws(DatabaseError) -> Int {
        let writer = try SQLiteWriter(path)
        // The file is nobody's before it is renamed: a crash leaves a file that is thrown away, so no journal is needed.
        try writer.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192; BEGIN")
        var rowCount = 0
        for id in snapshot.tableIDs {
            guard let schema = snapshot.schema(of: id), schema.kind == .user else { continue }
            try writer.execute(Self.createTable(schema))
            rowCount += try writer.fill(id, schema, snapshot)
            // Indexes last: building them once is cheaper than keeping them up.
            for index in schema.indexes where !index.isUnique { try writer.execute(Self.createIndex(index, schema)) }
        }
        try writer.execute(
            """
            CREATE TABLE spacetimekit_export (name TEXT PRIMARY KEY, value);
            INSERT INTO spacetimekit_export VALUES ('offset', \(offset.rawValue)), ('identity', \(quoted(identity, "'"))),
                ('format', 1);
            COMMIT
            """)
        try writer.check()
        return rowCount
    }

    private init(_ path: String) throws(DatabaseError) {
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        guard code == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw DatabaseError(
                .storageFailure, "SQLite cannot make '\(path)': \(String(cString: sqlite3_errstr(code)))")
        }
        handle = opened
    }

    deinit { sqlite3_close_v2(handle) }

    private func failure(_ what: String) -> DatabaseError {
        DatabaseError(.storageFailure, "the export failed at \(what): \(String(cString: sqlite3_errmsg(handle)))")
    }

    private func execute(_ sql: String) throws(DatabaseError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
    }

    private func check() throws(DatabaseError) {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &statement, nil) == SQLITE_OK else {
            throw failure("its check")
        }
        defer { sqlite3_finalize(statement) }
        guard sqlite3_step(statement) == SQLITE_ROW, let text = sqlite3_column_text(statement, 0),
            String(cString: text) == "ok"
        else { throw failure("its check") }
    }

    // MARK: Tables

    private static func quoted(_ name: String, _ mark: String = "\"") -> String {
        mark + name.split(separator: mark, omittingEmptySubsequences: false).joined(separator: mark + mark) + mark
    }

    private static func list(_ columns: [ColumnID], _ schema: TableSchema) -> String {
        columns.map { quoted(schema.column($0)?.name ?? "") }.joined(separator: ", ")
    }

    private static func createTable(_ schema: TableSchema) -> String {
        var parts = schema.columns.map { column in
            let form = SQLiteForm(column.type)
            return "\(quoted(column.name)) \(form.declaration)"
        }
        if !schema.primaryKey.isEmpty { parts.append("PRIMARY KEY (\(list(schema.primaryKey, schema)))") }
        for constraint in schema.uniqueConstraints where Set(constraint.columns) != Set(schema.primaryKey) {
            parts.append("UNIQUE (\(list(constraint.columns, schema)))")
        }
        // A table without columns is possible here, and not there.
        if schema.columns.isEmpty { parts.append("\"_\" INTEGER") }
        return "CREATE TABLE \(quoted(schema.name)) (\(parts.joined(separator: ", ")))"
    }

    private static func createIndex(_ index: IndexSchema, _ schema: TableSchema) -> String {
        "CREATE INDEX \(quoted(index.name)) ON \(quoted(schema.name)) (\(list(index.columns, schema)))"
    }

    // MARK: Rows

    private func fill(_ id: TableID, _ schema: TableSchema, _ snapshot: DatastoreSnapshot) throws(DatabaseError) -> Int
    {
        let marks = Array(repeating: "?", count: max(1, schema.columns.count)).joined(separator: ", ")
        var statement: OpaquePointer?
        let sql = "INSERT INTO \(Self.quoted(schema.name)) VALUES (\(marks))"
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure(sql)
        }
        defer { sqlite3_finalize(statement) }
        let forms = schema.columns.map { SQLiteForm($0.type) }
        var count = 0
        try snapshot.forEachRow(of: id) { (row) throws(DatabaseError) in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            for (position, form) in forms.enumerated() {
                do {
                    let value = try AlgebraicValue(from: &reader, type: form.type)
                    try form.bind(value, to: statement, Int32(position + 1))
                } catch {
                    throw DatabaseError(
                        .internalInconsistency, "a row of '\(schema.name)' cannot be read: \(error)", cause: error)
                }
            }
            let code = sqlite3_step(statement)
            sqlite3_reset(statement)
            guard code == SQLITE_DONE else { throw failure("a row of '\(schema.name)'") }
            count += 1
        }
        return count
    }
}
