import SpacetimeKit
import Synchronization
import Testing

/// Changes as one line each, in the order in which they arrived.
private final class Log: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    func note(_ line: String) { lines.withLock { $0.append(line) } }

    func note(_ change: Change<Message>) { note(describe(change)) }
}

private func describe(_ change: Change<Message>) -> String {
    func texts(_ rows: [Message]) -> String { rows.map(\.text).sorted().joined(separator: ",") }
    let updates = change.updated.map { "\($0.old.text)>\($0.new.text)" }.sorted().joined(separator: ",")
    return "\(change.isInitial ? "initial" : "change") +\(texts(change.inserted)) -\(texts(change.deleted)) ~\(updates)"
}

@Suite struct SubscriptionTests {
    @Test func theFirstElementHoldsTheRowsAsTheyAre() throws {
        let db = try openChat()
        try db.call(Chat.send, "lobby", "one")
        try db.call(Chat.send, "attic", "two")
        let all = try db.subscribe(Message.all)
        let lobby = try db.subscribe(Message.where { $0.room == "lobby" })
        #expect(all.nextAvailable().map(describe) == "initial +one,two - ~")
        #expect(lobby.nextAvailable().map(describe) == "initial +one - ~")
        #expect(all.nextAvailable() == nil)
    }

    @Test func eachCommitThatTouchesTheQueryIsOneChange() throws {
        let db = try openChat()
        let seen = try db.subscribe(Message.where { $0.room == "lobby" })
        try db.call(Chat.send, "lobby", "one")
        try db.call(Chat.send, "attic", "two")
        try db.call(Chat.send, "lobby", "three")
        #expect(throws: SenderError.self) { try db.call(Chat.send, "lobby", "") }
        var lines: [String] = []
        var offsets: [UInt64] = []
        while let change = seen.nextAvailable() {
            lines.append(describe(change))
            offsets.append(change.offset.rawValue)
        }
        #expect(lines == ["initial + - ~", "change +one - ~", "change +three - ~"])
        #expect(offsets == [0, 1, 3])
    }

    @Test func rowsWithTheSameKeyArePairedAsUpdates() throws {
        let db = try openChat()
        try db.call(Chat.send, "lobby", "one")
        let seen = try db.subscribe(Message.all)
        try db.call(Chat.edit, 1, "uno")
        _ = seen.nextAvailable()
        #expect(seen.nextAvailable().map(describe) == "change + - ~one>uno")
    }

    @Test func aRowThatMovesInOrOutOfTheQueryIsInsertedOrDeleted() throws {
        let db = try openChat()
        try db.call(Chat.send, "lobby", "x")
        let seen = try db.subscribe(Message.where { $0.text == "x" })
        try db.call(Chat.edit, 1, "y")
        try db.call(Chat.edit, 1, "x")
        _ = seen.nextAvailable()
        #expect(seen.nextAvailable().map(describe) == "change + -x ~")
        #expect(seen.nextAvailable().map(describe) == "change +x - ~")
    }

    @Test func changesThatCancelOutAreNotSent() throws {
        let db = try openDynamic { context throws in
            let accounts = context.table(Account.self)
            try accounts.insert(Account(id: 1, owner: 1, slot: 1, balance: 1))
            try accounts.id.delete(1)
        }
        let seen = try db.subscribe(Account.all)
        _ = seen.nextAvailable()
        try db.call("run", arguments: [])
        #expect(seen.nextAvailable() == nil)
    }

    @Test func severalWritesOfOneRowAreOneUpdate() throws {
        let module = Module("several") {
            Table(Account.self)
            Reducer("create", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                try context.table(Account.self).insert(Account(id: 1, owner: 1, slot: 1, balance: 1))
            }
            Reducer("run") { (context: borrowing ReducerContext) in
                let accounts = context.table(Account.self)
                for balance in [5, 6, 7] as [Int64] {
                    try accounts.update(Account(id: 1, owner: 1, slot: 1, balance: balance))
                }
                try accounts.insert(Account(id: 2, owner: 2, slot: 2, balance: 2))
            }
        }
        let db = try Database.open(.inMemory, module: module)
        let seen = try db.subscribe(Account.all)
        _ = seen.nextAvailable()
        try db.call("run", arguments: [])
        let change = try #require(seen.nextAvailable())
        #expect(change.updated.map(\.old.balance) == [1] && change.updated.map(\.new.balance) == [7])
        #expect(change.inserted.map(\.id) == [2])
        #expect(change.deleted.isEmpty)
    }

    @Test func eventRowsArriveAndAreNotKept() throws {
        let db = try openChat()
        try db.call(Chat.ping, "before")
        let seen = try db.subscribe(Ping.all)
        #expect(seen.nextAvailable()?.inserted == [])
        try db.call(Chat.ping, "one")
        let change = seen.nextAvailable()
        #expect(change?.inserted == [Ping(text: "one")])
        #expect(change?.deleted == [])
        #expect(try db.read { $0.ping.isEmpty })
    }

