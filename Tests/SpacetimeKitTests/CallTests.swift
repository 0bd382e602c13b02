import SpacetimeKit
import Testing

@Suite struct CallTests {
    @Test func aCallChangesTheTables() throws {
        let db = try openChat()
        try db.call(Chat.send, "lobby", "hello")
        let rows = try db.read { Array($0.message.rows) }
        #expect(rows.map(\.text) == ["hello"])
        #expect(rows.map(\.id) == [1])
        #expect(rows.map(\.sender) == [db.owner])
    }

    @Test func anAsynchronousCallDoesTheSame() async throws {
        let db = try await Database.open(.inMemory, module: Chat.self)
        try await db.call(Chat.send, "lobby", "hello")
        #expect(try await db.read { $0.message.count } == 1)
    }

    @Test func aReducersErrorReachesTheCallerUnwrappedAndUndoesEverything() throws {
        let db = try openChat()
        try db.call(Chat.open, 1, 50)
        try db.call(Chat.open, 2, 0)
        let before = try db.read { $0.account.rows.sorted { $0.id < $1.id } }
        #expect(throws: SenderError("not enough money")) { try db.call(Chat.transfer, 1, 2, 60) }
        #expect(try db.read { $0.account.rows.sorted { $0.id < $1.id } } == before)
        try db.call(Chat.transfer, 1, 2, 20)
        #expect(try db.read { $0.account.id.find(2)?.balance } == 20)
    }

    @Test func aUniqueViolationHasACodeAndSaysWhatToDo() throws {
        let db = try openChat()
        try db.call(Chat.open, 1, 50)
        let error = #expect(throws: DatabaseError.self) { try db.call(Chat.open, 1, 70) }
        #expect(error?.code == .uniqueViolation)
        #expect(error?.message.contains("update that row") == true)
        #expect(try db.read { $0.account.id.find(1)?.balance } == 50)
    }

    @Test func aReducerMayCatchAViolationAndGoOn() throws {
        let db = try openDynamic { context throws in
            let accounts = context.table(Account.self)
            try accounts.insert(Account(id: 1, owner: 1, slot: 0, balance: 1))
            do {
                try accounts.insert(Account(id: 1, owner: 2, slot: 0, balance: 2))
                Issue.record("the second insert must fail")
            } catch let error as DatabaseError { #expect(error.code == .uniqueViolation) }
            try accounts.insert(Account(id: 2, owner: 2, slot: 0, balance: 2))
        }
        try db.call("run", arguments: [])
        #expect(try db.read { $0.table(Account.self).count } == 2)
    }

    @Test func sequenceValuesOfAFailedCallStayUsed() throws {
        let db = try openDynamic { context throws in
            try context.table(Message.self).insert(
                Message(id: 0, sender: context.sender, room: "r", sent: context.timestamp, text: "t"))
            if context.table(Message.self).rows.first?.id == 1 { throw SenderError("undo") }
        }
        #expect(throws: SenderError("undo")) { try db.call("run", arguments: []) }
        try db.call("run", arguments: [])
        #expect(try db.read { $0.table(Message.self).rows.map(\.id) } == [2])
    }

    @Test func bytesCallTheSameReducer() throws {
        let db = try openChat()
        try db.call("send", arguments: "lobby".bsatn() + "hello".bsatn())
        #expect(try db.read { $0.message.rows.map(\.text) } == ["hello"])
    }

    @Test(arguments: [[], [1, 2, 3], "lobby".bsatn(), "lobby".bsatn() + "x".bsatn() + [0]])
    func argumentsThatDoNotFitAreRefused(bytes: [UInt8]) throws {
        let db = try openChat()
        let error = #expect(throws: DatabaseError.self) { try db.call("send", arguments: bytes) }
        #expect(error?.code == .badArguments)
        #expect(try db.read { $0.message.isEmpty })
    }

    @Test func aReducerThatTheModuleDoesNotListCannotBeCalled() throws {
        let db = try openChat()
        let stranger = Reducer<Chat>("stranger") { context in Issue.record("must not run") }
        #expect(throws: DatabaseError.self) { try db.call(stranger) }
        #expect(throws: DatabaseError.self) { try db.call("stranger", arguments: []) }
    }

    @Test func aCallFromInsideAReducerIsAnErrorAndNoDeadlock() throws {
        nonisolated(unsafe) var inner: Database<DynamicModule>?
        let db = try openDynamic { context in try inner?.call("run", arguments: []) }
        inner = db
        defer { inner = nil }
        let error = #expect(throws: DatabaseError.self) { try db.call("run", arguments: []) }
        #expect(error?.code == .nestedTransaction)
        // The lock was released.
        #expect(try db.read { $0.table(Account.self).count } == 0)
    }

    @Test func aReadFromInsideAReadIsAnError() throws {
        let db = try openChat()
        let error = #expect(throws: DatabaseError.self) { try db.read { _ in try db.read { $0.message.count } } }
        #expect(error?.code == .nestedTransaction)
    }

    @Test func callsOfSeveralThreadsTakeTurns() async throws {
        let db = try openChat()
        try await db.call(Chat.open, 1, 1000)
        try await db.call(Chat.open, 2, 0)
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<100 { try await db.call(Chat.transfer, 1, 2, 1) } }
            }
            try await group.waitForAll()
        }
        #expect(try await db.read { $0.account.id.find(1)?.balance } == 200)
        #expect(try await db.read { $0.account.id.find(2)?.balance } == 800)
    }
}

