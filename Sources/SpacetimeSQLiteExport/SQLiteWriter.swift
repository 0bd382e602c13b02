import CSQLite
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// One SQLite file being written. Everything happens on the calling thread.
final class SQLiteWriter {
    private let handle: OpaquePointer

    static func write(
        _ snapshot: DatastoreSnapshot, offset: TxOffset, identity: String, to path: String
    ) throws(DatabaseError) -> SQLiteExportReport {
        let writer = try SQLiteWriter(path)
        // The file is nobody's before it is renamed: a crash leaves a file that is thrown away, so no journal is needed.
        try writer.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192; BEGIN")
        var sources: [(id: TableID, schema: TableSchema)] = []
        for id in snapshot.tableIDs {
            guard let schema = snapshot.schema(of: id), schema.kind == .user else { continue }
            sources.append((id, schema))
        }
        let names = SQLiteNames(sources.map(\.schema))
        var rowCount = 0
        for (source, table) in zip(sources, names.tables) {
            try writer.execute(createTable(source.schema, table))
            rowCount += try writer.fill(source.id, source.schema, table, snapshot)
            // Indexes last: building them once is cheaper than keeping them up.
            for (position, index) in source.schema.indexes.enumerated() where !index.isUnique {
                try writer.execute(createIndex(table.indexes[position], index.columns, table))
            }
        }
        try writer.execute(describing(names.renamings, offset: offset, identity: identity))
        try writer.execute("COMMIT")
        try writer.check()
        return SQLiteExportReport(offset: offset, rowCount: rowCount, renamings: names.renamings)
    }

    /// The tables about the export itself.
    private static func describing(
        _ renamings: [SQLiteExportReport.Renaming], offset: TxOffset, identity: String
    ) -> String {
        var sql = """
            CREATE TABLE \(SQLiteNames.export) (name TEXT PRIMARY KEY, value);
            INSERT INTO \(SQLiteNames.export) VALUES ('offset', \(offset.rawValue)), ('identity', \(quoted(identity, "'"))),
                ('format', 2);
            CREATE TABLE \(SQLiteNames.renamed) ("table" TEXT NOT NULL, "column" TEXT, name TEXT NOT NULL);
            """
        for renaming in renamings {
            let column = renaming.column.map { quoted($0, "'") } ?? "NULL"
            sql += """

                INSERT INTO \(SQLiteNames.renamed)
                    VALUES (\(quoted(renaming.table, "'")), \(column), \(quoted(renaming.name, "'")));
                """
        }
        return sql
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

    /// By scalars: a mark is a mark whatever follows it, such as an accent that would merge with it on the screen.
    private static func quoted(_ name: String, _ mark: Unicode.Scalar = "\"") -> String {
        var quoted = String.UnicodeScalarView([mark])
        for scalar in name.unicodeScalars {
            if scalar == mark { quoted.append(mark) }
            quoted.append(scalar)
        }
        quoted.append(mark)
        return String(quoted)
    }

    private static func list(_ columns: [ColumnID], _ table: SQLiteNames.Table) -> String {
        columns.map { quoted(table.columns[$0.index]) }.joined(separator: ", ")
    }

    private static func createTable(_ schema: TableSchema, _ table: SQLiteNames.Table) -> String {
        let forms = schema.columns.map { SQLiteForm($0.type) }
        var parts = zip(forms, table.columns).map { "\(quoted($1)) \($0.declaration)" }
        let key = schema.primaryKey
        if !key.isEmpty {
            // SQLite fills in a number of its own where the primary key is one INTEGER column and NULL is stored.
            let isNullable = key.contains { forms[$0.index].isNullable }
            parts.append("\(isNullable ? "UNIQUE" : "PRIMARY KEY") (\(list(key, table)))")
        }
        for constraint in schema.uniqueConstraints where Set(constraint.columns) != Set(key) {
            parts.append("UNIQUE (\(list(constraint.columns, table)))")
        }
        // A table without columns is possible here, and not there.
        if schema.columns.isEmpty { parts.append("\"_\" INTEGER") }
        return "CREATE TABLE \(quoted(table.name)) (\(parts.joined(separator: ", ")))"
    }

    private static func createIndex(_ name: String, _ columns: [ColumnID], _ table: SQLiteNames.Table) -> String {
        "CREATE INDEX \(quoted(name)) ON \(quoted(table.name)) (\(list(columns, table)))"
    }

    // MARK: Rows

    private func fill(
        _ id: TableID, _ schema: TableSchema, _ table: SQLiteNames.Table, _ snapshot: DatastoreSnapshot
    ) throws(DatabaseError) -> Int {
        let marks = Array(repeating: "?", count: max(1, schema.columns.count)).joined(separator: ", ")
        var statement: OpaquePointer?
        let sql = "INSERT INTO \(Self.quoted(table.name)) VALUES (\(marks))"
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure(sql)
        }
        defer { sqlite3_finalize(statement) }
        let forms = schema.columns.map { SQLiteForm($0.type) }
        var count = 0
        try snapshot.forEachRow(of: id) { (row) throws(DatabaseError) in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            for (position, form) in forms.enumerated() {
                let code: Int32
                do {
                    let value = try AlgebraicValue(from: &reader, type: form.type)
                    code = try form.bind(value, to: statement, Int32(position + 1))
                } catch {
                    throw DatabaseError(
                        .internalInconsistency, "a row of '\(schema.name)' cannot be read: \(error)", cause: error)
                }
                guard code == SQLITE_OK else {
                    throw failure("column '\(schema.columns[position].name)' of a row of '\(schema.name)'")
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
