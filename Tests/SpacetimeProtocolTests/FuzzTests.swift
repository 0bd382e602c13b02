import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// Any payload either is a message or throws, whatever happened to it; and what it is taken for can be written and is then
/// taken for the same. How many payloads are tried, SPACETIME_FUZZ_MESSAGES says.
@Suite struct FuzzTests {
    private static let seed: UInt64 = 0xF0_2255

    /// A message with some bytes changed, cut out, repeated or put in its place; a tenth of the time it is left alone, and a
    /// tenth of the time it is noise.
    private func damaged(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        switch random.below(10) {
        case 0: return bytes
        case 1: return random.bytes(random.below(60))
        default: break
        }
        var bytes = bytes
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let position = random.below(bytes.count)
            switch random.below(7) {
            case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[position] = [0, 1, 2, 0x7f, 0x80, 0xff, 0x22, 0x5c][random.below(8)]
            case 2: bytes.removeSubrange(position...)
            case 3: bytes.insert(contentsOf: bytes[position...].prefix(8), at: position)
            case 4: bytes.removeSubrange(position..<min(position + 1 + random.below(8), bytes.count))
            case 5:
                // A count or an offset becomes another one.
                let number = UInt32([0, 1, 7, 0xffff, 0x7fff_ffff, 0xffff_ffff][random.below(6)])
                for index in 0..<4 where position + index < bytes.count {
                    bytes[position + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(index)))
                }
            default: bytes[position] ^= 1 << UInt8(random.below(8))
            }
        }
        return bytes
    }

    /// Tries many payloads. `read` gives a message, `write` its bytes; nil of either is a refusal.
    private func fuzz<Message: Equatable>(
        _ offset: UInt64, make: (inout SplitMix64) -> [UInt8], read: ([UInt8]) throws(ProtocolError) -> Message,
        write: (Message) -> [UInt8]
    ) {
        var random = SplitMix64(seed: Self.seed + offset)
        var (taken, refused) = (0, 0)
        for iteration in 0..<fuzzedMessages {
            let start = random.state
            let bytes = damaged(make(&random), &random)
            do throws(ProtocolError) {
                let message = try read(bytes)
                taken += 1
                if (try? read(write(message))) != message {
                    Issue.record("seed \(start), iteration \(iteration): \(Hexadecimal.text(bytes)) changed")
                }
            } catch {
                refused += 1
                if error.description.isEmpty || error.closeReason.utf8.count > 123 {
                    Issue.record("seed \(start), iteration \(iteration): \(error) says nothing")
                }
            }
        }
        // Neither is all of it refused nor all of it taken.
        #expect(taken > fuzzedMessages / 20)
        #expect(refused > fuzzedMessages / 20)
    }

    @Test func v2ClientMessages() {
        fuzz(
            0, make: { random in written { random.v2ClientMessage().encode(to: &$0) } },
            read: { (bytes) throws(ProtocolError) in try V2.ClientMessage(payload: bytes) },
            write: { message in written { message.encode(to: &$0) } })
    }

    @Test func v2ServerMessages() {
        fuzz(
            1, make: { random in written { random.v2ServerMessage().encode(to: &$0) } },
            read: { (bytes) throws(ProtocolError) in try V2.ServerMessage(body: bytes) },
            write: { message in written { message.encode(to: &$0) } })
    }

    @Test func v3ClientFrames() {
        fuzz(
            2,
            make: { random in
                written { writer in for _ in 0...random.below(4) { random.v2ClientMessage().encode(to: &writer) } }
            }, read: { (bytes) throws(ProtocolError) in try clientMessages(bytes) },
            write: { messages in written { writer in for message in messages { message.encode(to: &writer) } } })
    }

    @Test func v3ServerFrames() {
        fuzz(
            3,
            make: { random in
                written { writer in for _ in 0...random.below(4) { random.v2ServerMessage().encode(to: &writer) } }
            }, read: { (bytes) throws(ProtocolError) in try serverMessages(bytes.span.bytes) },
            write: { messages in written { writer in for message in messages { message.encode(to: &writer) } } })
    }

    @Test func clientFramesWithOffsets() {
        fuzz(
            9,
            make: { random in
                written { writer in for _ in 0...random.below(4) { random.v3ClientMessage().encode(to: &writer) } }
            }, read: { (bytes) throws(ProtocolError) in try v3ClientMessages(bytes) },
            write: { messages in written { writer in for message in messages { message.encode(to: &writer) } } })
    }

    @Test func serverFramesWithOffsets() {
        fuzz(
            10,
            make: { random in
                written { writer in for _ in 0...random.below(4) { random.v3ServerMessage().encode(to: &writer) } }
            }, read: { (bytes) throws(ProtocolError) in try v3ServerMessages(bytes) },
            write: { messages in written { writer in for message in messages { message.encode(to: &writer) } } })
    }

    @Test func v1BinaryClientMessages() {
        fuzz(
            4, make: { random in written { random.v1ClientMessage(isText: false).encode(to: &$0) } },
            read: { (bytes) throws(ProtocolError) in try V1.ClientMessage(payload: bytes) },
            write: { message in written { message.encode(to: &$0) } })
    }

    @Test func v1BinaryServerMessages() {
        fuzz(
            5, make: { random in written { random.v1ServerMessage(V1.Binary.self).encode(to: &$0) } },
            read: { (bytes) throws(ProtocolError) in try V1.ServerMessage<V1.Binary>(body: bytes) },
            write: { message in written { message.encode(to: &$0) } })
    }

    @Test func v1TextClientMessages() {
        fuzz(
            6, make: { $0.v1ClientMessage(isText: true).text },
            read: { (bytes) throws(ProtocolError) in try V1.ClientMessage(text: bytes) }, write: { $0.text })
    }

    @Test func v1TextServerMessages() {
        fuzz(
            7, make: { $0.v1ServerMessage(V1.Text.self).text },
            read: { (bytes) throws(ProtocolError) in try V1.ServerMessage<V1.Text>(text: bytes) }, write: { $0.text })
    }

    /// Any payload of a server, whatever compression it claims, gives its body or throws.
    @Test func payloads() {
        var random = SplitMix64(seed: Self.seed + 8)
        var taken = 0
        var scratch = BSATNWriter()
        for iteration in 0..<fuzzedMessages {
            let body = damaged(written { random.v2ServerMessage().encode(to: &$0) }, &random)
            let payload = [UInt8(random.below(4))] + body
            let result: Result<[V2.ServerMessage], ProtocolError>
            do throws(ProtocolError) {
                result = .success(
                    try ServerPayload.withBody(
                        of: payload.span.bytes, limits: ProtocolLimits(messageBytes: 200),
                        decompressor: NoCompression(), scratch: &scratch
                    ) { (body) throws(ProtocolError) in try serverMessages(body) })
            } catch { result = .failure(error) }
            let expected: Result<[V2.ServerMessage], ProtocolError>
            do throws(ProtocolError) {
                if payload.count > 200 {
                    throw .tooLarge(.messageBytes, found: payload.count, limit: 200, at: 0)
                }
                switch payload[0] {
                case 0: expected = .success(try serverMessages(body.span.bytes))
                case 1: throw .notDecompressed(.brotli)
                case 2: throw .notDecompressed(.gzip)
                default: throw .unknownCompression(payload[0])
                }
                taken += 1
            } catch { expected = .failure(error) }
            if result != expected { Issue.record("iteration \(iteration): \(Hexadecimal.text(payload))") }
        }
        #expect(taken > fuzzedMessages / 50)
    }
}

@Suite struct RoundTripTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func messagesComeBack(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let client = random.v2ClientMessage()
            #expect(try V2.ClientMessage(payload: written { client.encode(to: &$0) }) == client)
            let server = random.v2ServerMessage()
            #expect(try V2.ServerMessage(body: written { server.encode(to: &$0) }) == server)
            let old = random.v1ClientMessage(isText: false)
            #expect(try V1.ClientMessage(payload: written { old.encode(to: &$0) }) == old)
            let oldServer = random.v1ServerMessage(V1.Binary.self)
            #expect(try V1.ServerMessage(body: written { oldServer.encode(to: &$0) }) == oldServer)
            let text = random.v1ClientMessage(isText: true)
            #expect(try V1.ClientMessage(text: text.text) == text)
            let serverText = random.v1ServerMessage(V1.Text.self)
            #expect(try V1.ServerMessage(text: serverText.text) == serverText)
        }
    }

    /// Texts are as short as they can be: what a printer of JSON makes of them is the same.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func textsHoldNoBlanksAndNoNeedlessEscapes(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            for text in [random.v1ClientMessage(isText: true).text, random.v1ServerMessage(V1.Text.self).text] {
                #expect(try JSON(parsing: text).utf8 == text)
            }
        }
    }
}
