import ChatModule
import SpacetimeKit
import SpacetimeTesting
import Testing

/// The module's own unit tests: on the real engine, without disk, port or waiting.
struct ChatTests {
    let test: TestDatabase<Chat>

    init() throws { test = try TestDatabase(Chat.self) }

    @Test func subscribersSeeMessagesOfTheirRoomOnly() throws {
        let alice = try test.connect(as: "alice")
        let bob = try test.connect(as: "bob")
        let lobby = try bob.subscribe(Message.where { $0.room == "lobby" })
        try alice.call(Chat.open, "kitchen")
        try alice.call(Chat.send, "lobby", "hello")
        try alice.call(Chat.send, "kitchen", "not for the lobby")
        #expect(lobby.rows.map(\.text) == ["hello"])
        #expect(lobby.changes.count == 1)
    }

    @Test func messagesCarryAuthorAndTime() throws {
        let alice = try test.connect(as: "alice")
        try alice.call(Chat.rename, "Alice")
        test.clock.advance(by: .seconds(60))
        try alice.call(Chat.send, "lobby", "hello")
        let message = try #require(try test.rows(of: Message.self).first)
        #expect(message.author == "Alice")
        #expect(message.sender == alice.identity)
        #expect(message.sent == .testStart + TimeDuration(microseconds: 60_000_000))
    }

    @Test func rowsOfOtherModulesCanBeMade() throws {
        try test.call(Chat.open, "kitchen")
        let made = [
            Room(name: "kitchen", created: .testStart, messageCount: 0),
            Room(name: "lobby", created: .testStart, messageCount: 0),
        ]
        let rooms = try test.rows(of: Room.self).sorted { $0.name < $1.name }
        #expect(rooms.map { $0.bsatn() } == made.map { $0.bsatn() })
    }

    @Test(arguments: [("lobby", ""), ("nowhere", "hello"), ("lobby", String(repeating: "x", count: 16_001))])
    func refusedMessagesLeaveNoTrace(room: String, text: String) throws {
        let alice = try test.connect(as: "alice")
        #expect(throws: SenderError.self) { try alice.call(Chat.send, room, text) }
        #expect(try test.rows(of: Message.self).isEmpty)
    }

    @Test func aNameBelongsToOneUser() throws {
        let alice = try test.connect(as: "alice")
        let bob = try test.connect(as: "bob")
        try alice.call(Chat.rename, "queen")
        #expect(throws: SenderError.self) { try bob.call(Chat.rename, "queen") }
        try alice.call(Chat.rename, "king")
        try bob.call(Chat.rename, "queen")
    }

    @Test func presenceCountsConnections() throws {
        let phone = try test.connect(as: "alice")
        let laptop = try test.connect(as: "alice")
        func isOnline() throws -> Bool? { try test.read { $0.user.identity.find(phone.identity)?.isOnline } }
        #expect(try isOnline() == true)
        try phone.disconnect()
        #expect(try isOnline() == true)
        try laptop.disconnect()
        #expect(try isOnline() == false)
    }

    @Test func presenceReachesSubscribersAsUpdates() throws {
        let bob = try test.connect(as: "bob")
        let users = try bob.subscribe(User.where { $0.isOnline })
        let alice = try test.connect(as: "alice")
        #expect(users.count == 2)
        try alice.disconnect()
        #expect(users.rows.map(\.identity) == [bob.identity])
    }

    @Test func roomsAreUnique() throws {
        let alice = try test.connect(as: "alice")
        try alice.call(Chat.open, "kitchen")
        #expect(throws: SenderError.self) { try alice.call(Chat.open, "kitchen") }
        #expect(try test.rows(of: Room.self).map(\.name).sorted() == ["kitchen", "lobby"])
    }

    @Test(arguments: ["", " ", " ada", "ada\n", String(repeating: "x", count: 65)])
    func namesThatNobodyCouldReadAreRefused(name: String) throws {
        let alice = try test.connect(as: "alice")
        #expect(throws: SenderError.self) { try alice.call(Chat.rename, name) }
        #expect(throws: SenderError.self) { try alice.call(Chat.open, name) }
        #expect(try test.rows(of: Room.self).map(\.name) == ["lobby"])
    }

    @Test func roomsCountTheirMessages() throws {
        let alice = try test.connect(as: "alice")
        try alice.call(Chat.open, "kitchen")
        for text in ["one", "two"] { try alice.call(Chat.send, "kitchen", text) }
        #expect(throws: SenderError.self) { try alice.call(Chat.send, "kitchen", "") }
        let rooms = try test.rows(of: Room.self)
        #expect(rooms.first { $0.name == "kitchen" }?.messageCount == 2)
        #expect(rooms.first { $0.name == "lobby" }?.messageCount == 0)
    }

    @Test func guestsWhoLeftAreForgottenAndOthersAreNot() throws {
        let passing = try test.connect(as: "passing")
        let staying = try test.connect(as: "staying")
        let named = try test.connect(as: "named")
        try named.call(Chat.rename, "Ada")
        try passing.call(Chat.send, "lobby", "wrong room")
        try passing.disconnect()
        try named.disconnect()
        #expect(try test.rows(of: User.self).count == 3)
        test.clock.advance(by: .hours(1))
        let left = try test.rows(of: User.self)
        #expect(Set(left.map(\.identity)) == [staying.identity, named.identity])
        #expect(try test.rows(of: Message.self).map(\.text) == ["wrong room"])
    }
}
