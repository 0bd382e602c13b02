import SpacetimeKit
import Testing

@Table(.public) struct Patron: Equatable {
    @Unique var mail: String?
    @PrimaryKey var id: UInt32
    @Unique var badge: Badge
}

@SpacetimeType enum Badge: Equatable { case plain(number: UInt32), guest(of: UInt32) }

@Module enum Club {
    static let tables = Tables(Patron.self)

    @Reducer static func join(_ context: borrowing Context, id: UInt32, mail: String?) throws {
        try context.db.patron.insert(Patron(mail: mail, id: id, badge: .plain(number: id)))
    }

    @Reducer static func visit(_ context: borrowing Context, id: UInt32, host: UInt32) throws {
        try context.db.patron.insert(Patron(mail: nil, id: id, badge: .guest(of: host)))
    }

    @Reducer static func change(_ context: borrowing Context, id: UInt32, mail: String?) throws {
        try context.db.patron.update(Patron(mail: mail, id: id, badge: .plain(number: id)))
    }

    @Reducer static func dropAllNameless(_ context: borrowing Context) throws {
        guard try context.db.patron.delete(where: { $0.mail == nil }) == 2 else { throw SenderError("there are two") }
    }

    @Reducer static func dropNameless(_ context: borrowing Context) throws {
        guard try !context.db.patron.mail.delete(nil) else { throw SenderError("nil names no row") }
        for patron in context.db.patron.where({ $0.mail == nil }) { try context.db.patron.id.delete(patron.id) }
    }
}

@Suite struct OptionalKeyTests {
    private let club: Database<Club>

    init() throws {
        club = try Database.open(.inMemory, module: Club.self)
        try club.call(Club.join, 1, nil)
        try club.call(Club.join, 2, "a@b")
        try club.call(Club.join, 3, nil)
    }

    @Test func anyNumberOfRowsMayHaveNilInAUniqueColumn() throws {
        try club.read { db in
            #expect(db.patron.count == 3)
            #expect(db.patron.mail.find(nil) == nil && !db.patron.mail.contains(nil))
            #expect(db.patron.mail.find("a@b")?.id == 2)
            #expect(db.patron.where { $0.mail == nil }.map(\.id).sorted() == [1, 3])
            #expect(db.patron.count { $0.mail == nil } == 2)
            let none: [String?] = [nil]
            #expect(db.patron.where { none.contains($0.mail) }.map(\.id).sorted() == [1, 3])
        }
        try club.call(Club.dropNameless)
        #expect(try club.read { $0.patron.rows.map(\.id) } == [2])
        try club.checkInvariants()
    }

    @Test func rowsWithNilAreDeletedByCondition() throws {
        try club.call(Club.dropAllNameless)
        #expect(try club.read { $0.patron.rows.map(\.id) } == [2])
        try club.checkInvariants()
    }

    @Test func subscribersAreToldOfUpdatesToAndFromNil() throws {
        let seen = try club.subscribe(Patron.all)
        _ = seen.nextAvailable()
        try club.call(Club.change, 1, "c@d")
        try club.call(Club.change, 2, nil)
        let updates = [seen.nextAvailable(), seen.nextAvailable()].map { $0?.updated.map(\.new.mail) }
        #expect(updates == [["c@d"], [nil]])
    }

    @Test func errorsShowValuesAsTheyAreWritten() throws {
        let taken = #expect(throws: DatabaseError.self) { try club.call(Club.join, 4, "a@b") }
        #expect(
            taken?.message
                == "table 'patron' already has a row with mail = \"a@b\" (constraint 'patron_mail_key'); update that row, "
                + "or use another value")
        try club.call(Club.visit, 5, 1)
        let badge = #expect(throws: DatabaseError.self) { try club.call(Club.visit, 6, 1) }
        #expect(badge?.message.contains("badge = .guest(of: 1)") == true)
        let absent = #expect(throws: DatabaseError.self) { try club.call(Club.change, 77, nil) }
        #expect(absent?.message.hasPrefix("table 'patron' has no row with id = 77 (index ") == true)
    }
}
