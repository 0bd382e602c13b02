/// The item table in SQLite, with what it takes to fill it.
final class SQLiteItemTable {
    let database: SQLite
    let begin, commit: SQLiteStatement
    private let insert: SQLiteStatement
    private let shape: ItemShape

    init(_ storage: SQLiteStorage, _ shape: ItemShape) throws {
        self.shape = shape
        database = try SQLite(storage)
        try database.execute(
            """
            CREATE TABLE item (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL
                               \(shape == .named ? ", name TEXT NOT NULL" : ""));
            CREATE INDEX item_owner ON item (owner);
            """)
        begin = try database.prepare("BEGIN")
        commit = try database.prepare("COMMIT")
        insert = try database.prepare("INSERT INTO item VALUES (?, ?, ?, ?\(shape == .named ? ", ?" : ""))")
    }

    func insert(_ range: Range<Int>, of items: ItemWorkload) throws {
        try begin.run()
        for row in range {
            insert.bind(1, Int64(row))
            insert.bind(2, Int64(items.owner[row]))
            insert.bind(3, Int64(items.x[row]))
            insert.bind(4, Int64(items.y[row]))
            guard shape == .named else {
                try insert.run()
                continue
            }
            var name = items.name[row]
            try name.withUTF8 { utf8 in
                try utf8.withMemoryRebound(to: CChar.self) { text in
                    insert.bind(5, text)
                    try insert.run()
                }
            }
        }
        try commit.run()
    }

    static func filled(
        _ storage: SQLiteStorage, _ shape: ItemShape, with items: ItemWorkload
    ) throws -> SQLiteItemTable {
        let table = try SQLiteItemTable(storage, shape)
        try table.insert(0..<items.rows, of: items)
        return table
    }
}

/// Inserts into a growing table, some rows per transaction.
final class SQLiteInsert: Contestant {
    let system: String
    private let storage: SQLiteStorage
    private let items: ItemWorkload
    private let plan: InsertPlan
    private var table: SQLiteItemTable?

    init(_ storage: SQLiteStorage, _ items: ItemWorkload, _ plan: InsertPlan) {
        system = storage.system
        self.storage = storage
        self.items = items
        self.plan = plan
    }

    func prepare(pass: Int) throws {
        table = nil
        table = try SQLiteItemTable(storage, plan.shape)
    }

    func run(pass: Int) throws -> PassResult {
        guard let table else { return PassResult(operations: 0, digest: 0) }
        for batch in plan.batches { try table.insert(batch, of: items) }
        return PassResult(operations: plan.rows, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        guard let table else { return 0 }
        let rows = try table.database.prepare("SELECT * FROM item WHERE owner >= 0")
        while rows.step() {
            let name = plan.shape == .named ? Int64(rows.textLength(4)) : 0
            digest.add(UInt64(rows.int64(0)), rows.int64(1) &+ rows.int64(2) &+ rows.int64(3) &+ name)
        }
        return digest.value
    }
}

/// The reading benchmarks; each runs inside one transaction.
final class SQLiteReads: Contestant {
    let system: String
    private let work: ReadWork
    private let shape: ItemShape
    private let items: ItemWorkload
    private let table: SQLiteItemTable
    private let select: SQLiteStatement

    init(_ storage: SQLiteStorage, _ items: ItemWorkload, _ work: ReadWork, _ shape: ItemShape) throws {
        system = storage.system
        self.items = items
        self.work = work
        self.shape = shape
        table = try SQLiteItemTable.filled(storage, shape, with: items)
        let sql =
            switch work {
            case .find: "SELECT x, \(shape == .named ? "name" : "y") FROM item WHERE id = ?"
            case .range: "SELECT id, x FROM item WHERE owner >= ? AND owner < ?"
            case .scan: "SELECT id, x FROM item"
            case .filter: "SELECT count(*) FROM item WHERE x < ?"
            }
        select = try table.database.prepare(sql)
    }

    func run(pass: Int) throws -> PassResult {
        try table.begin.run()
        defer { try? table.commit.run() }
        switch work {
        case .find: return find(items.keys(pass: pass))
        case .range: return range(items.rangeStarts(pass: pass))
        case .scan: return scan()
        case .filter: return filter()
        }
    }

    private func find(_ keys: ArraySlice<UInt64>) -> PassResult {
        var digest = Digest()
        for key in keys {
            select.bind(1, Int64(key))
            if select.step() {
                let second = shape == .named ? Int64(select.textLength(1)) : select.int64(1)
                digest.add(key, select.int64(0) &+ second)
            }
            select.reset()
        }
        return PassResult(operations: keys.count, digest: digest.value)
    }

    private func range(_ starts: ArraySlice<UInt64>) -> PassResult {
        var digest = Digest()
        var rows = 0
        for start in starts {
            select.bind(1, Int64(start))
            select.bind(2, Int64(start) + Int64(ItemWorkload.ownersPerRange))
            while select.step() {
                digest.add(UInt64(select.int64(0)), select.int64(1))
                rows += 1
            }
            select.reset()
        }
        return PassResult(operations: rows, digest: digest.value)
    }

    private func scan() -> PassResult {
        var digest = Digest()
        while select.step() { digest.add(UInt64(select.int64(0)), select.int64(1)) }
        select.reset()
        return PassResult(operations: items.rows, digest: digest.value)
    }

    private func filter() -> PassResult {
        var digest = Digest()
        select.bind(1, Int64(ItemWorkload.xLimit))
        if select.step() { digest.add(Int(select.int64(0))) }
        select.reset()
        return PassResult(operations: items.rows, digest: digest.value)
    }
}