/// Handles that outlive their transaction, and even their database.
@Suite struct StaleHandleTests {
    /// Carries what the compiler would not let out.
    private final class Keep: @unchecked Sendable {
        var tables: Chat.TableHandles?
    }

    @Test func aHandleOfADroppedDatabaseIsRefusedEvenWhenItsMemoryServesAnother() throws {
        let keep = Keep()
        do {
            let gone = try openChat()
            try gone.read { keep.tables = $0 }
        }
        let stale = try #require(keep.tables)
        let others = try (0..<3).map { _ in try openChat() }
        for db in others {
            for id in 1...5 as ClosedRange<UInt64> { try db.call(Chat.open, id, 1) }
            try db.read { _ in
                let error = #expect(throws: DatabaseError.self) {
                    try stale.account.insert(Account(id: 9, owner: 9, slot: 9, balance: 9))
                }
                #expect(error?.code == .transactionEnded)
                #expect(!stale._spacetimeTransaction.isCurrent)
            }
            #expect(try db.read { $0.account.count } == 5)
        }
    }

    @Test func callsOfOwnerAndClientsKeepTheirCallers() throws {
        let seen = Senders()
        let module = Module("test") {
            Table(Account.self)
            Reducer("run") { (context: borrowing ReducerContext) in seen.senders.append(context.sender) }
        }
        let db = try Database.open(.inMemory, module: module)
        let alice = try db.connect(as: "alice")
        try db.call("run", arguments: [])
        try alice.call("run", arguments: [])
        try db.read { _ in }
        try db.call("run", arguments: [])
        #expect(seen.senders == [db.owner, alice.identity, db.owner])
    }

    @Test func typedCallsKeepTheirCallers() throws {
        let db = try openChat()
        let alice = try db.connect(as: "alice")
        try db.call(Chat.send, "a", "1")
        try alice.call(Chat.send, "a", "2")
        try db.call(Chat.send, "a", "3")
        try db.read { _ in }
        try db.call(Chat.send, "a", "4")
        try alice.call(Chat.send, "a", "5")
        let senders = try db.read { db in db.message.rows.select { ($0.id, $0.sender) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        #expect(senders == [db.owner, alice.identity, db.owner, db.owner, alice.identity])
    }

    private final class Senders: @unchecked Sendable {
        var senders: [Identity] = []
    }
}
