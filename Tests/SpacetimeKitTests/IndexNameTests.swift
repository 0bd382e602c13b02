import SpacetimeKit
import SpacetimeSchema
import Testing

@Table struct User { @Unique var groupId: UInt32 }
@Table struct UserGroup { @PrimaryKey @AutoIncrement var id: UInt32 }
@Table(.index("byRoom", \.room, \.day), .unique("perRoom", \.room, \.day), .unique("again", \.room, \.day))
struct Booking: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt32
    var room: String
    var day: Int32
    @Unique(name: "ticket") var number: UInt32
    @Indexed(.hash, name: "holders") var holder: String
}
@Table(.unique("same", \.number), name: "room_day") struct Reservation {
    @Unique @Indexed(.direct) var number: UInt32
}
@Table struct MyFirst { @Indexed(name: "mine") var a: UInt8 }
@Table struct MySecond { @Unique(name: "mine") var a: UInt8 }
@SpacetimeType enum Figure: Equatable { case round(UInt8), square(w: UInt8, h: UInt8) }
@SpacetimeType struct FigureSquare: Equatable { var side: UInt8 }
@Table(name: "figure") struct FigureDrawing: Equatable {
    @PrimaryKey var id: UInt32
    var figure: Figure
    var square: FigureSquare
}

@Module enum Clashes {
    static let tables = Tables(User.self, UserGroup.self, Booking.self, Reservation.self, FigureDrawing.self)

    @Reducer static func book(_ context: borrowing Context, room: String, day: Int32) throws {
        let number = UInt32(context.db.booking.count + 1)
        try context.db.booking.insert(Booking(id: 0, room: room, day: day, number: number, holder: "ann"))
    }
    @Reducer static func draw(_ context: borrowing Context) throws {
        try context.db.figureDrawing.insert(
            FigureDrawing(id: 1, figure: .square(w: 1, h: 2), square: FigureSquare(side: 3)))
    }
}

/// Modules are never refused over names that nobody wrote.
@Suite struct IndexNameTests {
    @Test func ordinaryModulesOpen() throws {
        let db = try Database.open(.inMemory, module: Clashes.self)
        try db.call(Clashes.book, "attic", 1)
        try db.call(Clashes.book, "attic", 2)
        let error = #expect(throws: DatabaseError.self) { try db.call(Clashes.book, "attic", 2) }
        #expect(error?.code == .uniqueViolation)
        try db.read { db in
            #expect(db.booking.byRoom.filter("attic").map(\.day) == [1, 2])
            #expect(db.booking.byRoom.count("attic", 2) == 1)
            #expect(db.booking.perRoom.find("attic", 1)?.id == 1)
            #expect(db.booking.again.contains("attic", 2))
            #expect(db.booking.number.find(2)?.day == 2)
            #expect(db.booking.holder.count("ann") == 2)
        }
    }

    @Test func typesOfNobodysNameGiveWay() throws {
        let db = try Database.open(.inMemory, module: Clashes.self)
        try db.call(Clashes.draw)
        #expect(try db.read { $0.figureDrawing.id.find(1)?.figure } == .square(w: 1, h: 2))
    }

    @Test func writtenIndexNamesAreThoseOfTheDatabase() throws {
        let db = try Database.open(.inMemory, module: Clashes.self)
        try db.call(Clashes.book, "attic", 1)
        let table = try #require(db.core.catalog.schema.table(named: "booking"))
        #expect(table.indexes.map(\.name).contains("ticket") && table.indexes.map(\.name).contains("holders"))
    }

    @Test func aWrittenNameThatIsTakenIsRefused() throws {
        let module = Module("taken") {
            Table(MyFirst.self)
            Table(MySecond.self)
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.code == .invalidModule && error?.message.contains("'mine'") == true)
    }
}
