import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// Counts what it is asked for, and makes bytes of a chosen number.
private struct Fake: PayloadCompressor, PayloadDecompressor {
    var makes: Int?

    func compress(_ bytes: RawSpan, with compression: Compression, into writer: inout BSATNWriter) -> Bool {
        writer.append([UInt8](repeating: compression.rawValue, count: makes ?? 3))
        return makes != nil
    }

    func decompress(
        _ bytes: RawSpan, with compression: Compression, limit: Int, into writer: inout BSATNWriter
    ) -> Bool {
        writer.append([UInt8](repeating: compression.rawValue, count: makes ?? 3))
        return makes != nil
    }
}

@Suite struct CompressionTests {
    private func payload(_ count: Int, _ compression: Compression, makes: Int?) -> [UInt8] {
        let body = [UInt8](repeating: 9, count: count)
        return written {
            // Behind something else, as in a buffer that is used again.
            $0.write(7 as UInt8)
            ServerPayload.append(body.span.bytes, compression: compression, compressor: Fake(makes: makes), to: &$0)
        }
    }

    @Test func onlyLongBodiesAreCompressed() {
        let plain = [UInt8](repeating: 9, count: 1_024)
        for compression in Compression.allCases { #expect(payload(1_024, compression, makes: 5) == [7, 0] + plain) }
        #expect(payload(1_025, .gzip, makes: 5) == [7, 2, 2, 2, 2, 2, 2])
        #expect(payload(1_025, .brotli, makes: 2) == [7, 1, 1, 1])
        #expect(payload(1_025, .none, makes: 5) == [7, 0] + plain + [9])
    }

    @Test func whatDoesNotGetShorterOrFailsIsSentAsItIs() {
        let plain = [7, 0] + [UInt8](repeating: 9, count: 1_100)
        #expect(payload(1_100, .gzip, makes: nil) == plain)
        #expect(payload(1_100, .gzip, makes: 1_100) == plain)
        #expect(payload(1_100, .gzip, makes: 1_099).count == 1 + 1 + 1_099)
        let body = [UInt8](plain.dropFirst(2))
        let without = written {
            ServerPayload.append(body.span.bytes, compression: .brotli, compressor: NoCompression(), to: &$0)
        }
        #expect(without == [0] + body)
    }

    private func body(_ payload: [UInt8], limit: Int = 100, makes: Int?) throws(ProtocolError) -> [UInt8] {
        var scratch = BSATNWriter()
        scratch.write(1 as UInt8)
        return try ServerPayload.withBody(
            of: payload.span.bytes, limits: ProtocolLimits(messageBytes: limit), decompressor: Fake(makes: makes),
            scratch: &scratch
        ) { body in body.withUnsafeBytes { [UInt8]($0) } }
    }

    @Test func bodiesAreDecompressedByTheirTag() throws {
        #expect(try body([0, 5, 6], makes: nil) == [5, 6])
        #expect(try body([0], makes: nil) == [])
        #expect(try body([1, 5], makes: 2) == [1, 1])
        #expect(try body([2], makes: 0) == [])
    }

    @Test func badPayloadsAreRefused() {
        #expect(throws: ProtocolError.emptyPayload) { try body([], makes: 1) }
        #expect(throws: ProtocolError.unknownCompression(3)) { try body([3, 0], makes: 1) }
        #expect(throws: ProtocolError.notDecompressed(.gzip)) { try body([2, 0], makes: nil) }
        #expect(throws: ProtocolError.tooLarge(.messageBytes, found: 101, limit: 100, at: 0)) {
            try body([UInt8](repeating: 0, count: 101), makes: 1)
        }
        #expect(throws: ProtocolError.tooLarge(.messageBytes, found: 101, limit: 100, at: 0)) {
            try body([1, 0], makes: 101)
        }
    }

    @Test func namesAreExact() {
        #expect(Compression.allCases.map(\.parameter) == ["None", "Brotli", "Gzip"])
        for compression in Compression.allCases {
            #expect(Compression(parameter: compression.parameter) == compression)
            #expect(Compression(parameter: compression.parameter.lowercased()) == nil)
        }
    }
}