    @Test func aReaderThatFallsBehindGetsWhatWasBufferedAndThenANamedError() async throws {
        let db = try openChat()
        let seen = try await db.subscribe(Message.all, bufferLimit: 3)
        for text in ["one", "two", "three", "four"] { try await db.call(Chat.send, "lobby", text) }
        var iterator = seen.makeAsyncIterator()
        var lines: [String] = []
        let error = await #expect(throws: DatabaseError.self) {
            while let change = try await iterator.next() { lines.append(describe(change)) }
        }
        #expect(error?.code == .subscriptionOverflow)
        #expect(lines == ["initial + - ~", "change +one - ~", "change +two - ~"])
        #expect(try await iterator.next() == nil)
    }

    @Test func aLoopAwaitsChanges() async throws {
        let db = try openChat()
        let seen = try await db.subscribe(Message.all)
        let reader = Task {
            var texts: [String] = []
            for try await change in seen {
                texts += change.inserted.map(\.text)
                if texts.count == 20 { break }
            }
            return texts
        }
        for number in 0..<20 { try await db.call(Chat.send, "lobby", "\(number)") }
        #expect(try await reader.value == (0..<20).map { "\($0)" })
    }

    @Test func cancellingEndsTheSequence() async throws {
        let db = try openChat()
        let seen = try await db.subscribe(Message.all)
        let reader = Task {
            var count = 0
            for try await _ in seen { count += 1 }
            return count
        }
        seen.cancel()
        _ = try await reader.value
        try await db.call(Chat.send, "lobby", "late")
        #expect(seen.nextAvailable() == nil)
        let cancelled = Task {
            for try await _ in try await db.subscribe(Message.all) {}
        }
        cancelled.cancel()
        try await cancelled.value
    }

    @Test func callbacksAreCalledInCommitOrderWithoutTheLock() throws {
        let db = try openChat()
        let log = Log()
        try db.subscribe(Message.all) { change in
            log.note(change)
            // The lock is free, and what this changes is delivered after this closure returns.
            if change.inserted.map(\.text) == ["one"] {
                _ = try? db.call(Chat.send, "lobby", "answer")
                log.note("count \((try? db.read { $0.message.count }) ?? -1)")
            }
        }
        try db.call(Chat.send, "lobby", "one")
        try db.call(Chat.send, "lobby", "two")
        #expect(
            log.all == [
                "initial + - ~", "change +one - ~", "count 2", "change +answer - ~", "change +two - ~",
            ])
    }

    @Test func callbacksOfManyThreadsKeepTheOrderOfCommits() async throws {
        let db = try openChat()
        let offsets = Mutex<[UInt64]>([])
        try await db.subscribe(Message.all) { change in offsets.withLock { $0.append(change.offset.rawValue) } }
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 { group.addTask { for _ in 0..<100 { try await db.call(Chat.send, "lobby", "x") } } }
            try await group.waitForAll()
        }
        // Another thread may still be delivering; a subscription of this one comes after all that.
        #expect(offsets.withLock { $0 } == Array(0...400))
    }

    @Test func aCancelledObservationHearsNothingMore() throws {
        let db = try openChat()
        let log = Log()
        let observation = try db.subscribe(Message.all) { log.note($0) }
        observation.cancel()
        observation.cancel()
        try db.call(Chat.send, "lobby", "one")
        #expect(log.all == ["initial + - ~"])
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func equalQueriesAreOne() throws {
        let db = try openChat()
        let first = try db.subscribe(Message.where { $0.room == "lobby" })
        let second = try db.subscribe(Message.where { $0.room == "lobby" })
        let other = try db.subscribe(Message.where { $0.room == "attic" })
        #expect(try db.core.sessions.queryCount() == 2)
        first.cancel()
        #expect(try db.core.sessions.queryCount() == 2)
        second.cancel()
        other.cancel()
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func aDroppedSubscriptionIsForgottenAtTheNextCommit() throws {
        let db = try openChat()
        _ = try db.subscribe(Message.all)
        try db.call(Chat.send, "lobby", "one")
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func disconnectingEndsTheSubscriptionsOfTheConnection() async throws {
        let db = try openChat()
        let alice = try await db.connect(as: "alice")
        let seen = try await alice.subscribe(Message.all)
        try await alice.disconnect()
        var iterator = seen.makeAsyncIterator()
        #expect(try await iterator.next() == nil)
        await #expect(throws: DatabaseError.self) { try await alice.subscribe(Message.all) }
    }

    @Test func subscribingInsideAReducerIsAnError() throws {
        nonisolated(unsafe) var inner: Database<DynamicModule>?
        let db = try openDynamic { _ in _ = try inner?.subscribe(Account.all) }
        inner = db
        defer { inner = nil }
        let error = #expect(throws: DatabaseError.self) { try db.call("run", arguments: []) }
        #expect(error?.code == .nestedTransaction)
    }

    @Test func aTableOutsideTheModuleCannotBeWatched() throws {
        let db = try Database.open(.inMemory, module: Module("small") { Table(Account.self) })
        let error = #expect(throws: DatabaseError.self) { try db.subscribe(Message.all) }
        #expect(error?.code == .noSuchTable)
    }
}

@Suite struct SnapshotTests {
    @Test func aSnapshotKeepsShowingItsMoment() throws {
        let db = try openChat()
        for id in 1...100 { try db.call(Chat.open, UInt64(id), 10) }
        let snapshot = try db.snapshot()
        for id in 1...50 { try db.call(Chat.transfer, UInt64(id), UInt64(id + 50), 5) }
        try db.call(Chat.open, 101, 10)
        #expect(try snapshot.count(of: Account.self) == 100)
        #expect(try snapshot.rows(Account.all).allSatisfy { $0.balance == 10 })
        #expect(try snapshot.rows(Account.where { $0.id <= 7 }).count == 7)
        #expect(try db.snapshot().rows(Account.where { $0.balance == 10 }).map(\.id) == [101])
    }
}
