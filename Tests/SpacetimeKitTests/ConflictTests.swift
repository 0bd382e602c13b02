import SpacetimeKit
import Testing

/// Three ways to be like another row: its number, its name, its place.
@Table(.public, .unique("onePerPlace", \.row, \.seat))
struct Guest: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt8
    @Unique var name: String
    var row: UInt32
    var seat: UInt32
}

/// Inserts that say what happens to rows that stand in their way, and changes by key.
@Suite struct ConflictTests {
    private static let ann = Guest(id: 1, name: "ann", row: 1, seat: 1)
    private static let bob = Guest(id: 2, name: "bob", row: 1, seat: 2)
    private static let cid = Guest(id: 3, name: "cid", row: 1, seat: 3)

    private func inTable(_ body: @escaping @Sendable (Guest.Handle) throws -> Void) throws -> Database<DynamicModule> {
        let module = Module("guests") {
            Table(Guest.self)
            Table(Ping.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let table = context.table(Guest.self)
                for var guest in [Self.ann, Self.bob, Self.cid] {
                    guest.id = 0
                    try table.insert(guest)
                }
                try body(table)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("run", arguments: [])
        return db
    }

    private func rows(_ table: Guest.Handle) -> [Guest] { table.rows.sorted { $0.id < $1.id } }

    @Test func ignoringKeepsWhatIsThere() throws {
        _ = try inTable { table throws in
            for guest in [
                Self.ann, Guest(id: 1, name: "dan", row: 9, seat: 9), Guest(id: 9, name: "bob", row: 9, seat: 9),
                Guest(id: 9, name: "dan", row: 1, seat: 3),
            ] {
                #expect(try table.insert(guest, onConflict: .ignore) == .unchanged)
                #expect(try table.insert(guest, onConflict: .ignore).row == nil)
            }
            #expect(rows(table) == [Self.ann, Self.bob, Self.cid])
            let dan = Guest(id: 9, name: "dan", row: 9, seat: 9)
            #expect(try table.insert(dan, onConflict: .ignore) == .inserted(dan))
        }
    }

    @Test func replacingRemovesEveryRowInTheWay() throws {
        _ = try inTable { table throws in
            #expect(try table.insert(Self.ann, onConflict: .replace) == .unchanged)
            let all = Guest(id: 1, name: "bob", row: 1, seat: 3)
            #expect(try table.insert(all, onConflict: .replace) == .replaced(by: all, deleted: 3))
            #expect(rows(table) == [all])
            let moved = Guest(id: 1, name: "eve", row: 2, seat: 2)
            #expect(try table.insert(moved, onConflict: .replace) == .replaced(by: moved, deleted: 1))
            let dan = Guest(id: 9, name: "dan", row: 9, seat: 9)
            #expect(try table.insert(dan, onConflict: .replace) == .inserted(dan))
            #expect(rows(table) == [moved, dan])
        }
    }

    @Test func rowsThatAreNotAddedUseUpNoNumbers() throws {
        _ = try inTable { table throws in
            for _ in 0..<1000 {
                #expect(try table.insert(Guest(id: 0, name: "ann", row: 9, seat: 9), onConflict: .ignore) == .unchanged)
            }
            let outcome = try table.insert(Guest(id: 0, name: "dan", row: 9, seat: 9), onConflict: .ignore)
            let dan = try #require(outcome.row)
            #expect(dan.id != 0 && table.id.find(dan.id) == dan)
            let again = try table.insert(Guest(id: 0, name: "dan", row: 9, seat: 8), onConflict: .replace)
            #expect(again == .replaced(by: try #require(table.name.find("dan")), deleted: 1))
            #expect(table.count == 4)
        }
    }

    @Test func manyRowsAreAddedAndTheOthersSkipped() throws {
        _ = try inTable { table throws in
            let guests = (0..<10).map { Guest(id: 0, name: "guest \($0 / 2)", row: 7, seat: $0 / 2) }
            #expect(try table.insert(contentsOf: guests, onConflict: .ignore) == 5)
            #expect(table.count == 8)
            #expect(try table.insert(contentsOf: guests.reversed(), onConflict: .replace) == 10)
            #expect(table.count == 8)
        }
    }

    @Test func tablesWithoutUniqueValuesAreSets() throws {
        try inReducer { context throws in
            let pings = context.table(Ping.self)
            #expect(try pings.insert(Ping(text: "a"), onConflict: .ignore) == .inserted(Ping(text: "a")))
            #expect(try pings.insert(Ping(text: "b"), onConflict: .replace) == .inserted(Ping(text: "b")))
        }
    }

    @Test func aReplacedRowWithTheSameKeyIsAnUpdateToSubscribers() throws {
        let module = Module("guests") {
            Table(Guest.self)
            Reducer("put") { (context: borrowing ReducerContext, id: UInt8, name: String) in
                try context.table(Guest.self).insert(
                    Guest(id: id, name: name, row: UInt32(id), seat: 1), onConflict: .replace)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        let seen = try db.subscribe(Guest.all)
        try db.call("put", arguments: UInt8(1).bsatn() + "ann".bsatn())
        try db.call("put", arguments: UInt8(1).bsatn() + "bob".bsatn())
        _ = seen.nextAvailable()
        #expect(seen.nextAvailable()?.inserted.map(\.name) == ["ann"])
        let change = try #require(seen.nextAvailable())
        #expect(change.inserted.isEmpty && change.deleted.isEmpty)
        #expect(change.updated.map(\.old.name) == ["ann"] && change.updated.map(\.new.name) == ["bob"])
    }

    // MARK: - Changes by key

    @Test func aRowIsChangedByEachOfItsKeys() throws {
        _ = try inTable { table throws in
            #expect(try table.update(1) { $0.seat += 10 } == Guest(id: 1, name: "ann", row: 1, seat: 11))
            try table.id.update(1) { $0.seat += 10 }
            try table.name.update("ann") { $0.seat += 10 }
            try table.onePerPlace.update(1, 31) { $0.seat += 10 }
            #expect(rows(table) == [Guest(id: 1, name: "ann", row: 1, seat: 41), Self.bob, Self.cid])
        }
    }

    @Test func theKeyItselfMayBeChanged() throws {
        _ = try inTable { table throws in
            try table.name.update("ann") { $0.name = "anna" }
            try table.id.update(2) { $0.id = 20 }
            try table.onePerPlace.update(1, 3) { $0.row = 3 }
            #expect(
                rows(table) == [
                    Guest(id: 1, name: "anna", row: 1, seat: 1), Guest(id: 3, name: "cid", row: 3, seat: 3),
                    Guest(id: 20, name: "bob", row: 1, seat: 2),
                ])
            #expect(table.name.find("ann") == nil && table.id.find(2) == nil)
            #expect(table.onePerPlace.find(3, 3)?.id == 3)
        }
    }

    @Test func aChangeThatFailsWritesNothing() throws {
        _ = try inTable { table throws in
            let missing = #expect(throws: DatabaseError.self) { try table.update(77) { $0.seat = 0 } }
            #expect(missing?.code == .noSuchRow && missing?.message.contains("77") == true)
            let place = #expect(throws: DatabaseError.self) { try table.onePerPlace.update(5, 6) { $0.seat = 0 } }
            #expect(place?.code == .noSuchRow && place?.message.contains("row = 5, seat = 6") == true)
            let taken = #expect(throws: DatabaseError.self) { try table.name.update("ann") { $0.name = "bob" } }
            #expect(taken?.code == .uniqueViolation)
            #expect(throws: SenderError("no")) {
                try table.update(1) { guest in
                    guest.seat = 0
                    throw SenderError("no")
                }
            }
            #expect(rows(table) == [Self.ann, Self.bob, Self.cid])
        }
    }

    @Test func theChangeMayUseTheTableItself() throws {
        _ = try inTable { table throws in
            try table.update(1) { guest in
                try table.update(2) { $0.seat = 22 }
                guest.seat = 11
            }
            #expect(rows(table).map(\.seat) == [11, 22, 3])
            let gone = #expect(throws: DatabaseError.self) {
                try table.update(1) { _ in try table.id.delete(1) }
            }
            #expect(gone?.code == .noSuchRow)
        }
    }

    @Test func readsRefuseChangesBeforeTheyRun() throws {
        let db = try inTable { _ in }
        try db.read { db in
            let error = #expect(throws: DatabaseError.self) {
                try db.table(Guest.self).update(1) { _ in Issue.record("a read must not come this far") }
            }
            #expect(error?.code == .readOnly)
        }
    }

    // MARK: - Primary keys of several columns

    @Test func keysOfSeveralColumnsUpdateAndUpsertThroughTheHandle() throws {
        let module = Module("members") {
            Table(Member.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let members = context.table(Member.self)
                let ann = Member(user: 1, role: "guest", room: "lobby", since: 1)
                #expect(try members.upsert(ann) == ann)
                #expect(try members.upsert(Member(user: 1, role: "admin", room: "lobby", since: 2)).role == "admin")
                #expect(members.count == 1)
                try members.update(Member(user: 1, role: "guest", room: "lobby", since: 3))
                try members.update("lobby", 1) { $0.since += 1 }
                try members.primaryKey.update("lobby", 1) { $0.since += 1 }
                try members.primaryKey.upsert(Member(user: 2, role: "guest", room: "lobby", since: 9))
                #expect(members.rows.map(\.since).sorted() == [5, 9])
                let error = #expect(throws: DatabaseError.self) {
                    try members.update(Member(user: 3, role: "guest", room: "lobby", since: 3))
                }
                #expect(error?.code == .noSuchRow)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("run", arguments: [])
    }
}
