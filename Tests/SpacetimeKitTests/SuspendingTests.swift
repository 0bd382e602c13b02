import SpacetimeKit
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A reducer that keeps the database until it is let go, on a thread of its own.
private final class Holder: Sendable {
    private struct State {
        var isRunning = false
        var mayEnd = false
    }

    private let state = Mutex(State())

    /// Run by the reducer.
    func hold() {
        state.withLock { $0.isRunning = true }
        while !state.withLock({ $0.mayEnd }) { sched_yield() }
    }

    func letGo() { state.withLock { $0.mayEnd = true } }

    func waitUntilRunning() async { while !state.withLock({ $0.isRunning }) { await Task.yield() } }
}

private func openHeld(_ holder: Holder) throws -> Database<DynamicModule> {
    let module = Module("held") {
        Table(Message.self)
        Table(Account.self)
        Reducer("hold") { (_: borrowing ReducerContext) in holder.hold() }
        Reducer("nothing") { (context: borrowing ReducerContext) in
            try context.table(Message.self).insert(
                Message(id: 0, sender: context.sender, room: "", sent: context.timestamp, text: "x"))
        }
    }
    return try Database.open(.inMemory, module: module)
}

@Suite(.timeLimit(.minutes(10))) struct SuspendingTests {
    /// Calls `body` from many tasks while a reducer runs, and shows that other tasks go on meanwhile.
    private func whileHeld(
        _ body: @escaping @Sendable (Database<DynamicModule>) async throws -> Void
    ) async throws {
        let holder = Holder()
        let db = try openHeld(holder)
        #expect(startThreadIfPossible { _ = try? db.call("hold", arguments: []) })
        await holder.waitUntilRunning()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // More than there are threads for tasks: were they blocked, nothing below would ever run.
            for _ in 0..<64 { group.addTask { try await body(db) } }
            let heartbeat = Task.detached { for _ in 0..<2_000 { await Task.yield() } }
            await heartbeat.value
            holder.letGo()
            try await group.waitForAll()
        }
    }

    @Test func waitingCallsBlockNoThread() async throws {
        let ran = Atomic(0)
        try await whileHeld { db in
            try await db.call("nothing", arguments: [])
            ran.wrappingAdd(1, ordering: .relaxed)
        }
        #expect(ran.load(ordering: .relaxed) == 64)
    }

    @Test func waitingTypedCallsBlockNoThread() async throws {
        let nothing = Reducer<DynamicModule>("nothing") { _ in }
        try await whileHeld { db in try await db.call(nothing) }
    }

    @Test func waitingReadsAndSnapshotsBlockNoThread() async throws {
        try await whileHeld { db in
            #expect(try await db.read { $0.table(Message.self).count } == 0)
            #expect(try await db.snapshot().count(of: Message.self) == 0)
            try await db.flush()
        }
    }

    @Test func waitingClientsBlockNoThread() async throws {
        try await whileHeld { db in
            let client = try await db.connect(as: "someone")
            let nothing = Reducer<DynamicModule>("nothing") { _ in }
            try await client.call(nothing)
            try await client.call("nothing", arguments: [])
            let changes = try await client.subscribe(Message.all)
            // Another client's thread may be delivering, and this one's rows with its own: they come a moment later then.
            var iterator = changes.makeAsyncIterator()
            #expect(try await iterator.next()?.isInitial == true)
            try await client.subscribe(Message.all, onChange: { _ in })
            // Cancelling waits for nobody, whoever has the lock.
            changes.cancel()
            try await client.disconnect()
        }
    }

    @Test func waitingOperationsBlockNoThread() async throws {
        try await whileHeld { db in
            let directory = try TemporaryFolder()
            try await db.backup(to: directory.path + "/backup")
            _ = try await db.exportAll(as: .jsonLines, to: directory.path + "/export")
        }
    }

    @Test func tasksAndThreadsTakeTurnsWithoutLosingACall() async throws {
        let db = try openChat()
        try await db.call(Chat.open, 1, 100_000)
        try await db.call(Chat.open, 2, 0)
        let threads = Atomic(0)
        for _ in 0..<2 {
            #expect(
                startThreadIfPossible {
                    for _ in 0..<2_000 { _ = try? db.call(Chat.transfer, 1, 2, 1) }
                    threads.wrappingAdd(1, ordering: .releasing)
                })
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        try await db.call(Chat.transfer, 1, 2, 1)
                        let sum = try await db.read { db in db.account.rows.reduce(0) { $0 + $1.balance } }
                        #expect(sum == 100_000)
                    }
                }
            }
            try await group.waitForAll()
        }
        while threads.load(ordering: .acquiring) < 2 { await Task.yield() }
        #expect(try await db.read { $0.account.id.find(2)?.balance } == 8_000)
    }

    @Test func aCancelledTaskStillMakesItsCall() async throws {
        let holder = Holder()
        let db = try openHeld(holder)
        #expect(startThreadIfPossible { _ = try? db.call("hold", arguments: []) })
        await holder.waitUntilRunning()
        let waiting = Task { try await db.call("nothing", arguments: []) }
        waiting.cancel()
        holder.letGo()
        _ = try await waiting.value
        #expect(try await db.read { $0.table(Message.self).count } == 1)
    }
}

/// An empty folder that is removed with its last reference.
private final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/spacetime-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SenderError("no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { system("rm -rf '\(path)'") }
}
