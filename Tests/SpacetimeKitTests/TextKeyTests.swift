import SpacetimeKit
import Testing

/// Text is a key by its bytes, whatever Swift calls equal.
@Suite struct TextKeyTests {
    private static let composed = "caf\u{e9}"
    private static let decomposed = "cafe\u{301}"

    @Test func equalTextsOfDifferentBytesAreTwoKeys() throws {
        #expect(Self.composed == Self.decomposed)
        let module = Module("text") {
            Table(Tally.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let tallies = context.table(Tally.self)
                try tallies.insert(Tally(name: Self.composed, count: 1))
                #expect(tallies.name.find(Self.decomposed) == nil)
                try tallies.insert(Tally(name: Self.decomposed, count: 2))
                #expect(tallies.name.find(Self.composed)?.count == 1)
                #expect(tallies.name.find(Self.decomposed)?.count == 2)
                #expect(tallies.where { $0.name == Self.decomposed }.map(\.count) == [2])
                #expect(try tallies.insert(Tally(name: Self.composed, count: 3), onConflict: .ignore).isUnchanged)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("run", arguments: [])
        // What was stored comes out as it was.
        let stored = try db.read { Set($0.table(Tally.self).rows.map { Array($0.name.utf8) }) }
        #expect(stored == [Array(Self.composed.utf8), Array(Self.decomposed.utf8)])
    }

    @Test func rangesOfTextGoByBytes() throws {
        try inReducer { context throws in
            let messages = context.table(Message.self)
            for room in ["Zoo", "ape", "\u{e9}t\u{e9}", "e\u{301}te\u{301}", "zoo"] {
                try messages.insert(
                    Message(id: 0, sender: context.sender, room: room, sent: context.timestamp, text: ""))
            }
            let inOrder = messages.room.filter(""...).map { Array($0.room.utf8) }
            #expect(
                inOrder == ["Zoo", "ape", "e\u{301}te\u{301}", "zoo", "\u{e9}t\u{e9}"].map { Array($0.utf8) })
        }
    }
}
