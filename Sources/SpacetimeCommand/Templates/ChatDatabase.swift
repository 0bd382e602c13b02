public import SpacetimeKit

/// Somebody who has been here.
@Table(.public)
public struct User {
    @PrimaryKey public var identity: Identity
    @Unique public var name: String
    public var isOnline: Bool
}

/// Something that was said.
@Table(.public)
public struct Message {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var sender: Identity
    public var text: String
    public var sent: Timestamp
}

/// A chat: who is here, and what is said.
@Module
public enum Chat {
    public static let tables = Tables(User.self, Message.self)

    /// The longest name and the longest message, in bytes.
    public static let nameLimit = 40
    public static let textLimit = 2_000

    @Reducer(.clientConnected)
    public static func connected(_ context: borrowing Context) throws {
        var user = context.db.user.identity.find(context.sender) ?? newcomer(context.sender)
        user.isOnline = true
        try context.db.user.upsert(user)
    }

    @Reducer(.clientDisconnected)
    public static func disconnected(_ context: borrowing Context) throws {
        guard var user = context.db.user.identity.find(context.sender) else { return }
        user.isOnline = false
        try context.db.user.update(user)
    }

    /// Takes a name that nobody else has.
    @Reducer
    public static func rename(_ context: borrowing Context, name: String) throws {
        guard !name.isEmpty, name.utf8.count <= nameLimit else {
            throw SenderError("a name has 1 to \(nameLimit) bytes")
        }
        if let other = context.db.user.name.find(name), other.identity != context.sender {
            throw SenderError("the name \(name) is taken")
        }
        var user = context.db.user.identity.find(context.sender) ?? newcomer(context.sender)
        context.log.info("\(user.name) is called \(name)")
        user.name = name
        try context.db.user.upsert(user)
    }

    @Reducer
    public static func send(_ context: borrowing Context, text: String) throws {
        guard !text.isEmpty, text.utf8.count <= textLimit else {
            throw SenderError("a message has 1 to \(textLimit) bytes")
        }
        try context.db.message.insert(
            Message(id: 0, sender: context.sender, text: text, sent: context.timestamp))
    }

    private static func newcomer(_ identity: Identity) -> User {
        User(identity: identity, name: "guest \(identity.hex.suffix(6))", isOnline: false)
    }
}
