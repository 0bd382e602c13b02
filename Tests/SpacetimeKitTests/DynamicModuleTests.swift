import SpacetimeKit
import Testing

/// Modules that are values, put together from closures.
@Suite struct DynamicModuleTests {
    private static let send = Reducer<DynamicModule, String, String>("send", parameters: ["room", "text"]) {
        (context: borrowing ReducerContext, room: String, text: String) in
        guard !text.isEmpty else { throw SenderError("a message needs text") }
        try context.table(Message.self).insert(
            Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: text))
    }

    private static func module(rooms: [String] = [], withPings: Bool = false) -> Module {
        Module("chat") {
            Table(Message.self)
            if withPings { Table(Ping.self) }
            send
            Reducer("rename") { (context: borrowing ReducerContext, id: UInt64, room: String) in
                guard var message = context.table(Message.self).id.find(id) else { throw SenderError("no message") }
                message.room = room
                try context.table(Message.self).update(message)
            }
            if withPings {
                Reducer("ping") { (context: borrowing ReducerContext, text: String) in
                    try context.table(Ping.self).insert(Ping(text: text))
                }
            } else {
                Reducer("quiet") { (context: borrowing ReducerContext) in }
            }
            Reducer("open", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                for room in rooms {
                    try context.table(Message.self).insert(
                        Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: "welcome"))
                }
            }
        }
    }

    @Test func aModuleOfClosuresRunsFromEndToEnd() throws {
        let db = try Database.open(.inMemory, module: Self.module(rooms: ["lobby", "attic"]))
        let lobby = try db.subscribe(Message.where { $0.room == "lobby" })
        let alice = try db.connect(as: "alice")
        try alice.call(Self.send, "lobby", "typed")
        try alice.call("send", arguments: "lobby".bsatn() + "bytes".bsatn())
        try alice.call("rename", arguments: UInt64(2).bsatn() + "lobby".bsatn())
        #expect(throws: SenderError("a message needs text")) { try alice.call(Self.send, "lobby", "") }
        #expect(lobby.nextAvailable()?.inserted.map(\.text) == ["welcome"])
        #expect(lobby.nextAvailable()?.inserted.map(\.text) == ["typed"])
        #expect(lobby.nextAvailable()?.inserted.map(\.sender) == [alice.identity])
        #expect(lobby.nextAvailable()?.inserted.map(\.id) == [2])
        #expect(lobby.nextAvailable() == nil)
        #expect(try db.read { $0.table(Message.self).room.count("lobby") } == 4)
    }

    @Test func partsMayDependOnConditions() throws {
        let quiet = try Database.open(.inMemory, module: Self.module())
        try quiet.call("quiet", arguments: [])
        #expect(throws: DatabaseError.self) { try quiet.call("ping", arguments: "x".bsatn()) }
        let loud = try Database.open(.inMemory, module: Self.module(withPings: true))
        let pings = try loud.subscribe(Ping.all)
        try loud.call("ping", arguments: "x".bsatn())
        _ = pings.nextAvailable()
        #expect(pings.nextAvailable()?.inserted == [Ping(text: "x")])
    }

    @Test func tablesInALoopAreAllThere() throws {
        let module = Module("loop") {
            for table in [Table(Message.self), Table(Account.self)] { table }
        }
        let db = try Database.open(.inMemory, module: module)
        #expect(try db.read { $0.table(Message.self).isEmpty && $0.table(Account.self).isEmpty })
    }
}
