import SpacetimeKit
import Synchronization
import Testing

/// Reads a subscription to its end, and says how it ended.
private func ending<Row>(of subscription: Subscription<Row>) async -> (changes: Int, code: DatabaseError.Code?) {
    var changes = 0
    do {
        for try await _ in subscription { changes += 1 }
        return (changes, nil)
    } catch {
        return (changes, (error as? DatabaseError)?.code)
    }
}

private final class Ends: Sendable {
    private let list = Mutex<[DatabaseError.Code?]>([])
    var all: [DatabaseError.Code?] { list.withLock { $0 } }
    func note(_ error: DatabaseError?) { list.withLock { $0.append(error?.code) } }
}

@Suite(.timeLimit(.minutes(10))) struct SubscriptionEndTests {
    @Test func closingEndsWaitingLoopsAfterWhatTheyHaveToRead() async throws {
        let db = try openChat()
        let (seen, ends) = (try await db.subscribe(Message.all), Ends())
        let observer = try await db.subscribe(Message.all, onChange: { _ in }, onEnd: { ends.note($0) })
        let waiting = Task { await ending(of: seen) }
        try await db.call(Chat.send, "lobby", "one")
        try await db.close()
        let end = await waiting.value
        #expect(end.changes == 2 && end.code == .closed)
        #expect(ends.all == [.closed] && !observer.isActive && !seen.isActive)
        // Said once; the sequence is over then.
        #expect(await ending(of: seen).code == nil)
        let error = await #expect(throws: DatabaseError.self) { _ = try await db.subscribe(Message.all) }
        #expect(error?.code == .closed)
    }

    @Test func aDatabaseThatNobodyKeepsEndsItsSubscriptions() async throws {
        var db: Database<Chat>? = try openChat()
        let seen = try await db?.subscribe(Message.all)
        db = nil
        let end = await ending(of: try #require(seen))
        #expect(end.changes == 1 && end.code == .closed)
    }

    @Test func afterClosingCallsSayWhy() throws {
        let db = try openChat()
        try db.close()
        for error in [
            #expect(throws: DatabaseError.self) { try db.call(Chat.send, "lobby", "one") },
            #expect(throws: DatabaseError.self) { try db.call("send", arguments: []) },
            #expect(throws: DatabaseError.self) { _ = try db.connect(as: "alice") },
        ] {
            #expect(error?.code == .closed)
            #expect(error?.message.contains("closed") == true)
        }
        #expect(try db.read { $0.message.count } == 0)
    }

    @Test func anObserverThatFallsBehindIsToldAndForgotten() throws {
        let db = try openChat()
        let ends = Ends()
        let seen = Atomic(0)
        // While the first closure runs, what it commits waits for the others.
        try db.subscribe(
            Ping.all,
            onChange: { [weak db] change in
                guard change.inserted.map(\.text) == ["go"], let db else { return }
                for number in 0..<20 { _ = try? db.call(Chat.ping, "\(number)") }
            })
        let observer = try db.subscribe(
            Ping.all, bufferLimit: 5, onChange: { _ in seen.wrappingAdd(1, ordering: .relaxed) },
            onEnd: { ends.note($0) })
        try db.call(Chat.ping, "go")
        #expect(ends.all == [.subscriptionOverflow])
        // The rows at first, and the five that had a place, of which "go" was one.
        #expect(seen.load(ordering: .relaxed) == 6)
        #expect(!observer.isActive)
        try db.call(Chat.ping, "later")
        #expect(seen.load(ordering: .relaxed) == 6)
    }

    @Test func aConnectionForgetsSubscriptionsThatHaveEnded() throws {
        let db = try openChat()
        let alice = try db.connect(as: "alice")
        let kept = try alice.subscribe(Message.all)
        for _ in 0..<10_000 {
            try alice.subscribe(Message.all).cancel()
            try alice.subscribe(Message.all, onChange: { _ in }).cancel()
            _ = try alice.subscribe(Ping.all)
        }
        #expect(alice.keptSubscriptionCount <= 32)
        #expect(kept.isActive)
        try alice.disconnect()
        #expect(!kept.isActive)
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func cancellingTwiceLeavesAnEqualQueryAlone() throws {
        let db = try openChat()
        let first = try db.subscribe(Message.all)
        first.cancel()
        let second = try db.subscribe(Message.all)
        first.cancel()
        try db.call(Chat.send, "lobby", "one")
        #expect(second.nextAvailable()?.isInitial == true)
        #expect(second.nextAvailable()?.inserted.count == 1)
        second.cancel()
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func cancellingInsideAReducerTakesEffectWithItsCommit() throws {
        nonisolated(unsafe) var seen: Subscription<Message>?
        let db = try openDynamic { context in
            seen?.cancel()
            try context.table(Message.self).insert(
                Message(id: 0, sender: context.sender, room: "", sent: context.timestamp, text: "x"))
        }
        seen = try db.subscribe(Message.all)
        try db.call("run", arguments: [])
        #expect(seen?.nextAvailable() == nil)
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func disconnectingInsideAReducerIsRefusedAndTheConnectionStaysOpen() throws {
        nonisolated(unsafe) var connection: Connection<DynamicModule>?
        let db = try openDynamic { _ in try connection?.disconnect() }
        let alice = try db.connect(as: "alice")
        let seen = try alice.subscribe(Message.all)
        connection = alice
        let error = #expect(throws: DatabaseError.self) { try db.call("run", arguments: []) }
        connection = nil
        #expect(error?.code == .nestedTransaction)
        #expect(alice.isOpen && seen.isActive)
        try alice.disconnect()
        #expect(!alice.isOpen && !seen.isActive)
    }
}
