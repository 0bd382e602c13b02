import SpacetimeKit
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@SpacetimeType enum Mood: Equatable {
    case calm
    case wild(level: UInt8)
}

@Table(name: "mixed") struct Mixed: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: String
    var wide: UInt128
    var small: Int8
    var real: Double
    var single: Float
    var flag: Bool
    var bytes: [UInt8]
    var who: Identity
    var at: Timestamp
    var maybe: String?
    var number: Int64?
    var mood: Mood
    var list: [String]
}

@Table(name: "ticket") struct Ticket {
    @PrimaryKey var code: String
    @AutoIncrement var number: UInt32
}

@Module enum Exchanged {
    static let tables = Tables(Mixed.self, Note.self, Ticket.self)

    @Reducer static func issue(_ context: borrowing Context, code: String) throws {
        try context.db.ticket.insert(Ticket(code: code, number: 0))
    }

    @Reducer static func put(_ context: borrowing Context, row: Mixed) throws { try context.db.mixed.insert(row) }
}

@Suite struct ExchangeTests {
    private let disk = SimulatedDisk()
    private let database: Database<Exchanged>

    init() throws {
        database = try Database.open(.inMemory, module: Exchanged.self)
        try disk.createDirectory("d")
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        print("exchange: seed \(seed)")
        var draw = Draws(seed)
        for i in 0..<200 { try database.call(Exchanged.put, draw.row(i)) }
    }

    private func rows(_ database: Database<Exchanged>) throws -> [[UInt8]] {
        try database.read { db in db.mixed.rows.map { $0.bsatn() }.sorted { $0.lexicographicallyPrecedes($1) } }
    }

    private func file(_ text: String) {
        disk.setContents("d/file", Array(text.utf8))
    }

    @Test(arguments: [ImportMode.insert, .upsert, .replace])
    func importedNumbersAreNotGivenOutAgain(_ mode: ImportMode) throws {
        let shop = try Database.open(.inMemory, module: Shop.self)
        try shop.call(Shop.add, "a", 1)
        file(#"{"id": 30, "code": "b", "price": 2}"#)
        #expect(try shop.import(Item.self, from: "d/file", as: .jsonLines, mode: mode, disk: disk) == 1)
        try shop.call(Shop.add, "c", 1)
        #expect(try shop.items().last?.id == 31)
    }

    @Test(arguments: [ExchangeFormat.jsonLines, .csv])
    func everyRowComesBackExactly(_ format: ExchangeFormat) throws {
        #expect(try database.export(Mixed.self, as: format, to: "d/file", disk: disk) == 200)
        let copy = try Database.open(.inMemory, module: Exchanged.self)
        #expect(try copy.import(Mixed.self, from: "d/file", as: format, disk: disk) == 200)
        #expect(try rows(copy) == rows(database))
        // Numbers go on behind the imported ones.
        var draw = Draws(1)
        var row = draw.row(0)
        row.code = "new"
        try copy.call(Exchanged.put, row)
        #expect(try copy.read { $0.mixed.rows.map(\.id).max() } == 201)
    }

    @Test func allTablesGoToADirectory() throws {
        #expect(try database.exportAll(as: .csv, to: "all", disk: disk) == 200)
        #expect(disk.paths == ["all/mixed.csv", "all/note.csv", "all/ticket.csv"])
        #expect(disk.contents("all/note.csv").map { String(decoding: $0, as: UTF8.self) } == "text\r\n")
    }

    @Test func aFailedExportLeavesTheFileOfBefore() throws {
        file("before")
        var faults = SimulatedDisk.Faults()
        faults.capacity = 1_000
        disk.setFaults(faults)
        let full = #expect(throws: DatabaseError.self) {
            try database.export(Mixed.self, as: .csv, to: "d/file", disk: disk)
        }
        #expect(full?.code == .storageFailure)
        #expect(disk.contents("d/file") == Array("before".utf8) && disk.paths == ["d/file"])
        disk.setFaults(SimulatedDisk.Faults())
        try database.export(Note.self, as: .csv, to: "d/file", disk: disk)
        #expect(disk.contents("d/file") == Array("text\r\n".utf8) && disk.paths == ["d/file"])
    }

