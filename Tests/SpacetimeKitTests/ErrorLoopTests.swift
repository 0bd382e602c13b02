import SpacetimeKit
import Testing

/// Loops that go on after some errors: that they compile at all is the point. Swift 6.3 crashes over a `catch` with a
/// condition in a loop, inside a function of untyped `throws`, if what is caught is thrown with its type stated.
@Suite struct ErrorLoopTests {
    private static let accounts = (1...6).map { Account(id: UInt64($0 % 4), owner: UInt32($0), slot: 0, balance: 1) }

    @Test func duplicatesAreSkippedInALoop() throws {
        try inReducer { context throws in
            let accounts = context.table(Account.self)
            var skipped: [UInt32] = []
            for account in Self.accounts {
                do {
                    try accounts.insert(account)
                } catch let error as DatabaseError where error.code == .uniqueViolation {
                    skipped.append(account.owner)
                    continue
                }
            }
            #expect(skipped == [5, 6])
            #expect(accounts.count == 4)
        }
    }

    @Test func missingRowsAreSkippedInALoop() throws {
        try inReducer { context throws in
            let accounts = context.table(Account.self)
            try accounts.insert(Self.accounts[0])
            var missing = 0
            for id in 1...3 as ClosedRange<UInt64> {
                do {
                    try accounts.update(Account(id: id, owner: 1, slot: 0, balance: 9))
                    try accounts.id.update(Account(id: id, owner: 1, slot: 0, balance: 9))
                    try accounts.bySlot.update(Account(id: id, owner: 1, slot: 0, balance: 9))
                    try accounts.upsert(Account(id: id, owner: 1, slot: 0, balance: 9))
                } catch let error as DatabaseError where error.code == .noSuchRow {
                    missing += 1
                }
            }
            #expect(missing == 2)
        }
    }

    @Test func writesInAReadAreToldApartInALoop() throws {
        let db = try openChat()
        try db.read { db in
            var refused = 0
            for text in ["a", "b"] {
                do {
                    try db.ping.insert(Ping(text: text))
                    try db.ping.insert(contentsOf: [Ping(text: text)])
                    try db.ping.delete(Ping(text: text))
                    try db.account.id.delete(1)
                    try db.account.bySlot.delete(1, 2)
                    try db.message.room.delete("lobby")
                    try db.message.byRoomSent.delete("lobby")
                    try db.ping.clear()
                } catch let error as DatabaseError where error.code == .readOnly {
                    refused += 1
                }
            }
            #expect(refused == 2)
        }
    }

    @Test func callsAndConnectionsAreTriedAgainInALoop() async throws {
        let db = try openChat()
        let client = try await db.connect(as: "alice")
        try await client.disconnect()
        var closed = 0
        for _ in 1...2 {
            do {
                _ = try await client.subscribe(Message.all)
            } catch let error as DatabaseError where error.code == .disconnected {
                closed += 1
            }
            do {
                _ = try await client.subscribe(Message.all) { _ in }
            } catch let error as DatabaseError where error.code == .disconnected {
                closed += 1
            }
            do {
                try await client.call(Chat.nothing)
            } catch let error as DatabaseError where error.code == .disconnected {
                closed += 1
            }
            do {
                _ = try await db.snapshot()
                _ = try db.lastOffset()
                try await db.flush()
                _ = try await db.takeSnapshot()
            } catch let error as DatabaseError where error.code == .notPossible {
                closed += 1
            }
        }
        #expect(closed == 8)
    }

    @Test func anOverflownSubscriptionIsBegunAgainInALoop() async throws {
        let db = try openChat()
        var overflows = 0
        while overflows < 2 {
            let changes = try await db.subscribe(Ping.all, bufferLimit: 1)
            for text in ["a", "b", "c"] { try await db.call(Chat.ping, text) }
            do {
                for try await _ in changes {}
            } catch let error as DatabaseError where error.code == .subscriptionOverflow {
                overflows += 1
            }
        }
        #expect(overflows == 2)
    }
}
