import NIOCore
import SpacetimeKit
import SpacetimeServer
import SpacetimeServerTestSupport
import Testing

/// Clients that break the rules, by accident or on purpose: each loses its own connection at most, with the code that the
/// specification names, and honest clients go on.
@Suite struct HostileClientTests {
    // MARK: Messages that cannot be decoded

    enum Undecodable: String, CaseIterable, CustomTestStringConvertible {
        case unknownTag, truncated, hugeText, hugeArguments, hugeCount, badFlags, notUTF8, badUnsubscribeFlags
        var testDescription: String { rawValue }

        var payload: [UInt8] {
            switch self {
            case .unknownTag: [5, 0, 0, 0, 0]
            case .truncated: Array(Say.addUser(1, 2, "Bob").dropLast())
            case .hugeText: [2, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F, 0x53]
            case .hugeArguments: [3, 1, 0, 0, 0, 0] + counted("tick") + [0xFF, 0xFF, 0xFF, 0xFF]
            case .hugeCount: [0, 1, 0, 0, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
            case .badFlags: [3, 1, 0, 0, 0, 1] + counted("tick") + counted([])
            case .notUTF8: [2, 1, 0, 0, 0] + counted([0xC3, 0x28])
            case .badUnsubscribeFlags: [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]
            }
        }
    }

    @Test(arguments: Undecodable.allCases, ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
    func aMessageThatCannotBeDecodedClosesWith1011(what: Undecodable, subprotocol: String) async throws {
        try await withHonestClient { server in
            let client = try await server.greeted(protocols: subprotocol)
            try await client.send(what.payload)
            try await client.expectClose(1_011)
        }
    }

    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
    func aTextFrameClosesWith1011(subprotocol: String) async throws {
        try await withHonestClient { server in
            let client = try await server.greeted(protocols: subprotocol)
            try await client.send(text: #"{"CallReducer":{"reducer":"tick","args":"[]","request_id":1,"flags":0}}"#)
            try await client.expectClose(1_011)
        }
    }

    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
    func anEmptyPayloadClosesWith1011(subprotocol: String) async throws {
        try await withHonestClient { server in
            let client = try await server.greeted(protocols: subprotocol)
            try await client.send([])
            try await client.expectClose(1_011)
        }
    }

    /// What was decoded of a payload before the error was found is done and answered.
    @Test func messagesBeforeABadOneInAFrameAreHandled() async throws {
        let database = try arena()
        try await withServer(database) { server in
            let client = try await server.greeted(protocols: "v3.bsatn.spacetimedb")
            try await client.send(Say.addUser(1, 2, "Bobby") + [99])
            try await client.expectClose(1_011, after: 1)
            #expect(try await database.read { $0.user.id.find(2) } != nil)
        }
    }

    @Test func bytesBehindTheMessageAreIgnoredOnV2() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.call(7, "tick") + [99, 99])
            try await client.expectAnswer(to: 7)
        }
    }

    // MARK: Frames that break RFC 6455

    enum BadFrames: String, CaseIterable, CustomTestStringConvertible {
        case unmasked, reservedBit, unknownOpcode, fragmentedPing, longPing, continuationOfNothing, messageInsideMessage
        var testDescription: String { rawValue }

        var bytes: [UInt8] {
            let tick = Say.call(1, "tick")
            switch self {
            case .unmasked: return RawFrame(opcode: .binary, payload: tick, mask: nil).bytes
            case .reservedBit:
                var bytes = RawFrame(opcode: .binary, payload: tick).bytes
                bytes[0] |= 0x40
                return bytes
            case .unknownOpcode:
                var bytes = RawFrame(opcode: .binary, payload: tick).bytes
                bytes[0] = 0x83
                return bytes
            case .fragmentedPing: return RawFrame(isLast: false, opcode: .ping, payload: []).bytes
            case .longPing: return RawFrame(opcode: .ping, payload: Array(repeating: 0, count: 126)).bytes
            case .continuationOfNothing: return RawFrame(opcode: .continuation, payload: tick).bytes
            case .messageInsideMessage:
                return RawFrame(isLast: false, opcode: .binary, payload: [3]).bytes
                    + RawFrame(opcode: .binary, payload: tick).bytes
            }
        }
    }

    @Test(arguments: BadFrames.allCases)
    func aFrameThatBreaksTheRulesClosesWith1002(what: BadFrames) async throws {
        try await withHonestClient { server in
            let client = try await server.greeted()
            try await client.send(RawClient.RawBytes(bytes: what.bytes))
            try await client.expectClose(1_002)
        }
    }

    @Test(arguments: [0, 1, 999, 1_004, 1_005, 1_006, 1_015, 1_016, 2_999, 5_000, 65_535] as [UInt16])
    func aCloseCodeThatMayNotBeSentClosesWith1002(code: UInt16) async throws {
        try await withHonestClient { server in
            let client = try await server.greeted()
            try await client.sendClose(code, "bye")
            try await client.expectClose(1_002)
        }
    }

