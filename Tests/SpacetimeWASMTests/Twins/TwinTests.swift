import ChatModule
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// One suite for all forms of the chat and the transfers: who calls does not see what they are written in.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct TwinTests {
    @Test(arguments: Twin.allCases, Form.guests) func guestsDefineWhatTheSwiftModuleDefines(twin: Twin, form: Form)
        throws
    {
        let schemas = try [Form.swift, form].map { form in
            try ModuleSchema(validating: twin.host(form).describe())
        }
        #expect(schemas[0] == schemas[1])
    }

    // MARK: Transfers

    private func bank(_ form: Form) throws -> TwinDatabase {
        let bank = try TwinDatabase(.transfer, form)
        try bank.call("fill", UInt32(4).bsatn() + Int64(100).bsatn())
        return bank
    }

    private static func transfer(_ from: UInt32, _ to: UInt32, _ amount: Int64) -> [UInt8] {
        from.bsatn() + to.bsatn() + amount.bsatn()
    }

    private func balances(_ bank: TwinDatabase) throws -> [Int64] {
        try bank.rows("account").map { try Int64(bsatn: Array($0.suffix(8))) }
    }

    @Test(arguments: Form.allCases) func moneyMoves(form: Form) throws {
        let bank = try bank(form)
        try bank.call("transfer", Self.transfer(0, 1, 30))
        try bank.call("transfer", Self.transfer(1, 2, 130))
        #expect(try balances(bank) == [70, 0, 230, 100])
        try bank.call("nothing", [])
    }

    @Test(
        arguments: Form.allCases,
        [
            (transfer(1, 1, 5), "sameAccount"), (transfer(1, 2, 0), "amountNotPositive"),
            (transfer(1, 2, -5), "amountNotPositive"), (transfer(1, 9, 5), "noSuchAccount"),
            (transfer(9, 1, 5), "noSuchAccount"), (transfer(0, 1, 101), "insufficientFunds"),
        ])
    func moneyThatCannotMoveStays(form: Form, _ wrong: (arguments: [UInt8], message: String)) throws {
        let bank = try bank(form)
        let error = #expect(throws: SenderError.self) { try bank.call("transfer", wrong.arguments) }
        #expect(error?.message == wrong.message)
        #expect(try balances(bank) == [100, 100, 100, 100])
    }

    @Test(arguments: Form.allCases) func accountsAreOpenedOnce(form: Form) throws {
        let bank = try bank(form)
        let error = #expect(throws: SenderError.self) { try bank.call("fill", UInt32(9).bsatn() + Int64(1).bsatn()) }
        #expect(error?.message == "accountExists")
        #expect(try bank.count("account") == 4)
    }

    @Test(arguments: Form.allCases) func argumentsThatAreNoneAreRefusedBeforeTheModuleRuns(form: Form) throws {
        let bank = try bank(form)
        for arguments in [[], [1, 2, 3], Self.transfer(0, 1, 5) + [0]] as [[UInt8]] {
            let error = #expect(throws: DatabaseError.self) { try bank.call("transfer", arguments) }
            #expect(error?.code == .badArguments)
        }
        #expect(try balances(bank) == [100, 100, 100, 100])
    }

    // MARK: Chat

    private func names(_ chat: TwinDatabase) throws -> Set<String> {
        Set(try chat.rows("user").map { try User(bsatn: $0).name })
    }

    @Test(arguments: Form.allCases) func aNewChatHasALobby(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let rooms = try chat.rows("room").map { try Room(bsatn: $0) }
        #expect(rooms.map(\.name) == ["lobby"])
        #expect(rooms.map(\.created) == [chat.clock.now()])
    }

    @Test(arguments: Form.allCases) func messagesCarryAuthorAndTime(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let alice = try chat.connect("alice")
        try chat.call("rename", "Alice".bsatn(), as: alice)
        chat.clock.advance(by: .seconds(60))
        try chat.call("send", "lobby".bsatn() + "hello".bsatn(), as: alice)
        let message = try Message(bsatn: try #require(try chat.rows("message").first))
        #expect(message.id == 1)
        #expect(message.author == "Alice")
        #expect(message.sender == .local("alice"))
        #expect(message.sent == chat.clock.now())
        #expect(chat.lines.last?.hasSuffix("is called Alice") == true)
    }

    @Test(arguments: Form.allCases) func longMessagesArriveWhole(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let text = String(repeating: "é", count: 8_000)
        try chat.call("send", "lobby".bsatn() + text.bsatn())
        #expect(try Message(bsatn: try #require(try chat.rows("message").first)).text == text)
        let error = #expect(throws: SenderError.self) {
            try chat.call("send", "lobby".bsatn() + (text + "x").bsatn())
        }
        #expect(error?.message == "a message has 1 to 16000 bytes")
    }

    @Test(arguments: Form.allCases) func aNameBelongsToOneUser(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let (alice, bob) = (try chat.connect("alice"), try chat.connect("bob"))
        try chat.call("rename", "queen".bsatn(), as: alice)
        let error = #expect(throws: SenderError.self) { try chat.call("rename", "queen".bsatn(), as: bob) }
        #expect(error?.message == "the name queen is taken")
        try chat.call("rename", "queen".bsatn(), as: alice)
        try chat.call("rename", "king".bsatn(), as: bob)
        #expect(try names(chat) == ["queen", "king"])
    }

    @Test(arguments: Form.allCases) func namesThatNobodyCouldReadAreRefused(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let names = ["", " ", " ada", "ada\n", "\u{2003}ada", "ada\u{3000}", String(repeating: "x", count: 65)]
        for name in names {
            #expect(throws: SenderError.self) { try chat.call("open", name.bsatn()) }
        }
        for name in ["a", "ünï cödé", "🎈", String(repeating: "x", count: 64)] { try chat.call("open", name.bsatn()) }
        #expect(try chat.count("room") == 5)
    }

    @Test(arguments: Form.allCases) func presenceReachesWatchers(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let bob = try chat.connect("bob")
        try chat.watch("SELECT * FROM user WHERE is_online = true", as: bob)
        #expect(chat.news().count == 1)
        let alice = try chat.connect("alice")
        #expect(chat.news().count == 1)
        #expect(try chat.disconnect(alice) == nil)
        #expect(chat.news().count == 1)
        #expect(try names(chat).count == 2)
    }

    @Test(arguments: Form.allCases) func guestsWhoLeftAreForgotten(form: Form) throws {
        let chat = try TwinDatabase(.chat, form)
        let passing = try chat.connect("passing")
        try chat.connect("staying")
        let named = try chat.connect("named")
        try chat.call("rename", "Ada".bsatn(), as: named)
        for client in [passing, named] { #expect(try chat.disconnect(client) == nil) }
        #expect(try chat.count("user") == 3)
        chat.clock.advance(by: .hours(1))
        let left = try chat.rows("user").map { try User(bsatn: $0).identity }
        #expect(Set(left) == [.local("staying"), .local("named")])
    }
}
