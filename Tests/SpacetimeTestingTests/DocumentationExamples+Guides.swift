import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of the guides: lifecycle, modules without macros, determinism, watching, servers, errors.

// MARK: Relations

@Table(.public)
struct Guild {
    @PrimaryKey @AutoIncrement var id: UInt32 = 0
    @Unique var name: String
}

@Table(.public, .primaryKey(\.guild, \.player))
struct Membership {
    var guild: UInt32
    @Indexed var player: Identity
    var rank: UInt8
}

@Module
enum Guilds {
    static let tables = Tables(Guild.self, Membership.self)

    @Reducer static func join(_ context: borrowing Context, guild name: String) throws {
        let guild = try context.db.guild.name.find(name) ?? context.db.guild.insert(Guild(name: name))
        try context.db.membership.insert(Membership(guild: guild.id, player: context.sender, rank: 0))
    }

    @Reducer static func dissolve(_ context: borrowing Context, guild: UInt32) throws {
        guard try context.db.guild.id.delete(guild) else { throw SenderError("there is no guild \(guild)") }
        try context.db.membership.primaryKey.delete(guild)  // all of that guild
    }

    static func guilds(of player: Identity, in db: TableHandles) -> [Guild] {
        db.membership.player.filter(player).compactMap { db.guild.id.find($0.guild) }
    }
}

// MARK: Lifecycle

@Table(.public)
struct Player {
    @PrimaryKey var identity: Identity
    var connections: UInt32
}

@Table
struct Banned {
    @PrimaryKey var identity: Identity
}

@Table
struct Setting {
    @PrimaryKey var name: String
    var value: String
}

@Module
enum Arcade {
    static let tables = Tables(Player.self, Banned.self, Setting.self)

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws {
        try context.db.setting.insert(Setting(name: "greeting", value: "welcome"))
    }

    @Reducer(.clientConnected) static func join(_ context: borrowing Context) throws {
        if context.db.banned.identity.contains(context.sender) { throw SenderError("you were sent away") }
        if var player = context.db.player.identity.find(context.sender) {
            player.connections += 1
            try context.db.player.update(player)
        } else {
            try context.db.player.insert(Player(identity: context.sender, connections: 1))
        }
    }

    @Reducer(.clientDisconnected) static func leave(_ context: borrowing Context) throws {
        try context.db.player.update(context.sender) { $0.connections -= 1 }
    }

    @Reducer(.private) static func ban(_ context: borrowing Context, identity: Identity) throws {
        try context.db.banned.insert(Banned(identity: identity))
    }
}

struct ArcadeTests {
    @Test func whoIsSentAwayDoesNotComeIn() throws {
        let test = try TestDatabase(Arcade.self)
        let ada = try test.connect(as: "ada")
        try test.call(Arcade.ban, ada.identity)
        try ada.disconnect()
        #expect(throws: SenderError.self) { try test.connect(as: "ada") }
        #expect(try test.rows(of: Player.self).map(\.connections) == [0])
    }
}

// MARK: Modules without macros

@Table(.public)
struct Note {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
}

func openNotes(archives: [String]) throws -> Database<DynamicModule> {
    let module = Module("notes") {
        Table(Note.self)
        for name in archives {
            Table(Note.self, name: name)
        }
        Reducer("add", parameters: ["text"]) { (context: borrowing ReducerContext, text: String) in
            try context.table(Note.self).insert(Note(id: 0, text: text))
        }
        Reducer("archive", parameters: ["id", "into"]) {
            (context: borrowing ReducerContext, id: UInt64, name: String) in
            guard let note = context.table(Note.self).id.find(id) else { throw SenderError("there is no note \(id)") }
            try context.table(Note.self).id.delete(id)
            try context.table(Note.self, name: name).insert(note)
        }
        Reducer("start", lifecycle: .initialize) { (context: borrowing ReducerContext) in
            try context.table(Note.self).insert(Note(id: 0, text: "your first note"))
        }
    }
    return try Database.open(.inMemory, module: module)
}

func callByName(_ db: Database<DynamicModule>) throws -> Int {
    try db.call("add", arguments: "buy milk".bsatn())
    try db.call("archive", arguments: UInt64(1).bsatn() + "old".bsatn())
    return try db.read { db in db.table(Note.self).count }
}

func callAsAValue() throws -> Int {
    let add = Reducer("add") { (context: borrowing ReducerContext, text: String) in
        try context.table(Note.self).insert(Note(id: 0, text: text))
    }
    let module = Module("notes") {
        Table(Note.self)
        add
    }
    let db = try Database.open(.inMemory, module: module)
    try db.call(add, "checked by the compiler")
    return try db.read { db in db.table(Note.self).count }
}

// MARK: Determinism

@Table(.public)
struct Roll: Equatable {
    @PrimaryKey var id: Uuid
    var eyes: UInt8
    var at: Timestamp
}

@Module
enum Dice {
    static let tables = Tables(Roll.self)

