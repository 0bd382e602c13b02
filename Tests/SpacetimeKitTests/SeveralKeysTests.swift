import SpacetimeKit
import Testing

/// Look-ups of several keys at once beside one look-up for each.
@Suite struct SeveralKeysTests {
    @Table struct Numbered {
        @PrimaryKey var id: UInt64
        @Unique var code: Int32
        @Unique var name: String
    }

    @Module enum Numbers {
        static let tables = Tables(Numbered.self)

        @Reducer static func fill(_ context: borrowing Context, count: UInt64) throws {
            for id in 0..<count {
                try context.db.numbered.insert(Numbered(id: id * 3, code: -Int32(id), name: "number \(id)"))
            }
        }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 100])
    func severalKeysAreFoundAsOneByOne(_ count: Int) throws {
        let db = try Database.open(.inMemory, module: Numbers.self)
        try db.call(Numbers.fill, 200)
        // Every third one is there, and some come twice.
        let ids = (0..<count).map { UInt64($0 * 7 % 90) } + (count > 0 ? [0, 0, .max] : [])
        let codes = ids.map { Int32(truncatingIfNeeded: $0) - 40 }
        let names = ids.map { "number \($0)" }
        try db.read { db in
            let table = db.numbered
            #expect(table.id.find(ids).map { $0?.name } == ids.map { table.id.find($0)?.name })
            #expect(table.code.find(codes).map { $0?.id } == codes.map { table.code.find($0)?.id })
            #expect(table.name.find(names).map { $0?.id } == names.map { table.name.find($0)?.id })
            #expect(table.id.find(ids).contains { $0 != nil } == (count > 0))
        }
    }
}
