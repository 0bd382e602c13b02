import SpacetimeKit
import SpacetimeTesting
import TemplateDatabase
import Testing

@Suite struct ChatTests {
    @Test func everybodyReadsWhatIsSaid() throws {
        let test = try TestDatabase(Chat.self)
        let ada = try test.connect(as: "ada")
        let messages = try test.connect(as: "bob").subscribe(Message.all)
        try ada.call(Chat.send, "hello")
        #expect(messages.rows.map(\.text) == ["hello"])
        #expect(messages.rows.first?.sender == ada.identity)
    }

    @Test func aNameBelongsToOne() throws {
        let test = try TestDatabase(Chat.self)
        let ada = try test.connect(as: "ada")
        let bob = try test.connect(as: "bob")
        try ada.call(Chat.rename, "Ada")
        #expect(throws: SenderError.self) { try bob.call(Chat.rename, "Ada") }
        try bob.call(Chat.rename, "Bob")
    }

    @Test func whoLeavesIsShownAsGone() throws {
        let test = try TestDatabase(Chat.self)
        let online = try test.connect(as: "ada").subscribe(User.where { $0.isOnline })
        let bob = try test.connect(as: "bob")
        #expect(online.rows.count == 2)
        try bob.disconnect()
        #expect(online.rows.count == 1)
    }
}