    @Test func allTablesAreAsAfterOneCommit() throws {
        let noting = try Database.open(.inMemory, module: Shop.self)
        var faults = SimulatedDisk.Faults()
        // A call before each operation of the disk.
        faults.onOperation = { number in _ = try? noting.call(Shop.add, "item \(number)", 1) }
        disk.setFaults(faults)
        try noting.exportAll(as: .jsonLines, to: "all", disk: disk)
        disk.setFaults(SimulatedDisk.Faults())
        let count = try noting.read { $0.item.count }
        #expect(count > 3)
        // Making the directory came first.
        #expect(disk.contents("all/item.jsonl")?.count { $0 == 0x0A } == 1)
    }

    @Test func anEmptyPathIsRefused() throws {
        for work in [
            { try database.export(Note.self, as: .csv, to: "", disk: disk) },
            { try database.exportAll(as: .csv, to: "", disk: disk) },
        ] as [() throws -> Int] {
            let error = #expect(throws: DatabaseError.self) { try work() }
            #expect(error?.code == .notPossible)
        }
        #expect(disk.paths.isEmpty)
    }

    @Test func aDirectoryMayBeginWithAMark() throws {
        let real = try TemporaryDirectory()
        for (disk, parent) in [(disk as any Disk, "marks"), (SystemDisk(), real.path)] {
            // The mark joins the slash before it into one character.
            let directory = parent + "/a/\u{301}b"
            #expect(try database.exportAll(as: .csv, to: directory, disk: disk) == 200)
            #expect(try disk.list(directory) == ["mixed.csv", "note.csv", "ticket.csv"])
        }
    }

