/// The same queries in SQLite.
final class SQLiteSQL: Contestant {
    let system = SQLiteStorage.memory.system
    let variant: String
    private let isPrepared: Bool
    private let work: SQLWork
    private let items: ItemWorkload
    private let table: SQLiteItemTable
    private let statement: SQLiteStatement
    private var values: [(UInt64, UInt64)] = []
    private var texts: [String] = []

    /// - Parameter other: one whose database is taken.
    init(_ items: ItemWorkload, _ work: SQLWork, isPrepared: Bool, sharing other: SQLiteSQL? = nil) throws {
        variant = isPrepared ? "prepared" : "text"
        self.isPrepared = isPrepared
        self.work = work
        self.items = items
        if let other {
            table = other.table
        } else {
            table = try SQLiteItemTable.filled(.memory, .named, with: items)
            try table.database.execute("CREATE TABLE seller (id INTEGER PRIMARY KEY, level INTEGER NOT NULL)")
            try table.begin.run()
            let insert = try table.database.prepare("INSERT INTO seller VALUES (?, ?)")
            for owner in 0..<items.owners {
                insert.bind(1, Int64(owner))
                insert.bind(2, Int64(Seller.level(owner)))
                try insert.run()
            }
            try table.commit.run()
        }
        statement = try table.database.prepare(work.text("?", "?"))
    }

    func prepare(pass: Int) throws {
        values = work.values(pass: pass, items)
        if !isPrepared { texts = values.map { work.text("\($0.0)", "\($0.1)") } }
    }

    func run(pass: Int) throws -> PassResult {
        try table.begin.run()
        defer { try? table.commit.run() }
        var digest = Digest()
        if isPrepared {
            for (first, second) in values {
                statement.bind(1, Int64(first))
                if work.valueCount > 1 { statement.bind(2, Int64(second)) }
                read(statement, &digest)
                statement.reset()
            }
        } else {
            for text in texts { read(try table.database.prepare(text), &digest) }
        }
        return PassResult(operations: values.count, digest: digest.value)
    }

    @inline(__always)
    private func read(_ statement: SQLiteStatement, _ digest: inout Digest) {
        switch work {
        case .point: while statement.step() { digest.add(UInt64(statement.int64(0)), Int64(statement.textLength(1))) }
        case .aggregate:
            while statement.step() { digest.add(UInt64(statement.int64(0)), statement.int64(1) &+ statement.int64(2)) }
        case .indexedTop: while statement.step() { digest.add(UInt64(statement.int64(0)), 0) }
        case .range, .join, .top:
            while statement.step() { digest.add(UInt64(bitPattern: statement.int64(0)), statement.int64(1)) }
        }
    }
}
