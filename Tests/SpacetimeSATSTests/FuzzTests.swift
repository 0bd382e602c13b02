import SpacetimeSATS
import Testing

/// Any input either decodes or throws. What decodes must encode to something that decodes to the same value.
@Suite struct FuzzTests {
    private static let seed: UInt64 = 0x5EED

    /// Half of the inputs are noise, half are valid encodings with a few bytes changed, cut or repeated.
    private func damaged(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let position = random.below(bytes.count)
            switch random.below(5) {
            case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[position] = [0, 1, 2, 0x7f, 0x80, 0xff][random.below(6)]
            case 2: bytes.removeSubrange(position...)
            case 3: bytes.insert(contentsOf: bytes[position...].prefix(8), at: position)
            default: bytes[position] ^= 1 << UInt8(random.below(8))
            }
        }
        return bytes
    }

    @Test func anyBytesEitherDecodeOrThrow() {
        var random = SplitMix64(seed: Self.seed)
        var decoded = 0
        var type = AlgebraicType.u8
        for iteration in 0..<fuzzIterations / 2 {
            if iteration % 8 == 0 { type = random.type() }
            let bytes =
                random.below(2) == 0
                ? random.bytes(random.below(40)) : damaged(random.value(of: type).bsatn(), &random)
            var reader = BSATNReader(bytes.span.bytes)
            guard let value = try? AlgebraicValue(from: &reader, type: type) else { continue }
            decoded += 1
            let again = value.bsatn()
            if again != [UInt8](bytes[..<reader.offset]) { Issue.record("iteration \(iteration) changed \(bytes)") }
        }
        #expect(decoded > 0)
    }

    @Test func anyBytesAreATypeOrThrow() {
        var random = SplitMix64(seed: Self.seed + 1)
        var decoded = 0
        for iteration in 0..<fuzzIterations / 4 {
            let bytes =
                random.below(2) == 0
                ? (0..<random.below(60)).map { _ in UInt8(random.below(22)) } : damaged(random.type().bsatn(), &random)
            var reader = BSATNReader(bytes.span.bytes)
            guard let type = try? AlgebraicType(from: &reader) else { continue }
            decoded += 1
            if type.bsatn() != [UInt8](bytes[..<reader.offset]) {
                Issue.record("iteration \(iteration) changed \(bytes)")
            }
            // A type from outside is used to decode values from outside, with references into itself.
            let typespace = Typespace([type])
            _ = try? typespace.resolved(type)
            _ = try? AlgebraicValue(bsatn: random.bytes(random.below(30)), type: type, in: typespace)
            _ = try? AlgebraicValue(json: "[[0,[]],{}]", type: type, in: typespace)
        }
        #expect(decoded > 0)
    }

    @Test func anyTextIsJSONOrThrows() {
        var random = SplitMix64(seed: Self.seed + 2)
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "u", "null", "true", "0", "-", "1", ".", "e", "\"some\"",
            "\"f0\"",
            "0x", " ", "\u{e9}", "\\ud83d",
        ].map { [UInt8]($0.utf8) }
        var decoded = 0
        var type = AlgebraicType.u8
        for iteration in 0..<fuzzIterations / 4 {
            if iteration % 8 == 0 { type = random.type() }
            let style = JSONStyle.allCases[random.below(4)]
            let bytes: [UInt8]
            switch random.below(3) {
            case 0: bytes = random.bytes(random.below(30))
            case 1: bytes = (0..<random.below(20)).flatMap { _ in tokens[random.below(tokens.count)] }
            default:
                let text = try? random.value(of: type).json(style: style, type: type)
                bytes = damaged([UInt8]((text ?? "").utf8), &random)
            }
            guard let json = try? JSON(parsing: bytes) else { continue }
            if (try? JSON(parsing: json.utf8)) != json { Issue.record("iteration \(iteration) changed \(bytes)") }
            guard let value = try? AlgebraicValue(json: json, type: type) else { continue }
            decoded += 1
            if !value.isValue(of: type) { Issue.record("iteration \(iteration) misread \(bytes)") }
        }
        #expect(decoded > 0)
    }
}
