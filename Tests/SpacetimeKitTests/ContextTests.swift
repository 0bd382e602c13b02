import SpacetimeKit
import Testing

@Suite struct ContextTests {
    @Test func theTimeStandsStillDuringACall() throws {
        let clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000))
        let module = Module("time") {
            Table(Account.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let first = context.timestamp
                clock.advance(by: .seconds(1))
                #expect(context.timestamp == first)
                try context.table(Account.self).insert(
                    Account(id: 1, owner: 0, slot: 0, balance: first.microsecondsSinceUnixEpoch))
            }
        }
        var options = DatabaseOptions()
        options.clock = clock
        let db = try Database.open(.inMemory, module: module, options: options)
        clock.advance(by: .microseconds(5))
        try db.call("run", arguments: [])
        #expect(try db.read { $0.table(Account.self).first?.balance } == 1_005)
    }

    @Test func randomNumbersRepeatWithTheSameHistoryAndDifferOtherwise() throws {
        func draws() throws -> [Int64] {
            let db = try openDynamic { context throws in
                let accounts = context.table(Account.self)
                let id = UInt64(accounts.count + 1)
                try accounts.insert(
                    Account(
                        id: id, owner: 0, slot: UInt32(id),
                        balance: .random(in: 0...(.max), using: &context.random)))
            }
            for _ in 0..<3 { try db.call("run", arguments: []) }
            return try db.read { $0.table(Account.self).rows.sorted { $0.id < $1.id }.map(\.balance) }
        }
        let first = try draws()
        #expect(try draws() == first)
        #expect(Set(first).count == 3)
    }

    @Test func copiesOfTheGeneratorShareOneSequence() throws {
        try inReducer { context throws in
            var copy = context.random
            let numbers = [copy.next(), UInt64.random(in: 0...(.max), using: &context.random), copy.next()]
            #expect(Set(numbers).count == 3)
            #expect((1...6).contains(Int.random(in: 1...6, using: &context.random)))
        }
    }

    @Test func theContextKnowsTheCaller() throws {
        let db = try openDynamic { context throws in
            #expect(context.connectionID == nil)
            #expect(context.sender == Identity(issuer: "localhost", subject: "owner"))
            #expect(context.identity != context.sender)
        }
        try db.call("run", arguments: [])
        let module = Module("who") {
            Table(Account.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                #expect(context.connectionID != nil)
                #expect(context.sender == Identity(issuer: "localhost", subject: "alice"))
            }
        }
        let alice = try Database.open(.inMemory, module: module).connect(as: "alice")
        try alice.call("run", arguments: [])
    }

    @Test func uuidsAreDistinctAndVersionSevenSorts() throws {
        try inReducer { context throws in
            let random = (0..<100).map { _ in context.newUUIDv4() }
            #expect(Set(random).count == 100)
            #expect(random.allSatisfy { $0.number >> 76 & 0xF == 4 && $0.number >> 62 & 3 == 2 })
            let ordered = (0..<100).map { _ in context.newUUIDv7() }
            #expect(ordered == ordered.sorted() && Set(ordered).count == 100)
            #expect(ordered.allSatisfy { $0.number >> 76 & 0xF == 7 && $0.number >> 62 & 3 == 2 })
            let milliseconds = UInt128(context.timestamp.microsecondsSinceUnixEpoch / 1000)
            #expect(ordered.allSatisfy { $0.number >> 80 == milliseconds })
        }
    }

    @Test func aSavepointUndoesItsPartOnly() throws {
        let db = try openDynamic { context throws in
            let accounts = context.table(Account.self)
            try accounts.insert(Account(id: 1, owner: 1, slot: 1, balance: 1))
            do {
                try context.savepoint {
                    try accounts.insert(Account(id: 2, owner: 2, slot: 2, balance: 2))
                    try accounts.id.update(Account(id: 1, owner: 1, slot: 1, balance: 100))
                    try context.savepoint { try accounts.id.delete(1) }
                    throw SenderError("undo")
                }
            } catch is SenderError {}
            let kept = try context.savepoint {
                try accounts.insert(Account(id: 3, owner: 3, slot: 3, balance: 3))
            }
            #expect(kept.id == 3)
        }
        try db.call("run", arguments: [])
        let rows = try db.read { $0.table(Account.self).rows.sorted { $0.id < $1.id } }
        #expect(rows.map(\.id) == [1, 3])
        #expect(rows.map(\.balance) == [1, 3])
    }
}

@Suite struct MisuseTests {
    @Test func aHandleKeptBeyondItsCallCannotWrite() throws {
        let db = try openChat()
        let handle = try db.read { $0.message }
        let error = #expect(throws: DatabaseError.self) { try handle.clear() }
        #expect(error?.code == .transactionEnded)
    }

    @Test func aReadCannotWrite() throws {
        let db = try openChat()
        let error = #expect(throws: DatabaseError.self) {
            try db.read { try $0.account.insert(Account(id: 1, owner: 1, slot: 1, balance: 1)) }
        }
        #expect(error?.code == .readOnly)
        #expect(try db.read { $0.account.isEmpty })
    }

    @Test func aHandleKeptBeyondItsCallStopsTheProgramWhenItReads() async {
        await #expect(processExitsWith: .failure) {
            let db = try openChat()
            let handle = try await db.read { $0.message }
            _ = handle.id.find(1)
        }
    }

    @Test func rowsKeptBeyondTheirCallStopTheProgram() async {
        await #expect(processExitsWith: .failure) {
            let db = try openChat()
            try await db.call(Chat.open, 1, 1)
            var iterator = try await db.read { $0.account.rows.makeIterator() }
            try await db.call(Chat.open, 2, 1)
            _ = iterator.next()
        }
    }
}
