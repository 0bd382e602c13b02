/// An empty transaction per operation.
final class SQLiteNoop: Contestant {
    let system: String
    private let calls: Int
    private let database: SQLite
    private let begin, commit: SQLiteStatement

    init(_ storage: SQLiteStorage, calls: Int) throws {
        system = storage.system
        self.calls = calls
        database = try SQLite(storage)
        begin = try database.prepare("BEGIN")
        commit = try database.prepare("COMMIT")
    }

    func run(pass: Int) throws -> PassResult {
        for _ in 0..<calls {
            try begin.run()
            try commit.run()
        }
        return PassResult(operations: calls, digest: UInt64(calls))
    }
}

/// A database opened, given a table and a row, read and closed, per operation.
final class SQLiteTestDatabases: Contestant {
    let system = "sqlite-memory"
    private let databases: Int

    init(databases: Int) { self.databases = databases }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for number in 0..<databases {
            let database = try SQLite(.memory)
            try database.execute(
                """
                CREATE TABLE item (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, x INTEGER NOT NULL,
                                   y INTEGER NOT NULL, name TEXT NOT NULL);
                CREATE INDEX item_owner ON item (owner);
                INSERT INTO item VALUES (\(number), 1, 2, 3, 'a name');
                """)
            digest.add(Int(try database.integer("SELECT id + x FROM item")))
        }
        return PassResult(operations: databases, digest: digest.value)
    }
}
