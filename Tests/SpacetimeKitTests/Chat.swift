import SpacetimeKit

/// The module of most tests.
@Table(.public, .index("byRoomSent", \.room, \.sent))
struct Message: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var sender: Identity
    @Indexed var room: String
    var sent: Timestamp
    var text: String
}

/// A row of an event table, without any key.
@Table(.public, .event)
struct Ping: Equatable {
    var text: String
}

@Module enum Chat {
    static let tables = Tables(Message.self, Account.self, Ping.self)

    @Reducer static func send(_ context: borrowing Context, room: String, text: String) throws {
        guard !text.isEmpty else { throw SenderError("a message needs text") }
        try context.db.message.insert(
            Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text))
    }

    @Reducer static func edit(_ context: borrowing Context, id: UInt64, text: String) throws {
        guard var message = context.db.message.id.find(id) else { throw SenderError("no such message") }
        message.text = text
        try context.db.message.id.update(message)
    }

    @Reducer static func open(_ context: borrowing Context, id: UInt64, balance: Int64) throws {
        try context.db.account.insert(Account(id: id, owner: UInt32(id), slot: 0, balance: balance))
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt64, to: UInt64, amount: Int64) throws {
        guard var source = context.db.account.id.find(from), var target = context.db.account.id.find(to) else {
            throw SenderError("no such account")
        }
        source.balance -= amount
        target.balance += amount
        try context.db.account.id.update(source)
        try context.db.account.id.update(target)
        if source.balance < 0 { throw SenderError("not enough money") }
    }

    @Reducer static func ping(_ context: borrowing Context, text: String) throws {
        try context.db.ping.insert(Ping(text: text))
    }

    @Reducer static func nothing(_ context: borrowing Context) {}
}

/// A fresh database whose time and randomness repeat.
func openChat(clock: VirtualClock = VirtualClock()) throws -> Database<Chat> {
    var options = DatabaseOptions()
    options.clock = clock
    options.seed = 42
    return try Database.open(.inMemory, module: Chat.self, options: options)
}

/// Runs a reducer body that no module declares, in a database of the chat's tables.
func openDynamic(
    _ body: @escaping @Sendable (borrowing ReducerContext) throws -> Void
) throws -> Database<DynamicModule> {
    let module = Module("test") {
        Table(Message.self)
        Table(Account.self)
        Table(Ping.self)
        Reducer("run") { (context: borrowing ReducerContext) in try body(context) }
    }
    var options = DatabaseOptions()
    options.clock = VirtualClock()
    options.seed = 42
    return try Database.open(.inMemory, module: module, options: options)
}

/// Runs a reducer body once, in a fresh database of the chat's tables.
func inReducer(_ body: @escaping @Sendable (borrowing ReducerContext) throws -> Void) throws {
    try openDynamic(body).call("run", arguments: [])
}
