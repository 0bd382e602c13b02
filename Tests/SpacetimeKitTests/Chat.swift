import SpacetimeKit

/// The module of most tests. Written out as the macros expand it, so that the run-time half is tested without them.
struct Message: Equatable {
    var id: UInt64
    var sender: Identity
    var room: String
    var sent: Timestamp
    var text: String
}

extension Message: SpacetimeKit.TableRow {
    static var tableDefinition: SpacetimeKit.TableDefinition {
        .init(
            name: "Message", access: .public, isEvent: false,
            columns: [
                .init("id", UInt64.self), .init("sender", Identity.self), .init("room", String.self),
                .init("sent", Timestamp.self), .init("text", String.self),
            ],
            primaryKey: [0], uniqueConstraints: [[0]], autoIncrement: [0],
            indexes: [
                .init(name: "id", columns: [0], algorithm: .hash, accessor: "id"),
                .init(name: "room", columns: [2], algorithm: .btree, accessor: "room"),
                .init(name: "byRoomSent", columns: [2, 3], algorithm: .btree, accessor: "byRoomSent"),
            ])
    }
    static func algebraicType(in types: inout SpacetimeKit.TypespaceBuilder) -> SpacetimeKit.AlgebraicType {
        types.declare(Self.self, name: "Message") { types in
            .product(
                .init([
                    ("id", UInt64.algebraicType(in: &types)), ("sender", Identity.algebraicType(in: &types)),
                    ("room", String.algebraicType(in: &types)), ("sent", Timestamp.algebraicType(in: &types)),
                    ("text", String.algebraicType(in: &types)),
                ]))
        }
    }
    static var bsatnFixedSize: Int? {
        SpacetimeKit._fixedSize(
            UInt64.bsatnFixedSize, Identity.bsatnFixedSize, String.bsatnFixedSize, Timestamp.bsatnFixedSize,
            String.bsatnFixedSize)
    }
    static var _spacetimeHasGeneratedColumns: Bool { true }
    init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
        self.id = try UInt64(from: &reader)
        self.sender = try Identity(from: &reader)
        self.room = try String(from: &reader)
        self.sent = try Timestamp(from: &reader)
        self.text = try String(from: &reader)
    }
    func encode(to writer: inout SpacetimeKit.BSATNWriter) {
        self.id.encode(to: &writer)
        self.sender.encode(to: &writer)
        self.room.encode(to: &writer)
        self.sent.encode(to: &writer)
        self.text.encode(to: &writer)
    }
    struct Columns: Sendable {
        init() {}
        var id: SpacetimeKit.Column<Message, UInt64> { .init(0) }
        var sender: SpacetimeKit.Column<Message, Identity> { .init(1) }
        var room: SpacetimeKit.Column<Message, String> { .init(2) }
        var sent: SpacetimeKit.Column<Message, Timestamp> { .init(3) }
        var text: SpacetimeKit.Column<Message, String> { .init(4) }
    }
    struct Handle: SpacetimeKit.TableHandle {
        typealias Row = Message
        let _spacetimeReference: SpacetimeKit.TableReference
        init(_spacetimeReference reference: SpacetimeKit.TableReference) { _spacetimeReference = reference }
        var id: SpacetimeKit.UniqueIndex<Message, UInt64> { .init(_spacetimeReference, index: 0) }
        var room: SpacetimeKit.Index<Message, String> { .init(_spacetimeReference, index: 1) }
        var byRoomSent: SpacetimeKit.CompositeIndex<Message, String, Timestamp> {
            .init(_spacetimeReference, index: 2)
        }
    }
}

extension Message: SpacetimeKit.KeyedTableRow {
    typealias PrimaryKey = UInt64
    static var _spacetimePrimaryKeyIndex: Int { 0 }
    var _spacetimePrimaryKey: UInt64 { id }
}

/// A row of fixed size, with a key that is not generated and two columns that are unique together.
struct Account: Equatable {
    var id: UInt64
    var owner: UInt32
    var slot: UInt32
    var balance: Int64
}

