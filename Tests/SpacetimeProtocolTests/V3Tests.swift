import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// All messages of a payload of a client that asked for offsets.
func v3ClientMessages(
    _ payload: [UInt8], limits: ProtocolLimits = ProtocolLimits()
) throws(ProtocolError) -> [V3.ClientMessage] {
    var reader = try V2.ClientMessageReader(payload.span.bytes, isBatched: true, limits: limits)
    var messages: [V3.ClientMessage] = []
    while true {
        if let since = try reader.nextSubscribeSince() {
            messages.append(.subscribeSince(since))
        } else if let message = try reader.next() {
            messages.append(.common(V2.ClientMessage(message)))
        } else {
            return messages
        }
    }
}

/// All messages of a body for a client that asked for offsets.
func v3ServerMessages(
    _ body: [UInt8], limits: ProtocolLimits = .forClients
) throws(ProtocolError) -> [V3.ServerMessage] {
    var reader = try V3.ServerMessageReader(body.span.bytes, limits: limits)
    var messages: [V3.ServerMessage] = []
    while let message = try reader.next() { messages.append(message) }
    return messages
}

@Suite struct V3Tests {
    private static let history: UInt128 = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10

    private static let since = V3.SubscribeSince(
        requestID: 7, querySetID: 2, history: history, offset: 0x1122, queries: ["SELECT * FROM user"])

    private static let changes = [
        V2.QuerySetUpdate(
            querySetID: 2,
            tables: [
                V2.TableUpdate(
                    table: "user", changes: [.persistent(inserts: RowList([[1, 2]]), deletes: RowList())])
            ])
    ]

    private static let clientBytes = hex(
        """
        80 07000000 02000000 100f0e0d0c0b0a090807060504030201 2211000000000000 01000000
        12000000 53454c454354202a2046524f4d2075736572
        """)

    private static let server: [(V3.ServerMessage, [UInt8])] = [
        (.reached(0x1122), hex("80 2211000000000000")),
        (.resumed(requestID: 7, querySetID: 2, changes: []), hex("81 07000000 02000000 00000000")),
        (
            .resumed(requestID: 7, querySetID: 2, changes: changes),
            hex(
                """
                81 07000000 02000000 01000000 02000000 01000000 04000000 75736572 01000000
                00 00 0200 02000000 0102 01 00000000 00000000
                """)
        ),
        (.history(history), hex("82 100f0e0d0c0b0a090807060504030201")),
    ]

    @Test func messagesHaveTheBytesOfTheDocumentation() throws {
        #expect(written { Self.since.encode(to: &$0) } == Self.clientBytes)
        #expect(try v3ClientMessages(Self.clientBytes) == [.subscribeSince(Self.since)])
        for (message, bytes) in Self.server {
            #expect(written { message.encode(to: &$0) } == bytes)
            #expect(try v3ServerMessages(bytes) == [message])
        }
    }

    @Test func theyStandBesideThoseOfTheSecondProtocol() throws {
        let call = V2.ClientMessage.callReducer(requestID: 1, name: "a", arguments: [])
        let said: [V3.ClientMessage] = [.common(call), .subscribeSince(Self.since), .common(call)]
        #expect(try v3ClientMessages(written { writer in for message in said { message.encode(to: &writer) } }) == said)
        let told = Self.server.map(\.0) + [.common(.transactionUpdate(Self.changes)), .reached(.max)]
        #expect(try v3ServerMessages(written { writer in for message in told { message.encode(to: &writer) } }) == told)
    }

    @Test func whoAskedForNoOffsetsKnowsNoSuchMessage() {
        #expect(throws: ProtocolError.malformed(.invalidTag(0x80, at: 0))) { try clientMessages(Self.clientBytes) }
        for (_, bytes) in Self.server {
            #expect(throws: ProtocolError.malformed(.invalidTag(bytes[0], at: 0))) {
                try serverMessages(bytes.span.bytes)
            }
        }
        #expect(throws: ProtocolError.malformed(.invalidTag(0x81, at: 0))) { try v3ClientMessages([0x81]) }
        #expect(throws: ProtocolError.malformed(.invalidTag(0x83, at: 0))) { try v3ServerMessages([0x83]) }
    }

    @Test func whatIsCutOffIsRefused() {
        for length in 1..<Self.clientBytes.count {
            #expect(throws: ProtocolError.self) { try v3ClientMessages(Array(Self.clientBytes[..<length])) }
        }
        for (_, bytes) in Self.server {
            for length in 1..<bytes.count {
                #expect(throws: ProtocolError.self) { try v3ServerMessages(Array(bytes[..<length])) }
            }
        }
        #expect(throws: ProtocolError.emptyPayload) { try v3ServerMessages([]) }
    }

    @Test func theLimitsOfSubscribingHold() {
        let limits = ProtocolLimits(messageBytes: 200, queriesPerMessage: 1, queryBytes: 18)
        #expect(throws: Never.self) { try v3ClientMessages(Self.clientBytes, limits: limits) }
        var since = Self.since
        since.queries = ["", ""]
        #expect(throws: ProtocolError.tooLarge(.queries, found: 2, limit: 1, at: 33)) {
            try v3ClientMessages(written { since.encode(to: &$0) }, limits: limits)
        }
        since.queries = ["SELECT * FROM users"]
        #expect(throws: ProtocolError.tooLarge(.queryBytes, found: 19, limit: 18, at: 37)) {
            try v3ClientMessages(written { since.encode(to: &$0) }, limits: limits)
        }
    }

    @Test func splicedAnswersHaveTheSameBytes() {
        for (message, bytes) in Self.server {
            guard case .resumed(let request, let set, let changes) = message else { continue }
            let spliced = written { writer in
                var update = V2.UpdateEncoder.resumed(requestID: request, querySetID: set, in: &writer)
                for set in changes {
                    for table in set.tables {
                        for changes in table.changes {
                            let piece = written { changes.encode(to: &$0) }
                            update.append(
                                piece.span.bytes, table: table.table, querySetID: set.querySetID, to: &writer)
                        }
                    }
                }
            }
            #expect(spliced == bytes)
        }
    }
}
