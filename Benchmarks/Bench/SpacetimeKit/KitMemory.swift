import SpacetimeKit

@Table
private struct Keyed {
    @PrimaryKey var id: UInt64
    var owner: UInt64
    var x: Int32
    var y: Int32
}

@Table
private struct TwiceKeyed {
    @PrimaryKey var id: UInt64
    @Unique var owner: UInt64
    var x: Int32
    var y: Int32
}

@Module
private enum Measured {
    static let tables = Tables(Keyed.self, TwiceKeyed.self)

    @Reducer static func fill(_ context: borrowing Context, first: UInt64, end: UInt64, total: UInt64) throws {
        for id in first..<end {
            let (x, y) = MemoryRunner.numbers(of: id)
            try context.db.keyed.insert(Keyed(id: id, owner: total - id, x: x, y: y))
        }
    }

    @Reducer static func fillTwiceKeyed(_ context: borrowing Context, first: UInt64, end: UInt64, total: UInt64) throws
    {
        for id in first..<end {
            let (x, y) = MemoryRunner.numbers(of: id)
            try context.db.twiceKeyed.insert(TwiceKeyed(id: id, owner: total - id, x: x, y: y))
        }
    }
}

/// The memory of a table, with a hash index on its key and perhaps a second one.
enum KitMemory {
    static func subject(secondIndex: Bool) -> MemorySubject {
        MemorySubject(system: "spacetimekit", variant: secondIndex ? "key+unique" : "key") { count in
            let database = try Database.open(.inMemory, module: Measured.self)
            for start in stride(from: 0, to: count, by: 1_000) {
                let end = min(start + 1_000, count)
                if secondIndex {
                    try database.call(Measured.fillTwiceKeyed, UInt64(start), UInt64(end), UInt64(count))
                } else {
                    try database.call(Measured.fill, UInt64(start), UInt64(end), UInt64(count))
                }
            }
            return database
        }
    }
}
