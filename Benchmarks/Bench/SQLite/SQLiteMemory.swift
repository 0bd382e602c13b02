/// The memory of a table in SQLite. Its key is the row's own place in the B-tree, so it needs no index for that.
enum SQLiteMemory {
    static func subject(secondIndex: Bool) -> MemorySubject {
        MemorySubject(system: "sqlite-memory", variant: secondIndex ? "key+unique" : "key") { count in
            let database = try SQLite(.memory)
            try database.execute(
                """
                CREATE TABLE item (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, x INTEGER NOT NULL,
                                   y INTEGER NOT NULL)
                """)
            if secondIndex { try database.execute("CREATE UNIQUE INDEX item_owner ON item (owner)") }
            let insert = try database.prepare("INSERT INTO item VALUES (?, ?, ?, ?)")
            try database.execute("BEGIN")
            for position in 0..<count {
                insert.bind(1, Int64(position))
                insert.bind(2, Int64(count - position))
                let (x, y) = MemoryRunner.numbers(of: UInt64(position))
                insert.bind(3, Int64(x))
                insert.bind(4, Int64(y))
                try insert.run()
            }
            try database.execute("COMMIT")
            return database
        }
    }
}
