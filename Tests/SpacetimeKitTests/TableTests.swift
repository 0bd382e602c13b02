import SpacetimeKit
import Testing

@Suite struct TableTests {
    private static func fill(_ context: borrowing ReducerContext, count: UInt64 = 10) throws {
        for id in 1...count {
            try context.table(Account.self).insert(
                Account(id: id, owner: UInt32(id % 3), slot: UInt32(id), balance: Int64(id) * 10))
        }
    }

    @Test func insertReturnsTheRowWithItsNumber() throws {
        try inReducer { context throws in
            let message = Message(id: 0, sender: context.sender, room: "a", sent: context.timestamp, text: "x")
            #expect(try context.table(Message.self).insert(message).id == 1)
            #expect(try context.table(Message.self).insert(message).id == 2)
            #expect(context.table(Message.self).id.find(2)?.text == "x")
        }
    }

    @Test func anEqualRowIsInsertedOnce() throws {
        try inReducer { context throws in
            let account = Account(id: 1, owner: 1, slot: 1, balance: 5)
            try context.table(Account.self).insert(account)
            try context.table(Account.self).insert(account)
            #expect(context.table(Account.self).count == 1)
        }
    }

    @Test func uniqueIndexesFindUpdateAndDelete() throws {
        try inReducer { context throws in
            try Self.fill(context)
            let accounts = context.table(Account.self)
            #expect(accounts.id.find(3)?.balance == 30)
            #expect(accounts.id.find(11) == nil)
            #expect(accounts.id.contains(10) && !accounts.id.contains(0))
            try accounts.id.update(Account(id: 3, owner: 0, slot: 3, balance: -1))
            #expect(accounts.id.find(3)?.balance == -1)
            #expect(try accounts.id.delete(3))
            #expect(try !accounts.id.delete(3))
            #expect(accounts.count == 9)
            let error = #expect(throws: DatabaseError.self) {
                try accounts.update(Account(id: 3, owner: 0, slot: 3, balance: 0))
            }
            #expect(error?.code == .noSuchRow)
        }
    }

    @Test func upsertInsertsOrReplaces() throws {
        try inReducer { context throws in
            let accounts = context.table(Account.self)
            try accounts.upsert(Account(id: 1, owner: 1, slot: 1, balance: 5))
            try accounts.id.upsert(Account(id: 1, owner: 1, slot: 1, balance: 6))
            #expect(Array(accounts.rows) == [Account(id: 1, owner: 1, slot: 1, balance: 6)])
        }
    }

    @Test func upsertOfANewRowNumbersIt() throws {
        try inReducer { context throws in
            let message = Message(id: 0, sender: context.sender, room: "a", sent: context.timestamp, text: "x")
            #expect(try context.table(Message.self).upsert(message).id == 1)
        }
    }

    @Test func uniqueCompositeIndexesFindUpdateAndDelete() throws {
        try inReducer { context throws in
            try Self.fill(context)
            let accounts = context.table(Account.self)
            #expect(accounts.bySlot.find(1, 4)?.id == 4)
            #expect(accounts.bySlot.contains(2, 5) && !accounts.bySlot.contains(2, 4))
            #expect(accounts.bySlot.filter(1).map(\.id) == [1, 4, 7, 10])
            #expect(accounts.bySlot.filter(1, 2...7).map(\.id) == [4, 7])
            try accounts.bySlot.update(Account(id: 44, owner: 1, slot: 4, balance: 1))
            #expect(accounts.id.find(44) != nil && accounts.id.find(4) == nil)
            #expect(try accounts.bySlot.delete(1, 4))
        }
    }

    @Test func rangesOfEveryKindFilter() throws {
        try inReducer { context throws in
            let messages = context.table(Message.self)
            for time in 1...5 {
                try messages.insert(
                    Message(
                        id: 0, sender: context.sender, room: time < 4 ? "a" : "b",
                        sent: Timestamp(microsecondsSinceUnixEpoch: Int64(time)), text: "\(time)"))
            }
            func at(_ time: Int64) -> Timestamp { Timestamp(microsecondsSinceUnixEpoch: time) }
            #expect(messages.room.filter("a").map(\.text).sorted() == ["1", "2", "3"])
            #expect(messages.room.filter("b"...).map(\.text).sorted() == ["4", "5"])
            #expect(messages.room.filter(..<"b").map(\.text).sorted() == ["1", "2", "3"])
            #expect(messages.room.filter("a"..."b").count == 5)
            #expect(messages.byRoomSent.filter("a", at(2)...).map(\.text) == ["2", "3"])
            #expect(messages.byRoomSent.filter("a", at(1)..<at(3)).map(\.text) == ["1", "2"])
            #expect(messages.byRoomSent.filter("a", ...at(1)).map(\.text) == ["1"])
            #expect(messages.byRoomSent.filter("a", ..<at(1)).map(\.text) == [])
            #expect(messages.byRoomSent.filter("b", at(5)).map(\.text) == ["5"])
            #expect(messages.byRoomSent.filter("b").map(\.text) == ["4", "5"])
            #expect(messages.byRoomSent.count("a", at(2)...at(9)) == 2)
            #expect(try messages.room.delete("b") == 2)
            #expect(try messages.byRoomSent.delete("a", at(2)...) == 2)
            #expect(messages.rows.map(\.text) == ["1"])
        }
    }

    @Test func aRangeOverAHashIndexStillFindsItsRows() throws {
        try inReducer { context throws in
            try Self.fill(context)
            let accounts = context.table(Account.self)
            #expect(accounts.id.filter(3..<6).map(\.id).sorted() == [3, 4, 5])
            #expect(accounts.id.filter(9...).map(\.id).sorted() == [9, 10])
            #expect(accounts.id.count(...2) == 2)
            #expect(try accounts.id.delete(8...) == 3)
            #expect(accounts.count == 7)
        }
    }

    @Test func conditionsCombine() throws {
        try inReducer { context throws in
            try Self.fill(context)
            let accounts = context.table(Account.self)
            func ids(_ condition: (Account.Columns) -> Condition<Account>) -> [UInt64] {
                accounts.where(condition).map(\.id).sorted()
            }
            #expect(ids { $0.owner == 0 } == [3, 6, 9])
            #expect(ids { $0.owner != 0 && $0.balance >= 80 } == [8, 10])
            #expect(ids { $0.id < 2 || $0.id > 9 } == [1, 10])
            #expect(ids { !($0.balance <= 90) } == [10])
            #expect(ids { 9 <= $0.id } == [9, 10])
            #expect(accounts.count { $0.owner == 1 } == 4)
            #expect(accounts.count(where: { $0.balance > 1000 }) == 0)
            #expect(accounts.first { $0.id == 7 }?.slot == 7)
            #expect(accounts.first(where: { $0.id == 70 }) == nil)
        }
    }

    @Test func clearEmptiesATable() throws {
        try inReducer { context throws in
            try Self.fill(context)
            #expect(try context.table(Account.self).clear() == 10)
            #expect(context.table(Account.self).isEmpty)
            #expect(context.table(Account.self).first == nil)
        }
    }

    @Test func rowsAreDeletedByValue() throws {
        try inReducer { context throws in
            try Self.fill(context)
            #expect(try context.table(Account.self).delete(Account(id: 1, owner: 1, slot: 1, balance: 10)))
            #expect(try !context.table(Account.self).delete(Account(id: 2, owner: 2, slot: 2, balance: 0)))
            #expect(context.table(Account.self).count == 9)
        }
    }

    @Test func aLoopSeesTheRowsAsTheyWereWhenItBegan() throws {
        try inReducer { context throws in
            let accounts = context.table(Account.self)
            try Self.fill(context, count: 200)
            var seen = 0
            for account in accounts.rows {
                try accounts.id.delete(account.id)
                try accounts.insert(Account(id: account.id + 1000, owner: 9, slot: UInt32(account.id), balance: 0))
                seen += 1
            }
            #expect(seen == 200)
            #expect(accounts.count == 200)
            #expect(accounts.count { $0.id > 1000 } == 200)
        }
    }
}