extension Account: SpacetimeKit.TableRow {
    static var tableDefinition: SpacetimeKit.TableDefinition {
        .init(
            name: "Account", access: .private, isEvent: false,
            columns: [
                .init("id", UInt64.self), .init("owner", UInt32.self), .init("slot", UInt32.self),
                .init("balance", Int64.self, default: 0),
            ],
            primaryKey: [0], uniqueConstraints: [[0], [1, 2]], autoIncrement: [],
            indexes: [
                .init(name: "id", columns: [0], algorithm: .hash, accessor: "id"),
                .init(name: "bySlot", columns: [1, 2], algorithm: .btree, accessor: "bySlot"),
            ])
    }
    static func algebraicType(in types: inout SpacetimeKit.TypespaceBuilder) -> SpacetimeKit.AlgebraicType {
        types.declare(Self.self, name: "Account") { types in
            .product(
                .init([
                    ("id", UInt64.algebraicType(in: &types)), ("owner", UInt32.algebraicType(in: &types)),
                    ("slot", UInt32.algebraicType(in: &types)), ("balance", Int64.algebraicType(in: &types)),
                ]))
        }
    }
    static var bsatnFixedSize: Int? {
        SpacetimeKit._fixedSize(
            UInt64.bsatnFixedSize, UInt32.bsatnFixedSize, UInt32.bsatnFixedSize, Int64.bsatnFixedSize)
    }
    init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
        self.id = try UInt64(from: &reader)
        self.owner = try UInt32(from: &reader)
        self.slot = try UInt32(from: &reader)
        self.balance = try Int64(from: &reader)
    }
    func encode(to writer: inout SpacetimeKit.BSATNWriter) {
        self.id.encode(to: &writer)
        self.owner.encode(to: &writer)
        self.slot.encode(to: &writer)
        self.balance.encode(to: &writer)
    }
    struct Columns: Sendable {
        init() {}
        var id: SpacetimeKit.Column<Account, UInt64> { .init(0) }
        var owner: SpacetimeKit.Column<Account, UInt32> { .init(1) }
        var slot: SpacetimeKit.Column<Account, UInt32> { .init(2) }
        var balance: SpacetimeKit.Column<Account, Int64> { .init(3) }
    }
    struct Handle: SpacetimeKit.TableHandle {
        typealias Row = Account
        let _spacetimeReference: SpacetimeKit.TableReference
        init(_spacetimeReference reference: SpacetimeKit.TableReference) { _spacetimeReference = reference }
        var id: SpacetimeKit.UniqueIndex<Account, UInt64> { .init(_spacetimeReference, index: 0) }
        var bySlot: SpacetimeKit.UniqueCompositeIndex<Account, UInt32, UInt32> {
            .init(_spacetimeReference, index: 1)
        }
    }
}

extension Account: SpacetimeKit.KeyedTableRow {
    typealias PrimaryKey = UInt64
    static var _spacetimePrimaryKeyIndex: Int { 0 }
    var _spacetimePrimaryKey: UInt64 { id }
}

/// A row of an event table, without any key.
struct Ping: Equatable {
    var text: String
}

extension Ping: SpacetimeKit.TableRow {
    static var tableDefinition: SpacetimeKit.TableDefinition {
        .init(name: "Ping", access: .public, isEvent: true, columns: [.init("text", String.self)])
    }
    static func algebraicType(in types: inout SpacetimeKit.TypespaceBuilder) -> SpacetimeKit.AlgebraicType {
        types.declare(Self.self, name: "Ping") { types in
            .product(.init([("text", String.algebraicType(in: &types))]))
        }
    }
    init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
        self.text = try String(from: &reader)
    }
    func encode(to writer: inout SpacetimeKit.BSATNWriter) { self.text.encode(to: &writer) }
    struct Columns: Sendable {
        init() {}
        var text: SpacetimeKit.Column<Ping, String> { .init(0) }
    }
    struct Handle: SpacetimeKit.TableHandle {
        typealias Row = Ping
        let _spacetimeReference: SpacetimeKit.TableReference
        init(_spacetimeReference reference: SpacetimeKit.TableReference) { _spacetimeReference = reference }
    }
}

