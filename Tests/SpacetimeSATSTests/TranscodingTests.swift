import SpacetimeSATS
import Testing

/// JSON that is written straight from BSATN is that which the value writes.
@Suite struct TranscodingTests {
    private func json(
        _ bytes: [UInt8], _ type: AlgebraicType, in typespace: Typespace = Typespace(), _ style: JSONStyle
    ) throws(BSATNError) -> String {
        var printer = JSONPrinter()
        var reader = BSATNReader(bytes.span.bytes)
        try printer.write(bsatn: &reader, type: type, in: typespace, style: style)
        try reader.finish()
        return printer.text
    }

    @Test(arguments: SharedVector.all) func vectorsAreSpelledAsTheyShould(_ vector: SharedVector) throws {
        guard !vector.isType else { return }
        let type = try vector.type()
        #expect(try json(hex(vector.hex), type, .typed) == vector.typed)
        #expect(try json(hex(vector.hex), type, .row) == vector.row)
        #expect(try json(hex(vector.hex), type, .untyped) == vector.untyped)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func anyValueIsSpelledAsItSpellsItself(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let type = random.type()
            let value = random.value(of: type)
            for style in JSONStyle.allCases {
                #expect(try json(value.bsatn(), type, style) == value.json(style: style, type: type))
            }
        }
    }

    @Test func bytesThatAreNoValueAreRefusedForTheSameReason() {
        var random = SplitMix64(seed: 77)
        var refused = 0
        for iteration in 0..<fuzzIterations / 4 {
            let type = random.type()
            var bytes = random.value(of: type).bsatn()
            switch random.below(3) {
            case 0: bytes = random.bytes(random.below(20))
            case 1 where !bytes.isEmpty: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
            default: bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
            }
            let expected = Result { () throws(BSATNError) in try AlgebraicValue(bsatn: bytes, type: type) }
            let found = Result { () throws(BSATNError) in try json(bytes, type, .row) }
            switch (expected, found) {
            case (.success, .success): break
            case (.failure(let left), .failure(let right)) where left == right: refused += 1
            default:
                Issue.record("iteration \(iteration): \(Hexadecimal.text(bytes)) of \(type): \(expected), \(found)")
            }
        }
        #expect(refused > fuzzIterations / 20)
    }

    @Test func referencesAreFollowed() throws {
        // A list: either a number and the rest, or nothing.
        let typespace = Typespace([
            .sum([("cons", .product([("head", .u8), ("tail", .ref(0))])), ("end", .unit)])
        ])
        let list = hex("00 01 00 02 01")
        #expect(try json(list, .ref(0), in: typespace, .row) == #"[0,{"head":1,"tail":[0,{"head":2,"tail":[1,{}]}]}]"#)
        let deep = [UInt8](repeating: 0, count: 100_000)
        #expect(throws: BSATNError.tooDeep(limit: 128)) { try json(deep, .ref(0), in: typespace, .row) }
        #expect(throws: BSATNError.unresolvedRef(3)) { try json([0], .ref(3), .row) }
        // Units without bytes are counted.
        #expect(throws: BSATNError.self) { try json([0xff, 0xff, 0xff, 0xff], .array(.unit), .row) }
    }

    @Test func fieldsWithoutNamesAreAnArray() throws {
        let type = AlgebraicType.product(
            ProductType([.init(name: "a", algebraicType: .u8), .init(name: nil, algebraicType: .u8)]))
        for style in JSONStyle.allCases { #expect(try json([1, 2], type, style) == "[1,2]") }
    }
}
