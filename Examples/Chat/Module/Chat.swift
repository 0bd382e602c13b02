public import SpacetimeKit

/// Somebody who has been here.
@Table(.public)
public struct User {
    @PrimaryKey public var identity: Identity
    /// Who has not chosen one is called by the end of the identity.
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
    /// How much was said here: whoever has seen fewer messages knows how many are new, without subscribing to them.
    public var messageCount: UInt32
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

/// When guests are forgotten.
@Table
public struct Sweep {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var when: ScheduleAt
}

/// A chat server: users with presence, rooms, and messages in them.
@Module
public enum Chat {
    public static let tables = Tables(User.self, Room.self, Message.self, Sweep.self)

    /// The longest name of a user or a room, and the longest message, in bytes.
    public static let nameLimit = 64
    public static let textLimit = 16_000

    @Reducer(.initialize)
    public static func setUp(_ context: borrowing Context) throws {
        try context.db.room.insert(Room(name: "lobby", created: context.timestamp, messageCount: 0))
        try context.db.sweep.insert(Sweep(id: 0, when: .interval(.hours(1))))
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
        try checkName(name)
        var user = context.db.user.identity.find(context.sender) ?? newcomer(context)
        if let other = context.db.user.name.find(name), other.identity != user.identity {
            throw SenderError("the name \(name) is taken")
        }
        context.log.info("\(user.name) is called \(name)")
        user.name = name
        try context.db.user.upsert(user)
    }

    @Reducer
    public static func open(_ context: borrowing Context, room: String) throws {
        try checkName(room)
        guard context.db.room.name.find(room) == nil else { throw SenderError("there is a room \(room) already") }
        try context.db.room.insert(Room(name: room, created: context.timestamp, messageCount: 0))
    }

    @Reducer
    public static func send(_ context: borrowing Context, room: String, text: String) throws {
        guard !text.isEmpty, text.utf8.count <= textLimit else {
            throw SenderError("a message has 1 to \(textLimit) bytes")
        }
        guard var place = context.db.room.name.find(room) else { throw SenderError("there is no room \(room)") }
        place.messageCount += 1
        try context.db.room.update(place)
        let author = context.db.user.identity.find(context.sender) ?? newcomer(context)
        try context.db.message.insert(
            Message(
                id: 0, sender: context.sender, author: author.name, room: room, sent: context.timestamp, text: text))
    }

    /// Forgets who left without having taken a name. What they said stays, with the name that they had.
    @Reducer(.scheduled)
    public static func forgetGuests(_ context: borrowing Context, sweep: Sweep) throws {
        let guests = context.db.user.where { !$0.isOnline }.filter { $0.name == guestName($0.identity) }
        for guest in guests { try context.db.user.identity.delete(guest.identity) }
    }

    private static func checkName(_ name: String) throws {
        guard !name.isEmpty, name.utf8.count <= nameLimit else {
            throw SenderError("a name has 1 to \(nameLimit) bytes")
        }
        let ends = [name.unicodeScalars.first, name.unicodeScalars.last]
        guard ends.allSatisfy({ $0?.properties.isWhitespace == false }) else {
            throw SenderError("a name does not begin or end with a blank")
        }
    }

    private static func guestName(_ identity: Identity) -> String { String(identity.description.suffix(8)) }

    private static func newcomer(_ context: borrowing Context) -> User {
        User(identity: context.sender, name: guestName(context.sender), isOnline: false, connections: 0)
    }
}