    @Test(arguments: [1_000, 1_001, 1_003, 1_007, 1_011, 1_014, 3_000, 4_999] as [UInt16])
    func aProperCloseIsAnsweredAsItCame(code: UInt16) async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.sendClose(code, "bye, \u{1F44B}")
            #expect(try await client.next() == .close(code: code, reason: "bye, \u{1F44B}"))
            #expect(try await client.next() == .ended)
        }
    }

    @Test func halfACloseCodeClosesWith1002() async throws {
        try await withHonestClient { server in
            let client = try await server.greeted()
            try await client.send([3], as: .close)
            try await client.expectClose(1_002)
        }
    }

    @Test func aReasonThatIsNotUTF8ClosesWith1007() async throws {
        try await withHonestClient { server in
            let client = try await server.greeted()
            try await client.send([0x03, 0xE8, 0x62, 0xC3, 0x28], as: .close)
            try await client.expectClose(1_007)
        }
    }

    /// Where text is spoken. It may be cut anywhere into fragments.
    @Test(arguments: ["v1.json.spacetimedb", "v1.bsatn.spacetimedb"], [Int.max, 1])
    func textThatIsNotUTF8ClosesWith1007(subprotocol: String, size: Int) async throws {
        @Sendable func call(_ name: [UInt8]) -> [UInt8] {
            Array(#"{"CallReducer":{"reducer":""#.utf8) + name
                + Array(#"","args":"[]","request_id":1,"flags":0}}"#.utf8)
        }
        try await withHonestClient { server in
            let client = try await server.connect("/v1/database/arena/subscribe", protocols: subprotocol)
            _ = try await client.next()
            // A reducer that there is not: an answer.
            try await client.send(call(Array("caf\u{E9} \u{1F44B}".utf8)), as: .text, fragmentedBy: size)
            switch try await client.next() {
            case .text, .binary: break
            case let other: throw RawClient.Unexpected(event: other)
            }
            try await client.send(call([0xC3, 0x28]), as: .text, fragmentedBy: size)
            try await client.expectClose(1_007)
        }
    }

    @Test func aFragmentedMessageIsOneMessage() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"), fragmentedBy: 3)
            #expect(try await client.message().count == 40)
            // A ping between the fragments.
            let tick = Say.call(2, "tick")
            try await client.send(
                RawClient.RawBytes(
                    RawFrame(isLast: false, opcode: .binary, payload: Array(tick.prefix(4))),
                    RawFrame(opcode: .ping, payload: [7]),
                    RawFrame(opcode: .continuation, payload: Array(tick.dropFirst(4)))))
            #expect(try await client.next() == .pong([7]))
            #expect(try await client.message().count == 23)
        }
    }

    // MARK: Sizes

    @Test func aMessageOverTheLimitClosesWith1009BeforeItIsRead() async throws {
        var options = ServerOptions.test()
        options.webSocket.messageByteLimit = 10_000
        try await withHonestClient(options: options) { server in
            // In one frame, of which only the claim is sent; then the most that can be claimed.
            for claim in [10_001, UInt64.max >> 1] {
                let client = try await server.greeted()
                let frame = RawFrame(opcode: .binary, payload: [3], claimedByteCount: claim)
                try await client.send(RawClient.RawBytes(frame))
                try await client.expectClose(1_009)
            }
            // In fragments, each of which is small enough.
            let fragments = try await server.greeted()
            try? await fragments.send(Array(repeating: 2, count: 10_001), fragmentedBy: 1_000)
            try await fragments.expectClose(1_009)
            // The limit itself is accepted: an error, but one of a message.
            let limit = try await server.greeted()
            try await limit.send(Say.query(1, String(repeating: " ", count: 10_000 - 9)))
            expect(Array(try await limit.message().prefix(7)), is: "00 05 01000000 01")
        }
    }

    // MARK: Floods, and clients that are gone

    @Test func aFloodOfCallsIsHandledOrRefusedWith1013() async throws {
        try await withHonestClient { server in
            let flooder = try await server.greeted(protocols: "v3.bsatn.spacetimedb")
            let calls = 20_000 as UInt32
            for start in stride(from: 0, to: calls, by: 2_000) {
                try await flooder.send((start..<start + 2_000).flatMap { Say.call($0, "tick") })
            }
            var answered = 0
            while answered < Int(calls) {
                switch try await flooder.next() {
                case .binary(let bytes): answered += (bytes.count - 1) / 22
                case .close(let code, let reason):
                    #expect(code == 1_013 && reason == "too many requests")
                    return
                case let other: throw RawClient.Unexpected(event: other)
                }
            }
        }
    }

    @Test func clientsThatVanishWithCallsUnderWayLeaveNothingBehind() async throws {
        try await withServer(try arena()) { server in
            for round in 0..<50 as Range<UInt32> {
                let client = try await server.greeted(protocols: "v3.bsatn.spacetimedb")
                let ticks = (0..<20 as Range<UInt32>).flatMap { Say.call($0, "tick") }
                let user = Say.addUser(round, 1_000 + round, "somebody")
                try await client.send(Say.subscribe(1, 1, "SELECT * FROM user") + ticks + user)
                try await client.vanish()
            }
            let last = try await server.greeted()
            try await last.send(Say.query(1, "SELECT * FROM user WHERE id = 1"))
            #expect(try await last.message().count == 37)
        }
    }
}
