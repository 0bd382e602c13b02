import SpacetimeKit
import Testing

/// A table with a column of each kind whose values SQL writes in a way of its own.
enum Cabinet {
    @SpacetimeType enum State: Equatable { case open, shut }
    @SpacetimeType enum Content: Equatable { case empty, box(innerWidth: UInt32), pair(UInt8, UInt8) }
    @SpacetimeType struct Place: Equatable {
        var shelfNumber: UInt8?
        var isHigh: Bool
    }
    @SpacetimeType struct Lamp: Equatable { var isOn: Bool }

    @Table(.public, .unscheduled) struct Item: Equatable {
        @PrimaryKey var id: UInt32
        var weight: Float = 0
        var size: Double = 0
        var state: State = .open
        var content: Content = .empty
        var place: Place?
        var lamp: Lamp?
        var count: UInt32?
        var since: Timestamp = Timestamp(microsecondsSinceUnixEpoch: 0)
        var owner: Identity
        var note: String = ""
        var due: ScheduleAt = .interval(.seconds(90))
    }

    @Module enum Items {
        static let tables = Tables(Item.self)

        @Reducer static func add(_ context: borrowing Context, id: UInt32, weight: Float, size: Double) throws {
            try context.db.item.insert(Item(id: id, weight: weight, size: size, owner: context.sender))
        }

        @Reducer static func set(_ context: borrowing Context, item: Item) throws {
            try context.db.item.upsert(item)
        }
    }
}

/// What literals and parameters of a statement stand for, and how results are printed.
@Suite struct SQLValueTests {
    private typealias Item = Cabinet.Item

    private let db: Database<Cabinet.Items>

    init() throws {
        db = try Database.open(.inMemory, module: Cabinet.Items.self)
        try db.call(Cabinet.Items.add, 1, 0.1, 0.5)
    }

    private func message(_ text: String, _ values: [String: SQLValue] = [:]) -> String {
        do { return "\(try db.sql(text, values))" } catch { return "\(error)" }
    }

    private func count(_ condition: String, _ values: [String: SQLValue] = [:]) throws -> Int {
        try db.sql("SELECT id FROM item WHERE \(condition)", values).count
    }

    // MARK: Parameters

