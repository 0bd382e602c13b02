import SpacetimeKit
import Testing

/// Every subscription tells what it costs, and a database what all of them do.
@Suite struct LiveQueryReportTests {
    private func room(_ name: String) -> Query<Message> { Message.where { $0.room == name } }

    @Test func aSubscriptionCountsTheRowsThatWereTestedForItAndThatItGot() throws {
        let db = try openChat()
        let lobby = try db.subscribe(room("lobby"))
        let other = try db.subscribe(room("lobby"))
        let hall = try db.subscribe(room("hall"))
        for _ in 0..<3 { try db.call(Chat.send, "lobby", "hello") }
        try db.call(Chat.send, "cellar", "nobody hears it")

        let cost = try lobby.cost()
        #expect(cost.rowsExamined == 3)
        #expect(cost.rowsProduced == 3)
        #expect(cost.subscriberCount == 2)
        #expect(cost.isFoundByLookUp)
        #expect(cost.scannedTables.isEmpty && cost.liveProblem == nil)
        #expect(cost.plan.contains("message"))
        var bytes: UInt64 = 0
        _ = lobby.nextAvailable()
        while let change = lobby.nextAvailable() { for row in change.inserted { bytes += UInt64(row.bsatn().count) } }
        #expect(cost.bytesProduced == bytes)
        // Rows of other rooms cost it nothing.
        #expect(try hall.cost().rowsExamined == 0)
        other.cancel()
        #expect(try lobby.cost().subscriberCount == 1)
    }

    @Test func aConditionThatNothingFindsIsTestedForEachChangedRow() throws {
        let db = try openChat()
        let long = try db.subscribe(Message.where { $0.text.hasPrefix("long") })
        for number in 0..<5 { try db.call(Chat.send, "room \(number)", number == 0 ? "long" : "short") }
        let cost = try long.cost()
        #expect(!cost.isFoundByLookUp)
        #expect(cost.rowsExamined == 5)
        #expect(cost.rowsProduced == 1)
        #expect(cost.scannedTables == ["message"])
        try db.call(Chat.edit, 2, "longer")
        // The old row and the new one.
        #expect(try long.cost().rowsExamined == 7)
    }

    @Test func theReportHasOneEntryForEachKindTheMostExpensiveFirst() throws {
        let db = try openChat()
        let rooms = try (0..<10).map { try db.subscribe(room("room \($0)")) }
        let again = try db.subscribe(room("room 0"))
        let all = try db.subscribe(Message.where { $0.text != "" })
        for number in 0..<10 { try db.call(Chat.send, "room \(number)", "hello") }
        for _ in 0..<3 { try db.call(Chat.edit, 1, "changed") }

        let kinds = try db.liveQueryReport().kinds
        #expect(kinds.map(\.tables) == [["message"], ["message"]])
        // Three edits, of which the second and the third change nothing.
        #expect(kinds.map(\.rowsExamined) == [12, 12])
        let byRoom = try #require(kinds.first { $0.isFoundByLookUp })
        #expect(byRoom.queryCount == 10)
        #expect(byRoom.subscriberCount == 11)
        #expect(byRoom.changeCount == 11)
        #expect(byRoom.rowsProduced == 12)
        let other = try #require(kinds.first { !$0.isFoundByLookUp })
        #expect(other.queryCount == 1 && other.subscriberCount == 1)
        #expect(try db.liveQueryReport().description.contains("10 queries of 11 subscribers"))
        for watch in rooms + [again, all] { watch.cancel() }
        #expect(try db.liveQueryReport().kinds.isEmpty)
    }

    @Test func rowsThatAJoinLooksAtAreCounted() throws {
        let db = try openChat()
        for id in 1...3 { try db.call(Chat.open, UInt64(id), 10) }
        let pairs = Message.all.join(Account.self) { $0.id == $1.id }
        let watch = try db.subscribe(pairs)
        for _ in 0..<3 { try db.call(Chat.send, "lobby", "hello") }
        #expect(try watch.cost().rowsProduced == 3)
        let kind = try #require(try db.liveQueryReport().kinds.first)
        #expect(kind.tables == ["message", "account"])
        #expect(kind.rowsExamined >= 6)
        #expect(kind.liveProblem == nil)
    }

    @Test func aSubscriptionThatHasEndedHasNoCost() throws {
        let db = try openChat()
        let watch = try db.subscribe(Message.all)
        let observer = try db.subscribe(Message.all, onChange: { _ in })
        #expect(try observer.cost().subscriberCount == 2)
        watch.cancel()
        observer.cancel()
        for cost in [watch.cost, observer.cost] {
            let error = #expect(throws: DatabaseError.self) { try cost() }
            #expect(error?.code == .closed)
        }
    }

    @Test func aStatementTellsRowsExaminedAndBytes() throws {
        let db = try openChat()
        for _ in 0..<4 { try db.call(Chat.send, "lobby", "hello") }
        let result = try db.sql("SELECT id FROM message WHERE text = 'hello'")
        #expect(result.rowsExamined == 4)
        #expect(result.byteCount == 32)
    }
}