    @Test func problemsAreNamedByLineAndNothingIsImported() throws {
        file("text\r\nfine\r\n\"open\r\n")
        let open = #expect(throws: DatabaseError.self) {
            try database.import(Note.self, from: "d/file", as: .csv, disk: disk)
        }
        #expect(open?.message.contains("quote is not closed") == true)
        file("{\"text\":\"a\"}\n{\"text\":7}\n\n{\"txt\":\"b\"}\n{\"text\":\"c\"}")
        let lines = #expect(throws: DatabaseError.self) {
            try database.import(Note.self, from: "d/file", as: .jsonLines, disk: disk)
        }
        #expect(lines?.code == .malformedRow)
        #expect(lines?.message.contains("line 2") == true && lines?.message.contains("line 4") == true)
        file("words\r\na\r\n")
        let column = #expect(throws: DatabaseError.self) {
            try database.import(Note.self, from: "d/file", as: .csv, disk: disk)
        }
        #expect(column?.message.contains("no column 'words'") == true)
        #expect(try database.read { $0.note.count } == 0)
        let missing = #expect(throws: DatabaseError.self) {
            try database.import(Note.self, from: "d/nothing", as: .csv, disk: disk)
        }
        #expect(missing?.code == .storageFailure)
    }

    /// Whoever adds rows in a spreadsheet leaves out what the database knows better.
    @Test func anEmptyFieldOfCSVStandsForWhatMayBeMissing() throws {
        file("code,number\r\na,7\r\nb,\r\n\"\",\r\nc,0\r\n")
        #expect(try database.import(Ticket.self, from: "d/file", as: .csv, disk: disk) == 4)
        #expect(try database.read { Set($0.ticket.rows.map(\.number)) } == [7, 8, 9, 10])
        #expect(try database.read { $0.ticket.code.find("b")?.number } == 8)
        file("code,number\r\nd,\"\"\r\ne,many\r\n")
        let error = #expect(throws: DatabaseError.self) {
            try database.import(Ticket.self, from: "d/file", as: .csv, disk: disk)
        }
        #expect(
            error?.message.contains("line 2: column 'number': expected a whole number from 0 to 4294967295") == true)
        #expect(error?.message.contains("not 'many'") == true)
    }

    @Test func aFileOfAnotherFormatIsRecognised() throws {
        try database.export(Mixed.self, as: .csv, to: "d/file", disk: disk)
        for text in [nil, "[\n{\"text\":\"a\"},\n{\"text\":\"b\"}\n]", "[{\"text\":\"a\"}]"] as [String?] {
            if let text { file(text) }
            let error = #expect(throws: DatabaseError.self) {
                try database.import(Note.self, from: "d/file", as: .jsonLines, disk: disk)
            }
            #expect(error?.code == .malformedRow)
            #expect(error?.message.contains("write an object for each row of table 'note', {\"text\": …}") == true)
            #expect(error?.message.split(separator: "\n").count == 2)
        }
        // Where the first line is an object, the format is right.
        file("{\"text\":7}\n")
        let error = #expect(throws: DatabaseError.self) {
            try database.import(Note.self, from: "d/file", as: .jsonLines, disk: disk)
        }
        #expect(error?.message.contains("these lines are not rows") == true)
    }

    @Test func modesInsertReplaceAndUpsert() throws {
        try database.export(Mixed.self, as: .csv, to: "d/file", disk: disk)
        let twice = #expect(throws: DatabaseError.self) {
            var row = try #require(try database.read { $0.mixed.id.find(1) })
            row.code = "other"
            try database.import(Mixed.self, from: "d/file", as: .csv, mode: .replace, disk: disk)
            try database.export(Mixed.self, as: .csv, to: "d/file", disk: disk)
            try database.import(Mixed.self, from: "d/file", as: .csv, mode: .upsert, disk: disk)
            #expect(try database.read { $0.mixed.count } == 200)
            file("id,code\r\n1,x\r\n")
            try database.import(Mixed.self, from: "d/file", as: .csv, disk: disk)
        }
        #expect(twice?.code == .malformedRow)
        #expect(twice?.message.contains("'wide'") == true)
        file("text\na\nb\n")
        try database.import(Note.self, from: "d/file", as: .csv, batchRows: 1, disk: disk)
        #expect(try database.read { $0.note.count } == 2)
        let keyless = #expect(throws: DatabaseError.self) {
            try database.import(Note.self, from: "d/file", as: .csv, mode: .upsert, disk: disk)
        }
        #expect(keyless?.code == .notPossible)
    }

    /// A number that a file brings along is not handed out again, whatever the import does with the rows that are there.
    @Test(arguments: [ImportMode.insert, .upsert, .replace])
    func numberingGoesOnAboveWhatWasImported(_ mode: ImportMode) throws {
        var draw = Draws(2)
        file(
            "id,code,wide,small,real,single,flag,bytes,who,at,mood,list\n"
                + [500, 900, 700].map { id in
                    "\(id),c\(id),1,1,1.5,1.5,true,0x,\(Identity.zero),1970-01-01T00:00:00Z,calm,[]\n"
                }.joined())
        try database.import(Mixed.self, from: "d/file", as: .csv, mode: mode, disk: disk)
        try database.call(Exchanged.put, draw.row(10_000))
        #expect(try database.read { $0.mixed.id.find(901) } != nil)
        if mode == .upsert {
            // Rows that were there are replaced, and move nothing back.
            try database.import(Mixed.self, from: "d/file", as: .csv, mode: .upsert, disk: disk)
            try database.call(Exchanged.put, draw.row(10_001))
            #expect(try database.read { $0.mixed.id.find(902) } != nil)
        }
    }

    /// A row that is replaced brings its number along like a new one.
    @Test(arguments: [ImportMode.insert, .upsert, .replace])
    func numbersOutsideOfTheKeyMoveOnToo(_ mode: ImportMode) throws {
        try database.call(Exchanged.issue, "a")
        #expect(try database.read { $0.ticket.code.find("a")?.number } == 1)
        file("code,number\n\(mode == .insert ? "b" : "a"),40\n")
        try database.import(Ticket.self, from: "d/file", as: .csv, mode: mode, disk: disk)
        try database.call(Exchanged.issue, "c")
        #expect(try database.read { $0.ticket.code.find("c")?.number } == 41)
    }

    @Test func tasksNameTheTableAsOthersDo() async throws {
        file("text\na\n")
        #expect(try await database.import(Note.self, named: "note", from: "d/file", as: .csv, disk: disk) == 1)
        #expect(try await database.export(Note.self, named: "note", as: .csv, to: "d/out", disk: disk) == 1)
        await #expect(throws: DatabaseError.self) {
            try await database.export(Note.self, named: "ticket", as: .csv, to: "d/out", disk: disk)
        }
    }

    @Test func marksThatBelongToATextStayInIt() throws {
        file("text\r\n\u{FEFF}a\r\n\"\"\"\u{301}\"\r\n")
        try database.import(Note.self, from: "d/file", as: .csv, disk: disk)
        #expect(try database.read { $0.note.rows.map(\.text).sorted() } == ["\"\u{301}", "\u{FEFF}a"].sorted())
        try database.export(Note.self, as: .jsonLines, to: "d/json", disk: disk)
        let json = disk.contents("d/json") ?? []
        disk.setContents("d/json", [0xEF, 0xBB, 0xBF] + json)
        try database.import(Note.self, from: "d/json", as: .jsonLines, mode: .replace, disk: disk)
        #expect(try database.read { $0.note.count } == 2)
    }

    @Test func anyBytesAreImportedOrRefused() throws {
        var draw = Draws(7)
        try database.export(Mixed.self, as: .csv, to: "d/csv", disk: disk)
        try database.export(Mixed.self, as: .jsonLines, to: "d/json", disk: disk)
        let target = try Database.open(.inMemory, module: Exchanged.self)
        var refused = 0
        for round in 0..<300 {
            let format: ExchangeFormat = round % 2 == 0 ? .csv : .jsonLines
            var bytes = Array((disk.contents(round % 2 == 0 ? "d/csv" : "d/json") ?? []).prefix(2_000))
            for _ in 0..<3 { bytes[draw.below(bytes.count)] = UInt8(draw.below(256)) }
            disk.setContents("d/fuzz", bytes)
            do {
                try target.import(Mixed.self, from: "d/fuzz", as: format, mode: .replace, disk: disk)
            } catch {
                refused += 1
            }
        }
        try target.checkInvariants()
        #expect(refused > 100)
    }
}

