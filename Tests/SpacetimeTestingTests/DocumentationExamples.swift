import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of the documentation, compiled. `DocumentationTests` checks that every Swift block of the articles and of the
// README stands in this file, line for line apart from indentation.

@Table(.public)
struct Book {
    @PrimaryKey @AutoIncrement var id: UInt32
    var title: String
    @Indexed var shelf: String
    var borrower: String?
}

@Module
enum Library {
    static let tables = Tables(Book.self)

    @Reducer static func add(_ context: borrowing Context, title: String, shelf: String) throws {
        guard !title.isEmpty else { throw SenderError("a book needs a title") }
        try context.db.book.insert(Book(id: 0, title: title, shelf: shelf, borrower: nil))
    }

    @Reducer static func lend(_ context: borrowing Context, id: UInt32, to reader: String) throws {
        guard var book = context.db.book.id.find(id) else { throw SenderError("there is no book \(id)") }
        guard book.borrower == nil else { throw SenderError("\(book.title) is lent already") }
        book.borrower = reader
        try context.db.book.update(book)
    }
}

@Module
enum Audited {
    static let tables = Tables(Book.self)

    @Reducer(.private) static func audit(_ context: borrowing Context, shelf: String) throws {
        let missing = context.db.book.shelf.filter(shelf).filter { $0.borrower != nil }.count
        print("\(missing) books of shelf \(shelf) are lent")
    }

    @Reducer(rate: .perSecond(2, burst: 10)) static func suggest(_ context: borrowing Context, title: String) throws {
        try context.db.book.insert(Book(id: 0, title: title, shelf: "wishes", borrower: nil))
    }
}

@SpacetimeType struct Position { var x: Float; var y: Float }
@SpacetimeType enum Weapon { case fists, sword(damage: UInt16), bow(arrows: UInt8, range: Float) }

@Table(.public, .index("byZoneAndLevel", \.zone, \.level), .unique("oneNamePerZone", \.zone, \.name))
struct Monster {
    @PrimaryKey @AutoIncrement var id: UInt64
    var zone: UInt32
    var level: UInt16
    var position: Position
    var weapon: Weapon
    var name: String
}

@Module
enum Game {
    static let tables = Tables(Monster.self)

    @Reducer static func level(_ context: borrowing Context, zone: UInt32) throws {
        for var monster in context.db.monster.byZoneAndLevel.filter(zone, 1...9) {
            monster.level += 1
            try context.db.monster.update(monster)
        }
    }

    @Reducer static func cull(_ context: borrowing Context, zone: UInt32) throws {
        for (id, level) in context.db.monster.byZoneAndLevel.filter(zone).select({ ($0.id, $0.level) }) {
            if level == 0 { try context.db.monster.id.delete(id) }
        }
    }

    @Reducer static func rename(_ context: borrowing Context, id: UInt64, to name: String) throws {
        guard let zone = context.db.monster.id.find(id, select: { $0.zone }) else { throw SenderError("it is gone") }
        let taken = context.db.monster.oneNamePerZone.contains(zone, name)
        guard !taken, var monster = context.db.monster.id.find(id) else { throw SenderError("the name is taken") }
        monster.name = name
        try context.db.monster.update(monster)
    }

    @Reducer static func clean(_ context: borrowing Context, zones: [UInt32]) throws {
        let count = try context.db.monster.delete { zones.contains($0.zone) && $0.level == 0 }
        guard count > 0 else { throw SenderError("there was nothing to clean") }
    }

    @Reducer static func spawn(_ context: borrowing Context, monster: Monster) throws {
        try context.db.monster.insert(monster)
    }

    @Reducer static func strike(_ context: borrowing Context, id: UInt64, damage: UInt16) throws {
        try context.db.monster.update(id) { $0.level = damage < $0.level ? $0.level - damage : 0 }
    }

    @Reducer static func move(_ context: borrowing Context, zone: UInt32, name: String, to target: UInt32) throws {
        try context.db.monster.oneNamePerZone.update(zone, name) { $0.zone = target }
    }

    @Reducer static func settle(_ context: borrowing Context, monsters: [Monster]) throws {
        for monster in monsters {
            if try context.db.monster.insert(monster, onConflict: .ignore).isUnchanged {
                print("\(monster.name) is there already")
            }
        }
    }

    @Reducer static func settleSome(_ context: borrowing Context, monsters: [Monster]) throws {
        for monster in monsters {
            do {
                try context.db.monster.insert(monster)
            } catch let error as DatabaseError where error.code == .uniqueViolation {
                continue
            }
        }
    }
}

@Module
enum Zoo {
    static let tables = Tables(Monster.self, also: Table(Monster.self, name: "graveyard"))

    @Reducer static func bury(_ context: borrowing Context, id: UInt64) throws {
        guard let monster = context.db.monster.id.find(id) else { throw SenderError("there is no monster \(id)") }
        try context.db.monster.id.delete(id)
        try context.db.graveyard.insert(monster)
    }
}

