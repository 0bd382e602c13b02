import SpacetimeCompression
import SpacetimeProtocol
import SpacetimeSATS
import Testing

@Suite struct CompressionTests {
    private let codec = PayloadCodec()

    private func compress(_ bytes: [UInt8], _ compression: Compression) throws -> [UInt8] {
        var writer = BSATNWriter()
        try #require(codec.compress(bytes.span.bytes, with: compression, into: &writer))
        return writer.toArray()
    }

    private func decompress(
        _ bytes: [UInt8], _ compression: Compression, limit: Int = 1 << 24
    ) throws(CompressionError) -> [UInt8] {
        var writer = BSATNWriter()
        if compression == .gzip {
            try Gzip.decompress(bytes.span.bytes, limit: limit, into: &writer)
        } else {
            try Brotli.decompress(bytes.span.bytes, limit: limit, into: &writer)
        }
        return writer.toArray()
    }

    /// Rows that resemble each other, as those of a table do, or noise.
    private func sample(_ count: Int, noise: Bool) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { index in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return noise ? UInt8(truncatingIfNeeded: state >> 40) : UInt8(truncatingIfNeeded: index / 8 % 97)
        }
    }

    private static let formats: [Compression] = [.gzip, .brotli]
    private static let sizes = [0, 1, 2, 255, 1_024, 1_025, 4_096, 65_537, 1_000_003]

    @Test(arguments: formats, sizes) func whatWasCompressedComesBack(format: Compression, size: Int) throws {
        for noise in [false, true] {
            let plain = sample(size, noise: noise)
            let packed = try compress(plain, format)
            #expect(try decompress(packed, format) == plain)
            if size > 1_024, !noise { #expect(packed.count * 4 < plain.count) }
        }
    }

    @Test(arguments: formats) func compressedBytesAreAppended(format: Compression) throws {
        var writer = BSATNWriter()
        writer.write(7 as UInt8)
        let plain = sample(5_000, noise: false)
        #expect(codec.compress(plain.span.bytes, with: format, into: &writer))
        #expect(writer.toArray().first == 7)
        #expect(try decompress(Array(writer.toArray().dropFirst()), format) == plain)
    }

    @Test func payloadsOfTheSpecificationAreRead() throws {
        let plain: [UInt8] =
            [0x03, 0x00, 0x0C, 0, 0, 0, 0x06, 0, 0, 0, 0x0D, 0, 0, 0] + Array("unknown table".utf8)
        let gzip: [UInt8] = [
            0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0x04, 0x03, 0x63, 0x66, 0xE0, 0x61, 0x60, 0x60, 0x60, 0x03, 0x62, 0x5E,
            0x20, 0x2E, 0xCD, 0xCB, 0xCE, 0xCB, 0x2F, 0xCF, 0x53, 0x28, 0x49, 0x4C, 0xCA, 0x49, 0x05, 0x00, 0xFF, 0xC9,
            0xD9, 0x89, 0x1B, 0, 0, 0,
        ]
        let brotli: [UInt8] =
            [0x0B, 0x0D, 0x80, 0x03, 0x00, 0x0C, 0, 0, 0, 0x06, 0, 0, 0, 0x0D, 0, 0, 0]
            + Array("unknown table".utf8) + [0x03]
        #expect(try decompress(gzip, .gzip) == plain)
        #expect(try decompress(brotli, .brotli) == plain)
    }

    /// One client allocates by the last four bytes and reads one member.
    @Test(arguments: sizes) func gzipIsOneMemberWithTheTrueLengthInItsTrailer(size: Int) throws {
        let packed = try compress(sample(size, noise: size % 2 == 0), .gzip)
        #expect(packed.prefix(4) == [0x1F, 0x8B, 8, 0], "deflate, no optional fields")
        let length = packed.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(length == size)
    }

    @Test(arguments: formats) func bombsAreRefusedBeforeTheyFillMemory(format: Compression) throws {
        let bomb = try compress([UInt8](repeating: 0, count: 64 << 20), format)
        #expect(bomb.count < 300_000)
        let limit = 1 << 20
        #expect(throws: CompressionError.tooLarge(limit: limit)) { try decompress(bomb, format, limit: limit) }
        var writer = BSATNWriter()
        #expect(!codec.decompress(bomb.span.bytes, with: format, limit: limit, into: &writer))
        #expect(writer.count <= limit)
    }

    @Test(arguments: formats) func theLimitItselfIsAccepted(format: Compression) throws {
        let plain = sample(10_000, noise: true)
        let packed = try compress(plain, format)
        #expect(try decompress(packed, format, limit: 10_000) == plain)
        #expect(throws: CompressionError.tooLarge(limit: 9_999)) { try decompress(packed, format, limit: 9_999) }
        #expect(try decompress(compress([], format), format, limit: 0).isEmpty)
    }

    @Test(arguments: formats) func everyPrefixIsRefused(format: Compression) throws {
        let packed = try compress(sample(3_000, noise: true), format)
        for count in 0..<packed.count {
            #expect(throws: CompressionError.truncated) { try decompress(Array(packed.prefix(count)), format) }
        }
    }

    @Test(arguments: formats) func whatFollowsTheStreamIsRefused(format: Compression) throws {
        let packed = try compress(sample(3_000, noise: false), format)
        #expect(throws: CompressionError.trailingBytes(1)) { try decompress(packed + [0], format) }
        #expect(throws: CompressionError.trailingBytes(packed.count)) { try decompress(packed + packed, format) }
    }

    @Test(arguments: formats) func anyFlippedBitIsRefusedOrHarmless(format: Compression) throws {
        let plain = sample(400, noise: false)
        let packed = try compress(plain, format)
        for bit in 0..<packed.count * 8 {
            var damaged = packed
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let bytes = try? decompress(damaged, format, limit: 4_096) else { continue }
            // gzip has a checksum, and bits of no meaning in its header; Brotli has none.
            if format == .gzip { #expect(bytes == plain) } else { #expect(bytes.count <= 4_096) }
        }
        #expect(try decompress(packed, format) == plain, "contexts are usable after an error")
    }

    @Test func manyThreadsCompressAtOnce() async throws {
        let plain = sample(20_000, noise: false)
        let expected = try compress(plain, .gzip)
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let format = Self.formats[index % 2]
                    guard let packed = try? compress(plain, format) else { return false }
                    return (try? decompress(packed, format)) == plain && (index % 2 == 1 || packed == expected)
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test func bodiesThatGainNothingAreSentAsTheyAre() {
        var writer = BSATNWriter()
        let noise = sample(2_000, noise: true)
        ServerPayload.append(noise.span.bytes, compression: .gzip, compressor: codec, to: &writer)
        #expect(writer.toArray() == [0] + noise)
    }
}
