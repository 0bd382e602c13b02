import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of the comments of public symbols.

/// The messages of the macros' comments, which have more columns than those of the articles.
enum Forum {
    @Table(.public, .index("byRoomSent", \.room, \.sent))
    struct Message {
        @PrimaryKey @AutoIncrement var id: UInt64
        var sender: Identity
        @Indexed var room: String
        var sent: Timestamp
        var text: String
    }

    @Table(.public)
    struct User {
        @PrimaryKey @AutoIncrement var id: UInt64
        @Unique var name: String
        var visits: UInt32 = 0
    }

    @Table(.index("byGameModeDay", \.game, \.mode, \.day))
    struct Score {
        @PrimaryKey @AutoIncrement var id: UInt64
        var game: UInt32
        var mode: UInt8
        var day: UInt32
    }

    @Table
    struct Failure {
        @PrimaryKey @AutoIncrement var id: UInt64
        var who: Identity
        var when: Timestamp
    }

    @SpacetimeType struct Position { var x: Float; var y: Float }
    @SpacetimeType enum Shape { case circle(Double), square(w: UInt16, h: UInt16), point }

    @SpacetimeType struct Guild { var memberIDs: [UInt64] }

    @Module enum Chat {
        static let tables = Tables(Message.self, User.self)

        @Reducer static func send(_ context: borrowing Context, room: String, text: String) throws {
            guard !text.isEmpty else { throw SenderError("a message needs text") }
            try context.db.message.insert(
                Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text))
        }
    }

    @Module enum Archived {
        static let tables = Tables(Message.self, User.self, also: Table(Message.self, name: "archive"))
    }

    @Module enum Club {
        static let tables = Tables(Message.self, User.self, Score.self, Failure.self)

        @Reducer(.private) static func settle(_ context: borrowing Context, day: UInt32) throws {
            try context.db.score.delete { $0.day == day }
        }

        @Reducer static func search(_ context: borrowing Context, yesterday: Timestamp, day: UInt32) throws {
            let db = context.db
            let (game, mode): (UInt32, UInt8) = (1, 2)
            let lobby = db.message.byRoomSent.filter("lobby")
            let recent = db.message.byRoomSent.filter("lobby", yesterday...)
            try db.score.byGameModeDay.delete(game, mode, ..<day)

            let newest = db.message.byRoomSent.filter("lobby").reversed().prefix(50)
            guard lobby.count >= recent.count, newest.count <= 50 else { throw SenderError("rows were lost") }
        }

        @Reducer static func enroll(_ context: borrowing Context, names: [String]) throws {
            let db = context.db
            var (taken, skipped): ([String], [String]) = ([], [])
            for name in names {
                do {
                    try context.db.user.insert(User(id: 0, name: name))
                } catch let error as DatabaseError where error.code == .uniqueViolation {
                    taken.append(name)
                }
            }
            for name in names {
                let outcome = try db.user.insert(User(id: 0, name: name), onConflict: .ignore)
                if outcome.isUnchanged { skipped.append(name) }
            }
            guard skipped == names, taken.isEmpty else { throw SenderError("\(taken) are taken") }
        }

        @Reducer static func greet(_ context: borrowing Context) throws {
            guard let ann = context.db.user.name.find("ann") else { throw SenderError("there is no ann") }
            try context.db.user.name.update("ann") { $0.visits += 1 }
            print("this is visit \(ann.visits + 1)")
        }

        @Reducer static func callTogether(_ context: borrowing Context, guild: Guild) throws {
            let db = context.db
            let members = db.user.id.find(guild.memberIDs).compactMap(\.self)
            guard members.count == guild.memberIDs.count else { throw SenderError("some are missing") }
        }

        private static func buy(_ context: borrowing Context) throws { throw SenderError("there is nothing to buy") }

        @Reducer static func tryToBuy(_ context: borrowing Context) throws {
            do {
                try context.savepoint { try buy(context) }
            } catch let error as SenderError {
                print(error.message)  // the reducer goes on
            }
        }

        @Reducer static func enter(_ context: borrowing Context, password: String, expected: String) throws {
            let sender = context.sender
            try context.afterRollback { context in
                try context.db.failure.insert(Failure(id: 0, who: sender, when: context.timestamp))
            }
            guard password == expected else { throw SenderError("wrong password") }  // the row stays
        }
    }

    @Table(.public)
    struct Player { @PrimaryKey var id: UInt64 }

    @Table(.public)
    struct Monster { @PrimaryKey var id: UInt64 }

    @Module enum Game {
        static let tables = Tables(Player.self, Monster.self)
        static let reducers = Reducers(Combat.self)
    }

    @Reducers(of: Game.self) enum Combat {
        @Reducer static func attack(_ context: borrowing Context, monster: UInt64) throws {
            try context.db.monster.id.delete(monster)
        }
    }

    static func fight(_ db: Database<Game>) throws {
        try db.call(Combat.attack, 7)
    }

    static func look(_ db: Database<Club>, id: UInt64) throws -> String? {
        let snapshot = try db.snapshot()
        let ada = try snapshot.find(User.self, id)
        let newest = try snapshot.rows(Message.all, orderedBy: { $0.sent }, descending: true, limit: 50)
        return ada?.name ?? newest.first?.text
    }
}