    @Reducer static func roll(_ context: borrowing Context, sides: UInt8) throws {
        guard sides > 0 else { throw SenderError("a die has sides") }
        let eyes = UInt8.random(in: 1...sides, using: &context.random)
        try context.db.roll.insert(Roll(id: context.newUUIDv7(), eyes: eyes, at: context.timestamp))
    }
}

struct DiceTests {
    @Test func twoRunsRollTheSame() throws {
        let runs = try (1...2).map { _ in
            let test = try TestDatabase(Dice.self, seed: 7)
            for _ in 1...10 { try test.call(Dice.roll, 6) }
            return try test.rows(of: Roll.self)
        }
        #expect(runs[0] == runs[1])
    }
}

func runAgain(_ offset: TxOffset, _ storage: String) throws {
    let report = try Database.replay(offset, at: storage, module: Dice.self)
    for difference in report.differences { print("\(report.reducer) at \(report.timestamp): \(difference)") }
}

// MARK: Watching

func lend(_ db: Database<Library>) async throws {
    let books = try await db.subscribe(Book.where { $0.shelf == "A" })
    do {
        for try await change in books {
            if change.isInitial { print("\(change.inserted.count) books to begin with") }
            for update in change.updated { print("\(update.old.title) is now \(update.new.title)") }
        }
    } catch let error as DatabaseError where error.code == .subscriptionOverflow {
        print("too slow; subscribe again for the rows as they are now")
    }
}

func observe(_ db: Database<Library>) throws -> QueryObserver {
    try db.subscribe(
        Book.where { $0.borrower != nil },
        onChange: { change in print("commit \(change.offset): \(change.inserted.count) books were lent") },
        onEnd: { reason in if let reason { print("nobody watches any more: \(reason.message)") } })
}

final class Shelf {
    private let books: Subscription<Book>
    private(set) var titles: [UInt32: String] = [:]

    init(_ db: Database<Library>) throws { books = try db.subscribe(Book.all) }

    /// Once per frame: takes what has come, and waits for nothing.
    func update() {
        while let change = books.nextAvailable() {
            for book in change.deleted { titles[book.id] = nil }
            for update in change.updated { titles[update.new.id] = update.new.title }
            for book in change.inserted { titles[book.id] = book.title }
        }
    }
}

func whatItCosts(_ books: Subscription<Book>, _ db: Database<Library>) throws {
    let cost = try books.cost()
    print(cost.rowsExamined, cost.rowsProduced, cost.bytesProduced, cost.subscriberCount, cost.plan)
    for kind in try db.liveQueryReport().kinds where !kind.isFoundByLookUp { print(kind) }
}

// MARK: Servers

func openForServing(_ directory: String) async throws -> Database<Library> {
    var options = DatabaseOptions()
    options.onScheduleFailure = { failure in print("warning: \(failure)") }
    options.onAfterRollbackFailure = { failure in print("warning: \(failure)") }
    let db = try await Database.open(at: directory, module: Library.self, options: options)
    for warning in db.openingWarnings { print("warning: \(warning)") }
    return db
}

func add(_ db: Database<Library>, title: String) async throws -> String {
    do {
        let offset = try await db.call(Library.add, title, "new", until: .durable)
        return "201 Created, in commit \(offset)"
    } catch let error as SenderError {
        return "400 Bad Request: \(error.message)"
    } catch let error as DatabaseError where error.code == .writesRefused || error.code == .storageFailure {
        return "503 Service Unavailable: \(error.message)"
    }
}

func shutDown(_ db: Database<Library>, _ clients: [Connection<Library>]) async throws {
    for client in clients { try await client.disconnect() }  // runs the module's reducer for it
    try await db.takeSnapshot()  // the next start has no log to replay
    try await db.close()  // everything is on disk, or it throws
}

func backUp(_ db: Database<Library>, to directory: String) async throws {
    let copy = try await db.backup(to: directory)
    _ = try await Database<Library>.verify(directory)
    print("kept all up to commit \(copy.offset), \(copy.byteCount) bytes")
}

func gauges(_ db: Database<Library>) throws -> [String: Double] {
    let memory = try db.memoryReport()
    let schedules = try db.scheduleReport()
    let (last, durable) = (try db.lastOffset().rawValue, try db.durableOffset?.rawValue ?? 0)
    var gauges = [
        "memory_bytes": Double(memory.byteCount),
        "commits": Double(last),
        "commits_not_durable": Double(last - min(last, durable)),
        "snapshots_failing": db.snapshotFailure == nil ? 0 : 1,
        "scheduled_pending": Double(schedules.pendingCount),
        "scheduled_failed": Double(schedules.failureCount),
        "scheduled_late_seconds": schedules.greatestLateness / .seconds(1),
    ]
    for table in memory.tables { gauges["rows_\(table.name)"] = Double(table.rowCount) }
    return gauges
}

// MARK: Errors

func register(_ db: Database<Arcade>, _ identity: Identity) throws -> Bool {
    do {
        try db.call(Arcade.ban, identity)
        return true
    } catch let error as SenderError {
        print(error.message)  // the reducer's own, as it was thrown
    } catch let error as DatabaseError where error.code == .writesRefused {
        print(error.message)  // says what is wrong and what to do
        throw error
    }
    return false
}
