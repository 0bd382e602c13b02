import SpacetimeKit
import Testing

/// The key's columns are neither adjacent nor in the order of the row.
@Table(.public, .primaryKey(\.room, \.user))
struct Member: Equatable {
    var user: UInt64
    var role: String
    var room: String
    @Indexed var since: Int32
}

@Module enum Rooms {
    static let tables = Tables(Member.self)

    @Reducer static func join(_ context: borrowing Context, room: String, user: UInt64, role: String) throws {
        try context.db.member.insert(Member(user: user, role: role, room: room, since: Int32(user)))
    }

    @Reducer static func promote(_ context: borrowing Context, room: String, user: UInt64, role: String) throws {
        guard var member = context.db.member.primaryKey.find(room, user) else { throw SenderError("not a member") }
        member.role = role
        try context.db.member.primaryKey.update(member)
    }

    @Reducer static func leave(_ context: borrowing Context, room: String, user: UInt64) throws {
        guard try context.db.member.primaryKey.delete(room, user) else { throw SenderError("not a member") }
    }

    /// Leaves one room and joins another.
    @Reducer static func move(_ context: borrowing Context, user: UInt64, from: String, to: String) throws {
        guard var member = context.db.member.primaryKey.find(from, user) else { throw SenderError("not a member") }
        try context.db.member.primaryKey.delete(from, user)
        member.room = to
        try context.db.member.insert(member)
    }
}

@Suite struct CompositeKeyTests {
    private func open() throws -> Database<Rooms> {
        let db = try Database.open(.inMemory, module: Rooms.self)
        for user in 1...3 as ClosedRange<UInt64> {
            try db.call(Rooms.join, "lobby", user, "guest")
            try db.call(Rooms.join, "attic", user, "guest")
        }
        return db
    }

    @Test func rowsAreFoundByTheWholeKeyAndByItsFirstColumn() throws {
        let db = try open()
        try db.read { db in
            #expect(db.member.primaryKey.find("attic", 2) == Member(user: 2, role: "guest", room: "attic", since: 2))
            #expect(db.member.primaryKey.find("cellar", 2) == nil)
            #expect(db.member.primaryKey.contains("lobby", 3) && !db.member.primaryKey.contains("lobby", 4))
            #expect(db.member.primaryKey.filter("lobby").map(\.user) == [1, 2, 3])
            #expect(db.member.primaryKey.filter("lobby", 2...).map(\.user) == [2, 3])
            #expect(db.member.since.filter(2).map(\.room).sorted() == ["attic", "lobby"])
        }
    }

    @Test func bothColumnsTogetherAreUnique() throws {
        let db = try open()
        let error = #expect(throws: DatabaseError.self) { try db.call(Rooms.join, "lobby", 1, "admin") }
        #expect(error?.code == .uniqueViolation)
        try db.call(Rooms.join, "cellar", 1, "admin")
        #expect(try db.read { $0.member.count } == 7)
    }

    @Test func updatesAndDeletesGoByTheWholeKey() throws {
        let db = try open()
        try db.call(Rooms.promote, "lobby", 2, "admin")
        try db.call(Rooms.leave, "attic", 2)
        #expect(throws: SenderError("not a member")) { try db.call(Rooms.leave, "attic", 2) }
        #expect(try db.read { $0.member.where { $0.role == "admin" }.map(\.room) } == ["lobby"])
        #expect(try db.read { $0.member.count } == 5)
    }

    @Test func subscribersSeeUpdatesOfRowsWithTheSameWholeKey() throws {
        let db = try open()
        let seen = try db.subscribe(Member.all)
        #expect(seen.nextAvailable()?.inserted.count == 6)
        try db.call(Rooms.promote, "lobby", 2, "admin")
        let promoted = try #require(seen.nextAvailable())
        #expect(promoted.updated.map(\.old.role) == ["guest"] && promoted.updated.map(\.new.role) == ["admin"])
        #expect(promoted.inserted.isEmpty && promoted.deleted.isEmpty)
        // Half of the key stays, which makes it another row.
        try db.call(Rooms.move, 2, "lobby", "cellar")
        let moved = try #require(seen.nextAvailable())
        #expect(moved.updated.isEmpty && moved.deleted.map(\.room) == ["lobby"])
        #expect(moved.inserted.map(\.room) == ["cellar"])
    }
}