@SpacetimeType enum Priority { case low, high }
extension Priority: OrderedColumnValue {}

struct Point: SpacetimeType {
    var x, y: Int32
    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
        types.declare(Self.self, name: "Point") { types in
            .product([("x", Int32.algebraicType(in: &types)), ("y", Int32.algebraicType(in: &types))])
        }
    }
    init(from reader: inout BSATNReader) throws(BSATNError) {
        x = try Int32(from: &reader)
        y = try Int32(from: &reader)
    }
    func encode(to writer: inout BSATNWriter) {
        x.encode(to: &writer)
        y.encode(to: &writer)
    }
}

// The rest uses the messages of the articles: id, room, text.

@Module
enum Rooms {
    static let tables = Tables(Message.self)

    @Reducer static func edit(_ context: borrowing Context) throws {
        let message = try context.db.message.insert(Message(id: 0, room: "lobby", text: "hello"))
        try context.db.message.update(message.id) { $0.text = "hello, all" }
        for message in context.db.message.rows { print(message.text) }

        for message in context.db.message.room.filter("lobby") { print(message.text) }
        let count = context.db.message.room.count("lobby")
        guard count == 1 else { throw SenderError("\(count) messages") }
    }
}

func countMessages() throws -> Int {
    let db = try Database.open(.inMemory, module: Chat.self)
    try db.call(Chat.send, "lobby", "hello")
    let count = try db.read { $0.message.count }
    let texts = try db.read { db in db.message.room.filter("lobby").map(\.text) }
    return count + texts.count
}

func comeAndGo(_ db: Database<Chat>) throws {
    let alice = try db.connect(as: "alice")
    try alice.call(Chat.send, "lobby", "hello")
    try alice.disconnect()
}

func putTogether() throws -> Database<DynamicModule> {
    let module = Module("chat") {
        Table(Message.self)
        Reducer("send") { (context: borrowing ReducerContext, room: String, text: String) in
            try context.table(Message.self).insert(Message(id: 0, room: room, text: text))
        }
    }
    let db = try Database.open(.inMemory, module: module)
    return db
}

func reducerAsAValue() -> Reducer<DynamicModule, String> {
    let send = Reducer("send", parameters: ["text"]) { (context: borrowing ReducerContext, text: String) in
        try context.table(Message.self).insert(Message(id: 0, room: "lobby", text: text))
    }
    return send
}

func observeMessages(_ db: Database<Chat>) throws {
    let observer = try db.subscribe(Message.all, onChange: { change in print(change.inserted) })
    observer.cancel()
}

func followMessages(_ db: Database<Chat>) async throws {
    for try await change in try await db.subscribe(Message.where { $0.room == "lobby" }) {
        for message in change.inserted { print(message.text) }
    }
}

func moveTheClock() {
    let clock = VirtualClock()
    clock.advance(by: .hours(24 * 30))
}

struct CommentTests {
    @Test func aMessageComesToWhoWatches() throws {
        let test = try TestDatabase(Chat.self)
        let alice = try test.connect(as: "alice")
        let lobby = try alice.subscribe(Message.where { $0.room == "lobby" })
        try alice.call(Chat.send, "lobby", "hello")
        #expect(lobby.rows.map(\.text) == ["hello"])
    }

    @Test func aDurableMessageSurvives() throws {
        let disk = SimulatedDisk()
        let db = try Database.open(.directory("chat", .simulated(disk)), module: Chat.self)
        try db.call(Chat.send, "lobby", "hello", until: .durable)
        disk.powerOff()
        let later = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
        let again = try Database.open(.directory("chat", .simulated(later)), module: Chat.self)
        #expect(try again.read { $0.message.count } == 1)
    }

    @Test func theExamplesOfCommentsDoWhatTheySay() throws {
        #expect(try countMessages() == 2)
        let club = try TestDatabase(Forum.Club.self)
        try club.call(Forum.Club.enroll, ["ann", "Ada"])
        try club.call(Forum.Club.greet)
        try club.call(Forum.Club.search, .unixEpoch, 3)
        try club.call(Forum.Club.tryToBuy)
        try club.call(Forum.Club.callTogether, Forum.Guild(memberIDs: [1, 2]))
        #expect(throws: SenderError.self) { try club.call(Forum.Club.enter, "1234", "4321") }
        #expect(try club.rows(of: Forum.Failure.self).count == 1)
        #expect(try look(club) == "Ada")
        try TestDatabase(Rooms.self).call(Rooms.edit)
        try Forum.fight(TestDatabase(Forum.Game.self).database)
    }

    private func look(_ club: TestDatabase<Forum.Club>) throws -> String? { try Forum.look(club.database, id: 2) }
}