/// Rows that follow from a seed.
private struct Draws {
    private var random: DeterministicRandom

    init(_ seed: UInt64) { random = DeterministicRandom(seed: seed) }

    mutating func next() -> UInt64 { random.next() }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    mutating func text() -> String {
        let parts = [
            "a", ",", "\"", "\r\n", "\n", "é", "漢", "", " ", "\\", "null", "{", "😀", "0", "\u{301}", "\u{FEFF}", "\0",
        ]
        return (0..<below(6)).map { _ in parts[below(parts.count)] }.joined()
    }

    mutating func row(_ number: Int) -> Mixed {
        Mixed(
            id: 0, code: "\(number) \(text())", wide: UInt128(next()) << 64 | UInt128(next()),
            small: Int8(truncatingIfNeeded: next()),
            real: Double(bitPattern: below(3) == 0 ? next() | 0x7FF << 52 : next()),
            single: Float(bitPattern: UInt32(truncatingIfNeeded: next())), flag: below(2) == 0,
            bytes: (0..<below(5)).map { _ in UInt8(truncatingIfNeeded: next()) },
            who: Identity(number: UInt256(UInt128(next()))),
            at: Timestamp(microsecondsSinceUnixEpoch: Int64(bitPattern: next() >> 4)),
            maybe: below(3) == 0 ? nil : text(), number: below(3) == 0 ? nil : Int64(bitPattern: next()),
            mood: below(2) == 0 ? .calm : .wild(level: UInt8(truncatingIfNeeded: next())),
            list: (0..<below(3)).map { _ in text() })
    }
}
