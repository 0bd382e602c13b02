import NIOCore
import NIOEmbedded
import NIOHTTP1
import SpacetimeTestSupport
import Testing

@testable import SpacetimeServer

/// A frame as a client sends it.
private func frame(
    _ opcode: UInt8, _ payload: [UInt8], mask: [UInt8] = [0x37, 0xfa, 0x21, 0x3d], isLast: Bool = true
) -> [UInt8] {
    var bytes: [UInt8] = [(isLast ? 0x80 : 0) | opcode]
    switch payload.count {
    case ...125: bytes.append(0x80 | UInt8(payload.count))
    case ...0xFFFF: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default: bytes += [0x80 | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
    }
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

/// What a reader hands out, as text.
private func read(
    _ pieces: [[UInt8]], limit: Int = 1 << 20
) -> Result<[String], WebSocketReader.Violation> {
    var reader = WebSocketReader(messageByteLimit: limit)
    let scratch = UnmaskedBytes()
    var seen: [String] = []
    for piece in pieces {
        do throws(WebSocketReader.Violation) {
            var failure: WebSocketReader.Violation?
            piece.withUnsafeBytes { bytes in
                do throws(WebSocketReader.Violation) {
                    try reader.read(bytes, scratch) { opcode, payload in
                        seen.append("\(opcode) \(String(decoding: payload, as: UTF8.self))")
                        return true
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
        } catch { return .failure(error) }
    }
    return .success(seen)
}

@Suite struct WebSocketReaderTests {
    /// RFC 6455, section 5.7.
    @Test func theExamplesOfTheStandardAreRead() {
        let hello: [UInt8] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        let ping: [UInt8] = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(read([hello]) == .success(["text Hello"]))
        #expect(read([ping]) == .success(["pong Hello"]))
    }

    @Test func whereBytesAreCutDoesNotMatter() {
        let bytes =
            frame(1, Array("Hel".utf8), isLast: false) + frame(9, Array("?".utf8)) + frame(0, Array("lo".utf8))
            + frame(2, Array(String(repeating: "x", count: 300).utf8)) + frame(8, [0x03, 0xe8])
        let whole = read([bytes])
        #expect(try! whole.get().count == 4)
        for cut in 1..<bytes.count { #expect(read([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "\(cut)") }
        #expect(read(bytes.map { [$0] }) == whole)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536, 70_001]) func everyLengthIsUnmasked(count: Int) {
        let text = String((0..<count).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        #expect(read([frame(2, Array(text.utf8), mask: [1, 2, 3, 255])]) == .success(["binary \(text)"]))
    }

    @Test func whatNoClientSendsIsRefused() {
        #expect(read([[0xc1, 0x80, 0, 0, 0, 0]]) == .failure(.reservedBits))
        #expect(read([[0x83, 0x80, 0, 0, 0, 0]]) == .failure(.unknownOpcode(3)))
        #expect(read([[0x82, 0x01, 0]]) == .failure(.unmasked))
        #expect(read([[0x89, 0xfe, 0, 126]]) == .failure(.longControl))
        #expect(read([[0x09, 0x80, 0, 0, 0, 0]]) == .failure(.fragmentedControl))
        #expect(read([frame(0, [])]) == .failure(.unexpectedContinuation))
        #expect(read([frame(1, [], isLast: false) + frame(1, [])]) == .failure(.unfinishedMessage))
        #expect(read([[0x82, 0xff, 0xff] + [UInt8](repeating: 0xff, count: 11)]) == .failure(.malformedLength))
    }

    @Test func closeFramesAreHeldToTheStandard() {
        func check(_ payload: [UInt8]) -> WebSocketReader.Violation? {
            payload.withUnsafeBytes { bytes in
                do throws(WebSocketReader.Violation) { try WebSocketReader.checkClose(bytes) } catch { return error }
                return nil
            }
        }
        #expect(check([]) == nil)
        for byte in 0...255 as ClosedRange<UInt8> { #expect(check([byte]) == .halfCloseCode) }
        let allowed = Set(Array(1_000...1_003) + Array(1_007...1_014) + Array(3_000...4_999))
        for code in 0...65_535 as ClosedRange<UInt16> {
            let found = check([UInt8(code >> 8), UInt8(code & 255), 0x21])
            #expect(found == (allowed.contains(Int(code)) ? nil : .badCloseCode(code)))
        }
        #expect(check([0x03, 0xE8, 0xFF]) == .notUTF8)
    }

    @Test func aMessageIsHeldToItsLimitHoweverManyFramesItTakes() {
        let part = [UInt8](repeating: 65, count: 60)
        #expect(read([frame(2, part)], limit: 60) == .success(["binary \(String(repeating: "A", count: 60))"]))
        #expect(read([frame(2, part)], limit: 59) == .failure(.tooLarge(60)))
        #expect(read([frame(2, part, isLast: false) + frame(0, part)], limit: 119) == .failure(.tooLarge(60)))
        // Refused by what its head says, before any of it has come.
        #expect(read([[0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0]], limit: 100) == .failure(.tooLarge(4_096)))
    }

    @Test func anyBytesAreReadOrRefused() {
        var random = RandomValues(seed: freshSeed())
        for _ in 0..<2_000 {
            var bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            // Most random heads are refused at once; some are to go further.
            if Bool.random(using: &random), bytes.count > 1 {
                bytes[0] = [0x01, 0x80, 0x81, 0x82, 0x89].randomElement(using: &random)!
                bytes[1] = 0x80 | bytes[1] & 0x1f
            }
            let whole = read([bytes])
            let cut = Int.random(in: 0...bytes.count, using: &random)
            #expect(read([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "bytes \(bytes), cut at \(cut)")
        }
    }

    @Test func headsOfTheServersFramesAreThoseOfTheStandard() {
        func head(_ count: Int) -> [UInt8] {
            var buffer = ByteBuffer()
            WebSocketWriting.appendHeader(.binary, payloadCount: count, to: &buffer)
            return Array(buffer.readableBytesView)
        }
        #expect(head(5) == [0x82, 5])
        #expect(head(256) == [0x82, 0x7e, 0x01, 0x00])
        #expect(head(65_536) == [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test func theKeyIsAcceptedAsTheStandardSays() {
        #expect(GrantedUpgrade.acceptance(of: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}

@Suite struct DecodingStopTests {
    /// What NIO's decoder does behind a request, and what is thought of it, in the same words: where the two disagreed, a
    /// connection would be deaf, or its requests would be torn.
    @Test(
        arguments: [
            "upgrade", "Upgrade", "keep-alive, Upgrade", "upgrade,close", " upgrade ", "keep-alive", "close",
            "upgraded", "up grade",
            "upgrade x", "x,upgrade", "x upgrade", ",upgrade,", "\tupgrade", "upgrade\t", "foo,\tupgrade", "up,grade",
            "UPGRADE", "",
        ], ["websocket", "h2c", "", "a, b"]) func theDecoderStopsWhereThatIsExpected(
            connection: String, upgrade: String
        ) throws
    {
        for method in ["GET", "POST", "CONNECT"] {
            for headers in [
                ["Connection: \(connection)", "Upgrade: \(upgrade)"], ["Connection: \(connection)"],
                ["Upgrade: \(upgrade)"],
                ["Connection: x", "Upgrade: \(upgrade)", "Connection: \(connection)"],
            ] {
                let channel = EmbeddedChannel()
                try channel.pipeline.syncOperations.addHandler(RequestGate.makeDecoder())
                let text =
                    "\(method) \(method == "CONNECT" ? "a:1" : "/") HTTP/1.1\r\nHost: a\r\n"
                    + headers.map { $0 + "\r\n" }.joined() + "\r\n"
                // Behind one that ends the connection, a request is an error.
                _ = try? channel.writeInbound(ByteBuffer(string: text + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
                var heads: [HTTPRequestHead] = []
                while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                    if case .head(let head) = part { heads.append(head) }
                }
                switch heads[0].decodingStop {
                case _ where !heads[0].isKeepAlive: #expect(heads.count == 1, "\(text)")
                case .certain: #expect(heads.count == 1, "\(text)")
                case .never: #expect(heads.count == 2, "\(text)")
                case .unclear: break
                }
                _ = try? channel.finish()
            }
        }
        // What everybody writes is clear.
        let usual = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: "/",
            headers: ["connection": "keep-alive, Upgrade", "upgrade": "websocket"])
        #expect(usual.decodingStop == .certain)
    }
}

@Suite struct RequestTargetTests {
    @Test func namesAndValuesAreTakenApart() {
        let (path, query) = RequestTarget.split("/v1/database/a/subscribe?compression=Gzip&token=a%2Bb+c&x&y=&z=%zz")
        #expect(path == "/v1/database/a/subscribe")
        #expect(query.map(\.name) == ["compression", "token", "x", "y", "z"])
        #expect(query.map(\.value) == ["Gzip", "a+b c", "", "", "%zz"])
    }
}
