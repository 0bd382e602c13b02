import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// All messages of a payload.
func clientMessages(
    _ payload: [UInt8], isBatched: Bool = true, limits: ProtocolLimits = ProtocolLimits()
) throws(ProtocolError) -> [V2.ClientMessage] {
    var reader = try V2.ClientMessageReader(payload.span.bytes, isBatched: isBatched, limits: limits)
    var messages: [V2.ClientMessage] = []
    while let message = try reader.next() { messages.append(V2.ClientMessage(message)) }
    return messages
}

/// All messages of a body.
func serverMessages(
    _ body: RawSpan, isBatched: Bool = true, limits: ProtocolLimits = .forClients
) throws(ProtocolError) -> [V2.ServerMessage] {
    var reader = try V2.ServerMessageReader(body, isBatched: isBatched, limits: limits)
    var messages: [V2.ServerMessage] = []
    while let message = try reader.next() { messages.append(message) }
    return messages
}

@Suite struct V2VectorTests {
    @Test(arguments: Vector.v2Client) func clientMessagesMeanWhatTheyShould(_ vector: Vector) throws {
        let message = try Meaning(vector.messages[0]).v2ClientMessage()
        #expect(try V2.ClientMessage(payload: vector.bytes) == message)
        #expect(written { message.encode(to: &$0) } == vector.bytes)
    }

    @Test(arguments: Vector.v2Server) func serverMessagesMeanWhatTheyShould(_ vector: Vector) throws {
        let message = try Meaning(vector.messages[0]).v2ServerMessage()
        #expect(try V2.ServerMessage(body: vector.body) == message)
        #expect(written { message.encode(to: &$0) } == vector.body)
    }

    @Test(arguments: Vector.v3Client) func clientFramesHoldSeveralMessages(_ vector: Vector) throws {
        let messages = try vector.messages.map { try Meaning($0).v2ClientMessage() }
        #expect(try clientMessages(vector.bytes) == messages)
        #expect(written { writer in for message in messages { message.encode(to: &writer) } } == vector.bytes)
        // On the second protocol the same bytes are the first message alone.
        #expect(try clientMessages(vector.bytes, isBatched: false) == [messages[0]])
    }

    @Test(arguments: Vector.v3Server) func serverFramesHoldSeveralMessages(_ vector: Vector) throws {
        let messages = try vector.messages.map { try Meaning($0).v2ServerMessage() }
        #expect(try serverMessages(vector.body.span.bytes) == messages)
        #expect(written { writer in for message in messages { message.encode(to: &writer) } } == vector.body)
    }

    @Test(arguments: Vector.v2Server + Vector.v3Server) func payloadsLendTheirBody(_ vector: Vector) throws {
        var scratch = BSATNWriter()
        let messages = try ServerPayload.withBody(
            of: vector.bytes.span.bytes, limits: .forClients, decompressor: KnownBodies(vector), scratch: &scratch
        ) { (body) throws(ProtocolError) in try serverMessages(body) }
        #expect(try messages == vector.messages.map { try Meaning($0).v2ServerMessage() })
        if vector.compression == .none {
            let again = written {
                ServerPayload.append(vector.body.span.bytes, compression: .none, compressor: NoCompression(), to: &$0)
            }
            #expect(again == vector.bytes)
        }
    }

    @Test(arguments: Vector.v2Client) func cutOffClientMessagesAreRefused(_ vector: Vector) {
        for length in vector.bytes.indices {
            let prefix = [UInt8](vector.bytes[..<length])
            #expect(throws: ProtocolError.self) { try V2.ClientMessage(payload: prefix) }
        }
    }

    @Test(arguments: Vector.v2Server) func cutOffServerMessagesAreRefused(_ vector: Vector) {
        for length in vector.body.indices {
            let prefix = [UInt8](vector.body[..<length])
            #expect(throws: ProtocolError.self) { try V2.ServerMessage(body: prefix) }
        }
    }

    @Test(arguments: Vector.v3Client) func cutOffFramesGiveTheMessagesBeforeTheCut(_ vector: Vector) throws {
        let whole = try clientMessages(vector.bytes)
        for length in 1..<vector.bytes.count {
            let prefix = [UInt8](vector.bytes[..<length])
            var reader = try V2.ClientMessageReader(prefix.span.bytes, isBatched: true)
            var messages: [V2.ClientMessage] = []
            var isCut = false
            do {
                while let message = try reader.next() { messages.append(V2.ClientMessage(message)) }
            } catch { isCut = true }
            #expect(messages == [V2.ClientMessage](whole.prefix(messages.count)))
            // A cut between two messages cannot be noticed.
            let complete = written { writer in for message in messages { message.encode(to: &writer) } }
            #expect(isCut == (complete.count < length))
        }
    }

    @Test(arguments: Vector.v2Client) func bytesBehindAClientMessageArePassedOver(_ vector: Vector) throws {
        #expect(try V2.ClientMessage(payload: vector.bytes + [0xff, 0]) == V2.ClientMessage(payload: vector.bytes))
    }

    @Test(arguments: Vector.v2Server) func bytesBehindAServerMessageArePassedOver(_ vector: Vector) throws {
        let message = try V2.ServerMessage(body: vector.body)
        #expect(try V2.ServerMessage(body: vector.body + [0xff, 0]) == message)
        #expect(try serverMessages((vector.body + [0xff, 0]).span.bytes, isBatched: false) == [message])
        #expect(throws: ProtocolError.malformed(.invalidTag(0xff, at: vector.body.count))) {
            try serverMessages((vector.body + [0xff, 0]).span.bytes)
        }
    }

    @Test(arguments: Vector.v2Client + Vector.v2Server + Vector.v3Client + Vector.v3Server)
    func noFlippedBitTraps(_ vector: Vector) {
        let body = vector.body
        for bit in 0..<body.count * 8 {
            var flipped = body
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            if vector.source == .client {
                guard let messages = try? clientMessages(flipped) else { continue }
                #expect(written { writer in for message in messages { message.encode(to: &writer) } } == flipped)
            } else {
                guard let messages = try? serverMessages(flipped.span.bytes) else { continue }
                #expect(written { writer in for message in messages { message.encode(to: &writer) } } == flipped)
            }
        }
    }
}