enum Chat: SpacetimeKit.ModuleDefinition {
    typealias Context = SpacetimeKit.Context<Chat>

    static let tables = Tables(Message.self, Account.self, Ping.self)

    static func send(_ context: borrowing Context, room: String, text: String) throws {
        guard !text.isEmpty else { throw SenderError("a message needs text") }
        try context.db.message.insert(
            Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text))
    }
    static func edit(_ context: borrowing Context, id: UInt64, text: String) throws {
        guard var message = context.db.message.id.find(id) else { throw SenderError("no such message") }
        message.text = text
        try context.db.message.id.update(message)
    }
    static func open(_ context: borrowing Context, id: UInt64, balance: Int64) throws {
        try context.db.account.insert(Account(id: id, owner: UInt32(id), slot: 0, balance: balance))
    }
    static func transfer(_ context: borrowing Context, from: UInt64, to: UInt64, amount: Int64) throws {
        guard var source = context.db.account.id.find(from), var target = context.db.account.id.find(to) else {
            throw SenderError("no such account")
        }
        source.balance -= amount
        target.balance += amount
        try context.db.account.id.update(source)
        try context.db.account.id.update(target)
        if source.balance < 0 { throw SenderError("not enough money") }
    }
    static func ping(_ context: borrowing Context, text: String) throws { try context.db.ping.insert(Ping(text: text)) }
    static func nothing(_ context: borrowing Context) {}

    struct TableHandles: SpacetimeKit.TableHandles {
        let _spacetimeTransaction: SpacetimeKit.TransactionReference
        init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
            _spacetimeTransaction = transaction
        }
        var message: Message.Handle { .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0)) }
        var account: Account.Handle { .init(_spacetimeReference: .init(_spacetimeTransaction, table: 1)) }
        var ping: Ping.Handle { .init(_spacetimeReference: .init(_spacetimeTransaction, table: 2)) }
    }
    static var moduleContent: SpacetimeKit.ModuleContent {
        .init(
            name: "Chat", tables: Self.tables,
            reducers: [
                Self.send.erased, Self.edit.erased, Self.open.erased, Self.transfer.erased, Self.ping.erased,
                Self.nothing.erased,
            ])
    }

    static var send: SpacetimeKit.Reducer<Self, String, String> {
        .init("send", parameters: ["room", "text"], lifecycle: nil) {
            (context: borrowing SpacetimeKit.Context<Self>, a0: String, a1: String) throws in
            try Self.send(context, room: a0, text: a1)
        }
    }
    static var edit: SpacetimeKit.Reducer<Self, UInt64, String> {
        .init("edit", parameters: ["id", "text"], lifecycle: nil) {
            (context: borrowing SpacetimeKit.Context<Self>, a0: UInt64, a1: String) throws in
            try Self.edit(context, id: a0, text: a1)
        }
    }
    static var open: SpacetimeKit.Reducer<Self, UInt64, Int64> {
        .init("open", parameters: ["id", "balance"], lifecycle: nil) {
            (context: borrowing SpacetimeKit.Context<Self>, a0: UInt64, a1: Int64) throws in
            try Self.open(context, id: a0, balance: a1)
        }
    }
    static var transfer: SpacetimeKit.Reducer<Self, UInt64, UInt64, Int64> {
        .init("transfer", parameters: ["from", "to", "amount"], lifecycle: nil) {
            (context: borrowing SpacetimeKit.Context<Self>, a0: UInt64, a1: UInt64, a2: Int64) throws in
            try Self.transfer(context, from: a0, to: a1, amount: a2)
        }
    }
    static var ping: SpacetimeKit.Reducer<Self, String> {
        .init("ping", parameters: ["text"], lifecycle: nil) {
            (context: borrowing SpacetimeKit.Context<Self>, a0: String) throws in try Self.ping(context, text: a0)
        }
    }
    static var nothing: SpacetimeKit.Reducer<Self> {
        .init("nothing", parameters: [], lifecycle: nil) { (context: borrowing SpacetimeKit.Context<Self>) throws in
            Self.nothing(context)
        }
    }
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
