import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of `KeepingData`, `TransactionLifecycle`, and of the landing pages of SpacetimeTesting and SpacetimeSATS.

@Table(.public)
struct Message {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var room: String
    var text: String
}

@Module
enum Chat {
    static let tables = Tables(Message.self)

    @Reducer static func send(_ context: borrowing Context, room: String, text: String) throws {
        try context.db.message.insert(Message(id: 0, room: room, text: text))
    }

    @Reducer static func leave(_ context: borrowing Context) throws {
        for message in context.db.message.room.filter("lobby") { try context.db.message.id.delete(message.id) }
    }
}

func keep() throws {
    let db = try Database.open(at: "chat.stdb", module: Chat.self)
    try db.call(Chat.send, "lobby", "hello")  // visible at once, on disk a moment later
    try db.call(Chat.send, "lobby", "kept", until: .durable)  // on disk when it returns
    try db.close()
}

func save() throws {
    let (offset, problems) = try Database<Chat>.salvage("chat.stdb", to: "saved.stdb")
    print("saved up to commit \(offset)", problems)
}

func lookBack(_ db: Database<Chat>) throws -> Int {
    try db.backup(to: "monday.stdb")  // while it runs
    try Database<Chat>.restore(from: "monday.stdb", to: "again.stdb")
    let then = try Database.open(at: "chat.stdb", asOf: TxOffset(1_000), module: Chat.self)  // reading only
    let report = try Database<Chat>.replay(TxOffset(1_000), at: "chat.stdb", module: Chat.self)
    let findings = try Database<Chat>.verify("chat.stdb")
    return try then.read { $0.message.count } + report.differences.count + findings.count
}

func exchange(_ db: Database<Chat>) throws {
    try db.export(Message.self, as: .csv, to: "messages.csv")
    try db.exportAll(as: .jsonLines, to: "everything")
    try db.import(Message.self, from: "messages.csv", as: .csv, mode: .upsert)
}

struct DurabilityTests {
    @Test func whatWasDurableSurvivesALossOfPower() throws {
        let disk = SimulatedDisk()
        let db = try Database.open(.directory("library", .simulated(disk)), module: Library.self)
        try db.call(Library.add, "On Computable Numbers", "C", until: .durable)
        disk.powerOff()

        let later = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
        let again = try Database.open(.directory("library", .simulated(later)), module: Library.self)
        #expect(try again.read { $0.book.count } == 1)
    }
}

func writeAndRead() throws -> Timestamp {
    let bytes = Timestamp.unixEpoch.bsatn()
    let again = try Timestamp(bsatn: bytes)
    return again
}