func lookAround(_ database: Database<Game>, marked: Set<UInt64>) throws -> [Int] {
    try database.read { db in
        let near = db.monster.where { $0.zone == 7 && $0.position.x < 10 && $0.weapon != .fists }
        let armed = db.monster.where { $0.weapon.sword.damage > 20 || $0.weapon.bow != nil }
        let marked = db.monster.where { marked.contains($0.id) && !$0.name.hasPrefix("Old ") }
        let isEmpty = !db.monster.contains { $0.zone == 7 }

        let strongest = db.monster.byZoneAndLevel.filter(7).reversed().prefix(5)
        let weakest = db.monster.byZoneAndLevel.filter(7).first
        let newest = db.monster.id.max()

        for (name, x) in db.monster.rows.select({ ($0.name, $0.position.x) }) where x < 10 { print(name) }
        return [
            near.count, armed.count, marked.count, isEmpty ? 1 : 0, strongest.count, Int(weakest?.level ?? 0),
            Int(newest ?? 0),
        ]
    }
}

func report(_ snapshot: DatabaseSnapshot<Game>) throws -> [String] {
    let near = Monster.where { $0.zone == 7 && $0.position.x < 10 }
    let first = try snapshot.find(Monster.self, 1)
    let strongest = try snapshot.rows(near, orderedBy: { ($0.level, $0.name) }, descending: true, limit: 5)
    let count = try snapshot.count(near)
    return ["\(count) of \(try snapshot.count(of: Monster.self))", first?.name ?? "none"] + strongest.map(\.name)
}

func overview() throws -> Int {
    let db = try Database.open(.inMemory, module: Library.self)
    try db.call(Library.add, "The Art of Computer Programming", "A")
    try db.call(Library.lend, 1, "Ada")
    let borrowed = try db.read { db in db.book.where { $0.borrower != nil }.count }
    return borrowed
}

func openCallRead() throws -> [String] {
    let db = try Database.open(.inMemory, module: Library.self)
    try db.call(Library.add, "The Art of Computer Programming", "A")
    try db.call(Library.lend, 1, "Ada")
    let onShelfA = try db.read { db in db.book.shelf.filter("A").map(\.title) }
    return onShelfA
}

func watch(_ db: Database<Library>) async throws {
    let lent = try await db.subscribe(Book.where { $0.borrower == "Ada" })
    for try await change in lent {
        for book in change.inserted { print("Ada has \(book.title)") }
        for book in change.deleted { print("\(book.title) is back") }
    }
}

func actForSomebody(_ db: Database<Library>) throws {
    let ada = try db.connect(as: "ada")
    try ada.call(Library.lend, 2, "Ada")
    try ada.disconnect()
}

func greet(_ db: Database<Library>) async throws -> Int {
    try await db.call(Library.add, "On Computable Numbers", "C")
    return try await db.read { $0.book.count }
}

@Module
enum Nested {
    static let tables = Tables(Book.self)

    @Reducer static func add(_ context: borrowing Context, title: String, shelf: String) throws {
        try context.db.book.insert(Book(id: 0, title: title, shelf: shelf, borrower: nil))
    }

    @Reducer static func addAndLend(_ context: borrowing Context, title: String, to reader: String) throws {
        try add(context, title: title, shelf: "new")
        for var book in context.db.book.shelf.filter("new") {
            book.borrower = reader
            try context.db.book.update(book)
        }
    }
}

@Table struct Outgoing { @PrimaryKey @AutoIncrement var id: UInt64; var to: String; var text: String }

@Table struct Received { @PrimaryKey var id: UInt64; var text: String }

@Module
enum Lobby {
    static let tables = Tables(Outgoing.self)

    @Reducer static func send(_ context: borrowing Context, to database: String, text: String) throws {
        try context.db.outgoing.insert(Outgoing(id: 0, to: database, text: text))
    }

    @Reducer static func sent(_ context: borrowing Context, id: UInt64) throws {
        try context.db.outgoing.id.delete(id)
    }
}

@Module
enum Arena {
    static let tables = Tables(Received.self)

    @Reducer static func receive(_ context: borrowing Context, id: UInt64, text: String) throws {
        if context.db.received.id.contains(id) { return }
        try context.db.received.insert(Received(id: id, text: text))
    }
}

func connectDatabases(_ lobby: Database<Lobby>, _ arena: Database<Arena>) throws {
    try lobby.subscribe(Outgoing.all) { change in
        for message in change.inserted {
            _ = try? arena.call(Arena.receive, message.id, message.text)  // may see a message twice: it knows the id
            _ = try? lobby.call(Lobby.sent, message.id)  // deletes the row
        }
    }
}

