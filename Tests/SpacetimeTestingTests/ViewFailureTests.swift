import SpacetimeKit
import SpacetimeTesting
import Testing

enum Hall {
    @Table struct Guest: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt32
        @Indexed var rank: Int32
        var name: String
    }

    /// Rows of views.
    @Table struct Seat: Equatable {
        @PrimaryKey var rank: Int32
        var name: String
    }

    @Table struct Tally: Equatable {
        var rank: String
        var count: UInt64
    }

    @Module enum Party {
        static let tables = Tables(Guest.self)

        @Reducer static func enter(_ context: borrowing Context, name: String, rank: Int32) throws {
            try context.db.guest.insert(Guest(id: 0, rank: rank, name: name))
        }

        @View static func first(_ context: borrowing AnonymousViewContext, count: Int32) -> QueryWindow<Guest> {
            Guest.all.orderBy { $0.rank }.limit(Int(count))
        }

        @View static func seats(_ context: borrowing AnonymousViewContext, below rank: Int32) throws -> [Seat] {
            try context.db.guest.rows.map { guest in
                if guest.rank >= rank { throw SenderError("there is no seat \(guest.rank)") }
                return Seat(rank: guest.rank, name: guest.name)
            }
        }

        @View static func named(_ context: borrowing AnonymousViewContext, name: String?) -> Query<Guest> {
            name.map { name in Guest.where { $0.name == name } } ?? Guest.all
        }

        @View static func tally(_ context: borrowing AnonymousViewContext) -> RowQuery<Tally> {
            Guest.all.groupBy { $0.rank }.select { rank, guests in (rank, guests.count()) }.rows(as: Tally.self)
        }

        @View static func intruder(_ context: borrowing AnonymousViewContext) throws -> [Seat] {
            try context.db.guest.insert(Guest(id: 0, rank: 0, name: "nobody"))
            return []
        }
    }
}

/// What goes wrong with views, and who is told what.
@Suite struct ViewFailureTests {
    private typealias Party = Hall.Party

    private let test: TestDatabase<Hall.Party>
    private let ada: TestClient<Hall.Party>

    init() throws {
        test = try TestDatabase(Hall.Party.self)
        ada = try test.connect(as: "ada")
        try ada.call(Party.enter, "Ada", 1)
    }

    private func error(_ body: () throws -> Void) -> DatabaseError? {
        do { try body() } catch { return error as? DatabaseError }
        return nil
    }

    @Test func aLimitThatAClientChoosesCannotStopTheProgram() throws {
        for refused in [
            error { _ = try ada.connection.sql("SELECT * FROM first(-1)") },
            error { _ = try ada.subscribe(Party.first(-1)) },
        ] {
            #expect(refused?.code == .invalidQuery)
            #expect(refused?.message.contains("'first'") == true)
        }
        #expect(try ada.connection.sql("SELECT * FROM first(1)").count == 1)
    }

    @Test func whoLooksAndWhoWritesAreToldWhichViewFailed() throws {
        let looks = try #require(error { _ = try ada.subscribe(Party.seats(1)) })
        #expect(looks.code == .moduleFailure && (looks.cause as? SenderError)?.message == "there is no seat 1")
        #expect(looks.message.contains("the view 'seats' failed") && looks.message.hasSuffix("there is no seat 1"))
        let seats = try ada.subscribe(Party.seats(5))
        let writes = try #require(error { try ada.call(Party.enter, "Bob", 5) })
        #expect(writes.code == .moduleFailure && writes.message.contains("the view 'seats' failed"))
        #expect(seats.rows == [Hall.Seat(rank: 1, name: "Ada")])
        #expect(try test.rows(of: Hall.Guest.self).count == 1)
        let intrudes = try #require(error { _ = try ada.subscribe(Party.intruder) })
        #expect(intrudes.code == .readOnly && intrudes.message.contains("'intruder'"))
    }

    @Test func twoRowsOfAViewWithOneKeyAreNamed() throws {
        let seats = try ada.subscribe(Party.seats(5))
        let refused = try #require(error { try ada.call(Party.enter, "Bob", 1) })
        #expect(refused.code == .uniqueViolation)
        #expect(refused.message.contains("the view 'seats' has two different rows with one primary key"))
        #expect(refused.message.contains("rank = 1"))
        #expect(seats.count == 1)
    }

    @Test func theColumnsThatAViewShouldHaveAreNamed() throws {
        let refused = try #require(error { _ = try ada.subscribe(Party.tally) })
        #expect(refused.code == .moduleFailure)
        #expect(
            refused.message.contains("(Int32, UInt64)") && refused.message.contains("(rank: String, count: UInt64)"))
    }

    @Test func nullIsAnArgumentForAParameterThatMayBeMissing() throws {
        try ada.call(Party.enter, "Bob", 2)
        #expect(try ada.connection.sql("SELECT name FROM named(NULL)").count == 2)
        #expect(try ada.connection.sql("SELECT name FROM named('Bob')").count == 1)
        #expect(try ada.connection.sql("SELECT name FROM named(:name)", ["name": nil]).count == 2)
        #expect(error { _ = try ada.connection.sql("SELECT * FROM first(NULL)") }?.code == .invalidQuery)
    }

    @Test func aSnapshotHasTheRowsOfViews() throws {
        try ada.call(Party.enter, "Bob", 2)
        let snapshot = try test.database.snapshot()
        try ada.call(Party.enter, "Cid", 2)
        #expect(try snapshot.rows(Party.first(1)).map(\.name) == ["Ada"])
        #expect(try snapshot.count(Party.first(9)) == 2)
        #expect(try snapshot.count(Party.first(1)) == 1 && snapshot.value(Party.first(1).count()) == 1)
        #expect(try snapshot.rows(Hall.Guest.all.leftSemijoin(Party.first(1)) { $0.id == $1.id }).count == 1)
        #expect(try test.rows(Party.first(1).orderBy { $0.id }.limit(3)).count == 1)
        #expect(error { _ = try snapshot.rows(Party.tally) }?.code == .moduleFailure)
    }

    @Test func aViewStandsForNoOtherTable() throws {
        let refused = error { _ = try test.database.subscribe(Party.first(1).in("guest")) }
        #expect(refused?.code == .invalidQuery && refused?.message.contains("'first'") == true)
    }

    @Test func namesOfTheDatabasesOwnTablesAreNoNamesOfViews() throws {
        let module = Module("hall") {
            Table(Hall.Guest.self)
            ModuleView("st_table") { (context: borrowing AnonymousViewContext<DynamicModule>) in Hall.Guest.all }
        }
        let refused = error { _ = try Database.open(.inMemory, module: module) }
        #expect(refused?.code == .invalidModule && refused?.message.contains("begins with 'st_'") == true)
    }
}
