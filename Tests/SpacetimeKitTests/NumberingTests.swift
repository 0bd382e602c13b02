import SpacetimeKit
import Testing

@Table(.public) struct Ticket: Equatable {
    @PrimaryKey @AutoIncrement var number: UInt8
    @Unique var holder: String
}

@Module enum Office {
    static let tables = Tables(Ticket.self)

    @Reducer static func draw(_ context: borrowing Context, holder: String) throws {
        try context.db.ticket.insert(Ticket(number: 0, holder: holder))
    }

    @Reducer static func reserve(_ context: borrowing Context, number: UInt8, holder: String) throws {
        try context.db.ticket.insert(Ticket(number: number, holder: holder))
    }

    @Reducer static func give(_ context: borrowing Context, number: UInt8, to holder: String) throws {
        try context.db.ticket.update(Ticket(number: number, holder: holder))
    }

    /// Zero in a row that is found by another column.
    @Reducer static func drawAgain(_ context: borrowing Context, holder: String) throws {
        try context.db.ticket.holder.update(Ticket(number: 0, holder: holder))
    }

    @Reducer static func close(_ context: borrowing Context) throws { try context.db.ticket.clear() }
}

@Suite struct NumberingTests {
    private let office: Database<Office>

    init() throws { office = try Database.open(.inMemory, module: Office.self) }

    private func numbers() throws -> [UInt8] { try office.read { $0.ticket.rows.map(\.number).sorted() } }

    @Test func usedUpNumbersAreAnErrorThatSaysWhatToDo() throws {
        for i in 0..<254 {
            try office.call(Office.draw, "holder \(i)")
            try office.call(Office.close)
        }
        try office.call(Office.draw, "last")
        let error = #expect(throws: DatabaseError.self) { try office.call(Office.draw, "one more") }
        #expect(error?.code == .limitReached)
        #expect(
            error?.message
                == "the numbers for column 'number' of table 'ticket' are used up: they end at 255, and none is given out "
                + "twice; insert rows with numbers of your own that are free, or give the column a wider type")
        #expect(try numbers() == [255])
        try office.call(Office.give, 255, "another")
        try office.call(Office.reserve, 3, "a free one")
        #expect(try numbers() == [3, 255])
    }

    @Test func numbersGoOnBehindTheLargest() throws {
        try office.call(Office.reserve, 1, "first")
        try office.call(Office.draw, "second")
        try office.call(Office.reserve, 40, "own")
        try office.call(Office.reserve, 20, "smaller")
        try office.call(Office.draw, "next")
        #expect(try numbers() == [1, 2, 20, 40, 41])
    }

    @Test func anUpdateByAnotherColumnDrawsANumberForZero() throws {
        try office.call(Office.draw, "a")
        try office.call(Office.draw, "b")
        try office.call(Office.drawAgain, "a")
        #expect(try numbers() == [2, 3])
    }
}
