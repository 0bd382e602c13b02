import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of the article on queries, and of the comments of the query builder.

enum Parlor {
    @Table(.public, .index("byRoomSent", \.room, \.sent))
    struct Message: Equatable {
        @PrimaryKey @AutoIncrement var id: UInt64
        @Indexed var sender: Identity
        @Indexed var room: String
        var sent: Timestamp
        var text: String
        var likes: UInt32
    }

    @Table(.public)
    struct User {
        @PrimaryKey var identity: Identity
        var name: String
        @Indexed var online: Bool
    }

    @Table(.public)
    struct Friend {
        @PrimaryKey @AutoIncrement var id: UInt64
        @Indexed var of: Identity
        @Indexed var identity: Identity
    }

    @Module enum Talk {
        static let tables = Tables(Message.self, User.self, Friend.self)

        @Reducer static func enter(_ context: borrowing Context, name: String, friend: Identity?) throws {
            try context.db.user.insert(User(identity: context.sender, name: name, online: true))
            if let friend { try context.db.friend.insert(Friend(id: 0, of: context.sender, identity: friend)) }
        }

        @Reducer static func praise(_ context: borrowing Context, room: String) throws {
            let best = Message.where { $0.room == room }.orderBy { ($0.likes.descending, $0.id) }.limit(3)
            for message in try context.db.rows(best) {
                try context.db.message.update(message.id) { $0.text += " ★" }
            }
        }

        @Reducer static func say(_ context: borrowing Context, room: String, text: String) throws {
            try context.db.message.insert(
                Message(
                    id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text,
                    likes: UInt32(text.count)))
        }
    }

    static func queries(_ me: Identity) -> [any QueryConvertible] {
        let lobby = Message.where { $0.room == "lobby" }
        let newest = lobby.orderBy { $0.sent.descending }.limit(50)
        let ofFriends = lobby.leftSemijoin(Friend.where { $0.of == me }) { $0.sender == $1.identity }
        let named = lobby.join(User.self) { $0.sender == $1.identity }.select { ($0.text, $1.name) }
        let counts = Message.all.groupBy { $0.room }.select { room, messages in (room, messages.count()) }
        return [lobby, newest, ofFriends, named, counts]
    }

    static func semijoins(_ me: Identity) -> (Query<Message>, Query<User>) {
        let ofFriends = Message.all.leftSemijoin(Friend.where { $0.of == me }) { $0.sender == $1.identity }
        let authors = Message.where { $0.room == "lobby" }.rightSemijoin(User.self) { $0.sender == $1.identity }
        return (ofFriends, authors)
    }

    static func join() -> ResultQuery<(String, String)> {
        let named = Message.all.join(User.self) { $0.sender == $1.identity }.select { ($0.text, $1.name) }
        return named
    }

    static func leftJoin() -> ResultQuery<(String, String?)> {
        let named = Message.all.leftJoin(User.self) { $0.sender == $1.identity }.select { ($0.text, $1.name) }
        return named
    }

    static func select() -> ResultQuery<(Identity, String)> {
        let names = User.where { $0.online }.select { ($0.identity, $0.name) }
        return names
    }

    static func group() -> ResultQuery<(String, UInt64, Timestamp)> {
        let busy = Message.all.groupBy { $0.room }
            .where { _, messages in messages.count() > 100 }
            .select { room, messages in (room, messages.count(), messages.max { $0.sent }) }
        return busy
    }

    static func semijoinsInside(_ me: Identity) -> Query<Message> {
        let seen = Message.where { $0.likes > 3 }
            .leftSemijoin(User.all.leftSemijoin(Friend.where { $0.of == me }) { $0.identity == $1.identity }) {
                $0.sender == $1.identity
            }
        return seen
    }

    static func explain(_ db: Database<Talk>) throws -> QueryPlan {
        let plan = try db.explain(Message.where { $0.room == "lobby" }.orderBy { $0.sent.descending }.limit(50))
        print(plan)
        return plan
    }
}

// The functions stand alone in the articles.
extension Parlor {
    struct Examples {
        func report(_ snapshot: DatabaseSnapshot<Talk>) throws -> [String] {
            let likes = try snapshot.value(Message.all.sum { $0.likes }) ?? 0
            let rooms = Message.all.groupBy { $0.room }
                .where { _, messages in messages.count() > 1 }
                .orderBy { _, messages in messages.sum { $0.likes }.descending }
                .select { room, messages in (room, messages.sum { $0.likes }) }
            return ["\(likes) likes"] + (try snapshot.rows(rooms).map { room, likes in "\(room): \(likes)" })
        }

        func follow(_ db: Database<Talk>) throws -> [QueryObserver] {
            let best = Message.where { $0.room == "lobby" }.orderBy { ($0.likes.descending, $0.id) }.limit(10)
            let counts = Message.all.groupBy { $0.room }.select { room, messages in (room, messages.count()) }
            let top = try db.subscribe(best, onChange: { print("new among the best: \($0.inserted.map(\.text))") })
            let rooms = try db.subscribe(counts, onChange: { for (room, count) in $0.inserted { print(room, count) } })
            return [top, rooms]
        }
    }
}

struct QueryExampleTests {
    private typealias Message = Parlor.Message

    @Test func theExamplesOfQueriesDoWhatTheySay() throws {
        let test = try TestDatabase(Parlor.Talk.self)
        let (ada, bob) = (try test.connect(as: "ada"), try test.connect(as: "bob"))
        try ada.call(Parlor.Talk.enter, "Ada", bob.identity)
        try bob.call(Parlor.Talk.enter, "Bob", nil)
        let observers = try Parlor.Examples().follow(test.database)
        for (client, room, text) in [(ada, "lobby", "hello"), (bob, "lobby", "hi"), (bob, "hall", "anybody?")] {
            try client.call(Parlor.Talk.say, room, text)
        }
        for query in Parlor.queries(ada.identity) {
            #expect(throws: Never.self) { try test.database.explain(query) }
        }
        let (ofFriends, authors) = Parlor.semijoins(ada.identity)
        #expect(try test.rows(ofFriends).map(\.text).sorted() == ["anybody?", "hi"])
        #expect(try test.rows(authors).map(\.name).sorted() == ["Ada", "Bob"])
        #expect(
            try test.rows(Parlor.join()).map { "\($0.1): \($0.0)" }.sorted() == [
                "Ada: hello", "Bob: anybody?", "Bob: hi",
            ])
        #expect(try test.rows(Parlor.leftJoin()).count == 3)
        #expect(try test.rows(Parlor.select()).map(\.1).sorted() == ["Ada", "Bob"])
        #expect(try test.rows(Parlor.group()).isEmpty)
        #expect(try test.rows(Parlor.semijoinsInside(ada.identity)).map(\.text) == ["anybody?"])
        #expect(try Parlor.explain(test.database).scannedTables.isEmpty)
        #expect(try Parlor.Examples().report(test.database.snapshot()) == ["15 likes", "lobby: 7"])
        try ada.call(Parlor.Talk.praise, "lobby")
        #expect(try test.rows(Message.where { $0.room == "lobby" }).map(\.text).sorted() == ["hello ★", "hi ★"])
        try test.expectIndexed(Message.where { $0.room == "lobby" }, watched: true)
        try test.expectIndexed("SELECT * FROM message WHERE room = 'lobby'", watched: true)
        #expect(throws: UnindexedQuery.self) {
            try test.expectIndexed("SELECT * FROM message WHERE text = 'hi'", watched: true)
        }
        for observer in observers { observer.cancel() }
    }
}
