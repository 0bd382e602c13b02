import SpacetimeKit
import Testing

@Table(.public, .index("byRoomDay", \.room, \.day))
struct Letter: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt32
    @Unique(name: "codes") var code: String
    var room: String
    var day: Int32
}

@Module enum PostOffice {
    static let tables = Tables(
        Letter.self, also: Table(Letter.self, name: "archive"), Table(Letter.self, name: "lostMail"))

    @Reducer static func write(_ context: borrowing Context, room: String, day: Int32, code: String) throws {
        try context.db.letter.insert(Letter(id: 0, code: code, room: room, day: day))
    }

    @Reducer static func file(_ context: borrowing Context, until day: Int32) throws {
        for letter in context.db.letter.where({ $0.day < day }) {
            try context.db.letter.delete(letter)
            try context.db.archive.insert(letter)
        }
    }

    @Reducer static func lose(_ context: borrowing Context, code: String) throws {
        guard let letter = context.db.letter.code.find(code) else { throw SenderError("no such letter") }
        try context.db.letter.code.delete(code)
        try context.table(Letter.self, name: "lost_mail").insert(letter)
    }
}

/// Several tables whose rows have one Swift type.
@Suite struct NamedTableTests {
    private func open() throws -> Database<PostOffice> {
        let db = try Database.open(.inMemory, module: PostOffice.self)
        for day in 1...4 as ClosedRange<Int32> { try db.call(PostOffice.write, "attic", day, "code \(day)") }
        return db
    }

    @Test func eachTableHasItsOwnRowsAndIndexes() throws {
        let db = try open()
        try db.call(PostOffice.file, 3)
        try db.call(PostOffice.lose, "code 4")
        try db.call(PostOffice.write, "attic", 9, "code 1")
        try db.read { db in
            #expect(db.letter.rows.map(\.day).sorted() == [3, 9])
            #expect(db.archive.byRoomDay.filter("attic").map(\.day) == [1, 2])
            #expect(db.archive.code.find("code 2")?.id == 2)
            #expect(db.lostMail.rows.map(\.code) == ["code 4"])
            #expect(db.table(Letter.self).count == 2)
            #expect(db.table(Letter.self, name: "archive").count == 2)
        }
    }

    @Test func queriesSayWhichTableTheyMean() throws {
        let db = try open()
        let own = try db.subscribe(Letter.where { $0.day < 3 })
        let archive = try db.subscribe(Letter.where { $0.day < 3 }.in("archive"))
        try db.call(PostOffice.file, 2)
        #expect(own.nextAvailable()?.inserted.map(\.day).sorted() == [1, 2])
        #expect(own.nextAvailable()?.deleted.map(\.day) == [1])
        #expect(archive.nextAvailable()?.inserted.isEmpty == true)
        #expect(archive.nextAvailable()?.inserted.map(\.day) == [1])
        #expect(own.nextAvailable() == nil && archive.nextAvailable() == nil)
        let snapshot = try db.snapshot()
        #expect(try snapshot.rows(Letter.all).count == 3)
        #expect(try snapshot.rows(Letter.all.in("archive")).map(\.day) == [1])
        #expect(try snapshot.count(of: Letter.self) == 3 && snapshot.count(of: Letter.self, in: "archive") == 1)
    }

    @Test func namesAreThoseOfTheCodeOrOfTheDatabase() throws {
        let db = try open()
        for name in ["lostMail", "lost_mail"] { _ = try db.subscribe(Letter.all.in(name)) }
        let error = #expect(throws: DatabaseError.self) { try db.subscribe(Letter.all.in("lost")) }
        #expect(error?.code == .noSuchTable)
        #expect(error?.message.contains("'letter', 'archive', 'lost_mail'") == true)
    }

    @Test func aTypeWithNamedTablesOnlyStandsForNone() throws {
        let module = Module("named") {
            Table(Letter.self, name: "inbox")
            Table(Letter.self, name: "archive")
            Reducer("put") { (context: borrowing ReducerContext) in
                let letter = Letter(id: 0, code: "a", room: "b", day: 1)
                try context.table(Letter.self, name: "inbox").insert(letter)
                try context.table(Letter.self, name: "inbox").insert(letter, onConflict: .ignore)
                try context.table(Letter.self, name: "archive").insert(letter)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("put", arguments: [])
        let error = #expect(throws: DatabaseError.self) { try db.subscribe(Letter.all) }
        #expect(error?.code == .noSuchTable && error?.message.contains("'inbox', 'archive'") == true)
        #expect(try db.snapshot().rows(Letter.all.in("inbox")).count == 1)
        // The only table of a type is meant whatever it is called.
        let only = Module("only") { Table(Letter.self, name: "inbox") }
        #expect(try Database.open(.inMemory, module: only).snapshot().rows(Letter.all).isEmpty)
    }

    @Test func twoTablesOfOneNameAreRefused() throws {
        let module = Module("twice") {
            Table(Letter.self)
            Table(Letter.self, name: "letter")
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.code == .invalidModule)
    }
}