struct LibraryTests {
    @Test func aBookIsLentOnce() throws {
        let test = try TestDatabase(Library.self)
        let ada = try test.connect(as: "ada")
        let bob = try test.connect(as: "bob")
        let lent = try bob.subscribe(Book.where { $0.borrower != nil })

        try test.call(Library.add, "Sketch of the Analytical Engine", "B")
        try ada.call(Library.lend, 1, "Ada")
        #expect(throws: SenderError.self) { try bob.call(Library.lend, 1, "Bob") }

        #expect(lent.rows.map(\.borrower) == ["Ada"])
        #expect(lent.changes.count == 1)
    }
}

@Table
struct Reminder {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
    var text: String
}

@Table(.public)
struct Notice {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
}

@Module
enum Reminders {
    static let tables = Tables(Reminder.self, Notice.self)

    @Reducer static func remind(_ context: borrowing Context, text: String) throws {
        let tomorrow = context.timestamp + .days(1)
        try context.db.reminder.insert(Reminder(id: 0, when: .time(tomorrow), text: text))
    }

    @Reducer static func nag(_ context: borrowing Context, text: String) throws {
        try context.db.reminder.insert(Reminder(id: 0, when: .interval(.hours(1)), text: text))
    }

    @Reducer(.scheduled) static func due(_ context: borrowing Context, reminder: Reminder) throws {
        try context.db.notice.insert(Notice(id: 0, text: reminder.text))
    }
}

struct ReminderTests {
    @Test func aMonthOfNagging() throws {
        let test = try TestDatabase(Reminders.self)
        try test.call(Reminders.remind, "water the plants")
        try test.call(Reminders.nag, "drink water")

        test.clock.advance(by: .days(30))

        #expect(try test.rows(of: Notice.self).count == 1 + 30 * 24)
        #expect(try test.rows(of: Reminder.self).count == 1)
    }
}

func renames() -> DatabaseOptions {
    var options = DatabaseOptions()
    options.migrations = [
        .rename("person", to: "member"),
        .renameColumn("mail", to: "email", of: "member"),
    ]
    return options
}

enum V1 {
    @Table(name: "member") struct Member {
        @PrimaryKey @AutoIncrement var id: UInt32
        var name: String
        var fee: Double
    }
}

let splitTheName = Migration("split the name") { old, new in
    for member in try old.rows(of: V1.Member.self) {
        let words = member.name.split(separator: " ", maxSplits: 1).map(String.init)
        let last = words.count > 1 ? words[1] : ""
        try new.insert(V2.Member(id: member.id, first: words.first ?? "", last: last, fee: member.fee))
    }
}

enum V2 {
    @Table(name: "member") struct Member {
        @PrimaryKey @AutoIncrement var id: UInt32
        var first: String
        var last: String
        var fee: Double
    }
}

@Table struct Member {
    @PrimaryKey @AutoIncrement var id: UInt32
    var first: String
    var last: String
    var cents: UInt32
}

let countCents = Migration("count cents") { old, new in
    for member in try old.rows(of: V2.Member.self) {
        let cents = UInt32((member.fee * 100).rounded())
        try new.insert(Member(id: member.id, first: member.first, last: member.last, cents: cents))
    }
}

func openClub(_ storage: Storage) throws -> Database<Club> {
    var options = DatabaseOptions()
    options.migrations = [splitTheName, countCents]
    return try Database.open(storage, module: Club.self, options: options)
}

enum V3 {
    @Table(name: "visit") struct Visit {
        @PrimaryKey var member: UInt32
    }
}

@Table struct Visit {
    @PrimaryKey var member: UInt32
    var count: UInt32
}

@Module
enum Club {
    static let tables = Tables(Member.self, Visit.self)
}

let visitsAreCounted = Migration("visits are counted", from: Tables(V2.Member.self, V3.Visit.self)) { old, new in
    for visit in try old.rows(of: V3.Visit.self) {
        try new.insert(Visit(member: visit.member, count: 1))
    }
}

struct ClubTests {
    @Test func membersOfTheFirstReleaseStay() throws {
        let storage = Storage.directory("club", .simulated(SimulatedDisk()))
        let firstRelease = Module("club") {
            Table(V1.Member.self)
            Reducer("join") { (context: borrowing ReducerContext, name: String) in
                try context.table(V1.Member.self).insert(V1.Member(id: 0, name: name, fee: 12.5))
            }
        }
        let old = try Database.open(storage, module: firstRelease)
        try old.call("join", arguments: "Ada Lovelace".bsatn())
        try old.close()

        let db = try openClub(storage)
        #expect(try db.read { db in db.member.rows.map(\.cents) } == [1_250])
    }
}

enum Edition1 {
    @SpacetimeType enum Mood { case good, bad }

    @Table(.public) struct Entry {
        @PrimaryKey var id: UInt64
        var mood: Mood
    }
}
