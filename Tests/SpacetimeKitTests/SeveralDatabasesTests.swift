import SpacetimeKit
import Synchronization
import Testing

/// Two databases whose reducers want to call each other.
private final class Pair: Sendable {
    private let databases = Mutex<(Database<DynamicModule>?, Database<DynamicModule>?)>((nil, nil))

    func set(_ first: Database<DynamicModule>?, _ second: Database<DynamicModule>?) {
        databases.withLock { $0 = (first, second) }
    }

    func other(than isFirst: Bool) -> Database<DynamicModule>? {
        databases.withLock { isFirst ? $0.1 : $0.0 }
    }

    func open(isFirst: Bool) throws -> Database<DynamicModule> {
        let module = Module("pair") {
            Table(Message.self)
            Reducer("call") { (_: borrowing ReducerContext) in
                try self.other(than: isFirst)?.call("nothing", arguments: [])
            }
            Reducer("read") { (_: borrowing ReducerContext) in
                _ = try self.other(than: isFirst)?.read { $0.table(Message.self).count }
            }
            Reducer("watch") { (_: borrowing ReducerContext) in
                _ = try self.other(than: isFirst)?.subscribe(Message.all)
            }
            Reducer("nothing") { (_: borrowing ReducerContext) in }
        }
        return try Database.open(.inMemory, module: module)
    }
}

@Suite(.timeLimit(.minutes(10))) struct SeveralDatabasesTests {
    @Test(arguments: ["call", "read", "watch"]) func oneDatabaseIsRefusedInsideTheOther(_ reducer: String) throws {
        let pair = Pair()
        let (first, second) = (try pair.open(isFirst: true), try pair.open(isFirst: false))
        pair.set(first, second)
        defer { pair.set(nil, nil) }
        for db in [first, second] {
            let error = #expect(throws: DatabaseError.self) { try db.call(reducer, arguments: []) }
            #expect(error?.code == .nestedTransaction)
            #expect(error?.message.contains("another database") == true)
        }
        // Both locks were released.
        try first.call("nothing", arguments: [])
        try second.call("nothing", arguments: [])
    }

    @Test func crosswiseCallsOfTwoThreadsEnd() async throws {
        let pair = Pair()
        let (first, second) = (try pair.open(isFirst: true), try pair.open(isFirst: false))
        pair.set(first, second)
        defer { pair.set(nil, nil) }
        await withTaskGroup(of: Void.self) { group in
            for db in [first, second] {
                group.addTask {
                    for _ in 0..<1_000 { _ = try? await db.call("call", arguments: []) }
                }
            }
        }
        try await first.call("nothing", arguments: [])
    }

    @Test func aSubscriberMayCallTheOtherDatabase() throws {
        let (first, second) = (try openChat(), try openChat())
        try first.subscribe(
            Message.all,
            onChange: { change in
                for message in change.inserted { _ = try? second.call(Chat.send, message.room, message.text) }
            })
        try first.call(Chat.send, "lobby", "hello")
        #expect(try second.read { $0.message.rows.map(\.text) } == ["hello"])
    }
}
