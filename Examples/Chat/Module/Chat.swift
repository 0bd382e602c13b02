public import SpacetimeKit

/// Somebody who has been here.
@Table(.public)
public struct User {
    @PrimaryKey public var identity: Identity
    @Unique public var name: String
    public var isOnline: Bool
    /// How many connections the user has open: a second window must not show the user as gone when the first closes.
    public var connections: UInt32
}

/// A place to talk.
@Table(.public)
public struct Room {
    @PrimaryKey public var name: String
    public var created: Timestamp
}

/// Something that was said.
@Table(.public, .index("byRoomAndTime", \.room, \.sent))
public struct Message {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var sender: Identity
    public var author: String
    public var room: String
    public var sent: Timestamp
    public var text: String
}

/// A chat server: users with presence, rooms, and messages in them.
@Module
public enum Chat {
    public static let tables = Tables(User.self, Room.self, Message.self)

    @Reducer(.initialize)
    public static func setUp(_ context: borrowing Context) throws {
        try context.db.room.insert(Room(name: "lobby", created: context.timestamp))
    }

    @Reducer(.clientConnected)
    public static func connected(_ context: borrowing Context) throws {
        var user = context.db.user.identity.find(context.sender) ?? newcomer(context)
        user.connections += 1
        user.isOnline = true
        try context.db.user.upsert(user)
    }

    @Reducer(.clientDisconnected)
    public static func disconnected(_ context: borrowing Context) throws {
        guard var user = context.db.user.identity.find(context.sender) else { return }
        user.connections -= 1
        user.isOnline = user.connections > 0
        try context.db.user.update(user)
    }

    /// Takes a name that nobody else has.
    @Reducer
    public static func rename(_ context: borrowing Context, name: String) throws {
        guard !name.isEmpty, name.utf8.count <= 64 else { throw SenderError("a name has 1 to 64 bytes") }
        var user = context.db.user.identity.find(context.sender) ?? newcomer(context)
        if let other = context.db.user.name.find(name), other.identity != user.identity {
            throw SenderError("the name \(name) is taken")
        }
        user.name = name
        try context.db.user.upsert(user)
    }

    @Reducer
    public static func open(_ context: borrowing Context, room: String) throws {
        guard !room.isEmpty else { throw SenderError("a room needs a name") }
        guard context.db.room.name.find(room) == nil else { throw SenderError("there is a room \(room) already") }
        try context.db.room.insert(Room(name: room, created: context.timestamp))
    }

    @Reducer
    public static func send(_ context: borrowing Context, room: String, text: String) throws {
        guard !text.isEmpty else { throw SenderError("a message needs text") }
        guard context.db.room.name.contains(room) else { throw SenderError("there is no room \(room)") }
        let author = context.db.user.identity.find(context.sender) ?? newcomer(context)
        try context.db.message.insert(
            Message(
                id: 0, sender: context.sender, author: author.name, room: room, sent: context.timestamp, text: text))
    }

    private static func newcomer(_ context: borrowing Context) -> User {
        User(
            identity: context.sender, name: String(context.sender.description.suffix(8)), isOnline: false,
            connections: 0)
    }
}