    @Test func aNumberFitsIntoColumnsOfAllTypesThatHoldIt() throws {
        // Digits are the nearest number of either width, and a whole number is an integer.
        #expect(try count("weight = :w", ["w": 0.1]) == 1)
        #expect(try count("size = :s AND id = :i", ["s": 0.5, "i": 1.0]) == 1)
        #expect(try count("size > :s", ["s": 1e-300]) == 1)
        // A value of a type goes into the other if nothing is lost.
        #expect(try count("size = :s", ["s": SQLValue(Float(0.5))]) == 1)
        #expect(try count("weight < :w", ["w": SQLValue(0.5 as Double)]) == 1)
        #expect(try count("weight < :w", ["w": SQLValue(Double.nan)]) == 1)
        #expect(
            message("SELECT id FROM item WHERE weight = :w", ["w": SQLValue(0.1 as Double)]).contains("badArguments"))
        #expect(
            message("SELECT id FROM item WHERE id = :i", ["i": 1.5]).contains("is the number 1.5, and UInt32 is needed")
        )
        #expect(message("SELECT id FROM item LIMIT :n", ["n": -1]).contains("is the number -1, and UInt64 is needed"))
    }

    @Test func anOptionalIsTakenForWhatItHolds() throws {
        try db.sql("UPDATE item SET count = :c", ["c": SQLValue(UInt8?.some(3))])
        #expect(try count("count = :c", ["c": SQLValue(UInt32?.some(3))]) == 1)
        #expect(try count("id = :i", ["i": SQLValue(UInt64?.some(1))]) == 1)
        for nothing in [SQLValue(UInt32?.none), nil] as [SQLValue] {
            let text = message("SELECT id FROM item WHERE count = :c", ["c": nothing])
            #expect(text.contains("badArguments") && text.contains("IS NULL"))
        }
        try db.sql("UPDATE item SET count = :c", ["c": SQLValue(UInt32?.none)])
        #expect(try count("count IS NULL") == 1)
    }

    @Test func anOptionalStructIsStoredAsItIs() throws {
        // In code and database the fields have other names. Bytes of one are never taken for the other's.
        for lamp in [nil, Cabinet.Lamp(isOn: true), Cabinet.Lamp(isOn: false)] {
            let place = lamp.map { Cabinet.Place(shelfNumber: nil, isHigh: $0.isOn) }
            try db.sql(
                "UPDATE item SET lamp = :lamp, place = :place", ["lamp": SQLValue(lamp), "place": SQLValue(place)])
            let item = try #require(try db.sql("SELECT * FROM item").decode(as: Item.self).first)
            #expect(item.lamp == lamp && item.place == place)
        }
        try db.sql("UPDATE item SET lamp = :lamp", ["lamp": SQLValue(Cabinet.Lamp(isOn: true))])
        #expect(try count("lamp.is_on") == 1)
        // A time is no duration, though both count microseconds.
        #expect(
            message("UPDATE item SET since = :t", ["t": SQLValue(TimeDuration.seconds(1))]).contains("badArguments"))
    }

    // MARK: Literals

    @Test(
        arguments: [
            ("1.0 / 2", .f64(0.5)), ("1 / 2.0", .f64(0.5)), ("1e0 / 2", .f64(0.5)), ("(1 + 1.0) / 4", .f64(0.5)),
            ("1.0", .f64(1)), ("1 / 2", .i64(0)), ("3 * 1.5", .f64(4.5)),
        ] as [(String, AlgebraicValue)])
    func numbersWithAPointAreNoIntegers(_ text: String, _ value: AlgebraicValue) throws {
        #expect(try db.sql("SELECT \(text) AS x").first?.values == [value])
    }

    @Test func besideAColumnAPointIsNoMatter() throws {
        #expect(try count("id = 1.0 AND id = 1e0") == 1)
    }

    @Test func fieldsHaveTheirNamesInTheCodeToo() throws {
        let content = Cabinet.Content.box(innerWidth: 7)
        let place = Cabinet.Place(shelfNumber: 3, isHigh: true)
        try db.call(Cabinet.Items.set, Item(id: 2, content: content, place: place, owner: db.owner))
        try db.call(Cabinet.Items.set, Item(id: 3, content: .pair(1, 2), owner: db.owner))
        for name in ["place.shelfNumber = 3", "place.shelf_number = 3", "content.box.innerWidth = 7", "place.isHigh"] {
            #expect(try db.sql("SELECT id FROM item WHERE \(name)").map(\.values) == [[.u32(2)]])
        }
        #expect(try count("content.pair.value1 = 2") == 1)
        #expect(message("SELECT id FROM item WHERE place.shelfNumbr = 3").contains("did you mean 'shelf_number'?"))
    }

    @Test func aScheduleIsATimeOrAnInterval() throws {
        let time = Timestamp(microsecondsSinceUnixEpoch: 1_000_000)
        try db.call(Cabinet.Items.set, Item(id: 2, owner: db.owner, due: .time(time)))
        for condition in [
            "due.time < '2026-01-01T00:00:00Z'", "due.interval IS NULL", "due.time = '1970-01-01T00:00:01Z'",
        ] {
            #expect(try db.sql("SELECT id FROM item WHERE \(condition)").map(\.values) == [[.u32(2)]])
        }
        #expect(try count("due.interval = '90'") == 1)
        #expect(message("SELECT id FROM item WHERE due.at IS NULL").contains("there is 'interval', 'time'"))
    }

    @Test(arguments: [
        ("due = '90'", "….time"), ("id = 4294967296", "it holds 0 to 4294967295"),
        ("state = 'ajar'", "write the name of a case"),
        ("since > 'yesterday'", "'2026-01-31T18:30:00Z'"), ("owner = 0x00", "64 hexadecimal digits"),
        ("size = 'NaN'", "NaN are given as parameters"), ("id IN (1, NULL)", "IS NULL"),
        ("content = 'empty'", "….empty IS NOT NULL"), ("place = place", "….shelf_number"),
        ("state < 'shut'", "are the same or not"), ("-id = 1", "subtract from 0"),
        ("id IN (1, 'x')", "it holds 0 to 4294967295"),
    ])
    func messagesSayWhatToWriteInstead(_ condition: String, _ part: String) throws {
        #expect(message("SELECT id FROM item WHERE \(condition)").contains(part))
    }

    @Test func whatCannotBeComputedHasACodeOfItsOwn() throws {
        for text in ["SELECT id - 2 AS x FROM item", "SELECT id / 0 AS x FROM item", "UPDATE item SET id = id * 0 - 1"]
        {
            #expect(throws: DatabaseError.self) { try db.sql(text) }
            #expect(message(text).hasPrefix("arithmeticFailure: "))
        }
        #expect(message("SELECT id - 2 AS x FROM item").contains("integers of 32 bits"))
        #expect(try db.sql("SELECT size / 0 AS x FROM item").first?.values == [.f64(.infinity)])
    }

    // MARK: Printing

    @Test func resultsAreReadable() throws {
        try db.sql("UPDATE item SET state = 'shut', note = 'two\nlines'")
        let lines = message("SELECT state, count, since, note FROM item").split(separator: "\n")
        #expect(lines.count == 3)
        // The second case of an enum is no missing value.
        #expect(
            lines[2].split(separator: "|").map { $0.filter { $0 != " " } } == [
                "shut", "NULL", "1970-01-01T00:00:00.000000Z", "two\\nlines",
            ])
        #expect(message("SELECT owner FROM item").contains("\(db.owner)"))
        #expect(message("SELECT content FROM item").contains("empty"))
    }

    @Test func aPlanIsPrintedWhole() throws {
        let text = "SELECT id FROM item WHERE id = 1 AND size > 2 AND weight > 3 AND note LIKE 'a long beginning%'"
        let plan = try #require(db.sql("EXPLAIN \(text)").first?["plan"])
        guard case .string(let line) = plan else { return _ = Issue.record("a plan is a text") }
        #expect(line.count > 60 && message("EXPLAIN \(text)").contains(line))
        // Beside others a long value is cut.
        try db.sql("UPDATE item SET note = :n", ["n": SQLValue(String(repeating: "x", count: 500))])
        #expect(message("SELECT id, note FROM item").contains("x…"))
    }

    // MARK: Limits

    @Test func limitsHoldForRowsThatAreDeleted() throws {
        for id in 2...9 as ClosedRange<UInt32> { try db.call(Cabinet.Items.add, id, 0, 0) }
        for text in ["DELETE FROM item", "DELETE FROM item WHERE size < 1", "UPDATE item SET size = 3"] {
            let error = #expect(throws: DatabaseError.self) { try db.sql(text, limits: QueryLimits(rowsExamined: 5)) }
            #expect(error?.code == .limitReached)
        }
        #expect(try count("size < 1") == 9)
        #expect(try db.sql("DELETE FROM item WHERE id > 6", limits: QueryLimits(rowsExamined: 50)).rowsDeleted == 3)
        let rest = try db.sql("DELETE FROM item")
        #expect(rest.rowsDeleted == 6 && rest.rowsExamined == 6)
    }

    // MARK: System tables

    @Test func theDatabasesOwnNotesAreNotForOthersToWrite() throws {
        let client = try db.connect(as: "ada")
        for text in [
            "DELETE FROM st_client", "INSERT INTO st_client VALUES (0x00, 0x00)",
            "DELETE FROM st_connection_credentials", "DELETE FROM st_table", "UPDATE st_column SET col_name = 'x'",
        ] {
            let error = #expect(throws: DatabaseError.self) { try db.sql(text) }
            #expect(error?.code == .readOnly)
        }
        #expect(try db.sql("SELECT * FROM st_client").count == 1)
        try client.disconnect()
        #expect(try db.sql("SELECT * FROM st_client").isEmpty)
        try db.sql("SET row_limit = 5")
        #expect(try db.sql("DELETE FROM st_var WHERE name = 'row_limit'").rowsDeleted == 1)
    }
}
