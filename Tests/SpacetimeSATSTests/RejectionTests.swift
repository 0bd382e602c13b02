import SpacetimeSATS
import Testing

@Suite struct RejectionTests {
    @Test func malformedBSATNIsRefusedWithItsReason() {
        #expect(throws: BSATNError.invalidBool(2, at: 0)) { try Bool(bsatn: [2]) }
        #expect(throws: BSATNError.invalidTag(2, at: 0)) { try UInt8?(bsatn: [2]) }
        #expect(throws: BSATNError.invalidUTF8(at: 4)) { try String(bsatn: hex("01000000ff")) }
        #expect(throws: BSATNError.truncated(at: 0, needed: 4)) { try UInt32(bsatn: [0, 0, 0]) }
        #expect(throws: BSATNError.trailingBytes(at: 1, count: 2)) { try UInt8(bsatn: [0, 0, 0]) }
        #expect(throws: BSATNError.invalidBool(2, at: 0)) { try AlgebraicValue(bsatn: [2], type: .bool) }
        #expect(throws: BSATNError.invalidTag(2, at: 0)) { try AlgebraicValue(bsatn: [2], type: .option(.u8)) }
        #expect(throws: BSATNError.invalidTag(0, at: 0)) { try AlgebraicValue(bsatn: [0], type: .never) }
        #expect(throws: BSATNError.unresolvedRef(0)) { try AlgebraicValue(bsatn: [0], type: .ref(0)) }
    }

    @Test(arguments: [
        "ff", "c080", "c1bf", "e08080", "eda080", "f08080af", "f4908080", "f5808080", "80", "c3", "e29c", "61ff62",
        "6161616161616161616161616161616161c3",
    ])
    func textThatIsNotUTF8IsRefused(_ bytes: String) {
        let text = hex(bytes)
        #expect(throws: BSATNError.invalidUTF8(at: 4)) { try String(bsatn: [UInt8(text.count), 0, 0, 0] + text) }
        let isText = isUTF8(text.span.bytes)
        #expect(!isText)
    }

    @Test func textIsCheckedWithoutMakingAString() {
        for text in [
            "", "a", "abcdefgh", "abcdefghi", "é", "e\u{301}", "🙂", "\u{0}\u{7f}\u{80}\u{7ff}\u{ffff}\u{10ffff}",
        ] {
            let bytes = [UInt8](text.utf8)
            let isText = isUTF8(bytes.span.bytes)
            #expect(isText)
        }
    }

    @Test func hugeCountsAreRefusedBeforeAnythingIsAllocated() {
        let huge: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        #expect(throws: BSATNError.self) { try [UInt8](bsatn: huge) }
        #expect(throws: BSATNError.self) { try [UInt256](bsatn: huge) }
        #expect(throws: BSATNError.self) { try [String](bsatn: huge) }
        #expect(throws: BSATNError.self) { try String(bsatn: huge) }
        for type in [AlgebraicType.bytes, .string, .array(.u64), .array(.unit), .array(.array(.unit)), .array(.never)] {
            #expect(throws: BSATNError.self) { try AlgebraicValue(bsatn: huge, type: type) }
        }
    }

    @Test func arraysOfUnitsShareOneBudgetPerInput() throws {
        #expect(try AlgebraicValue(bsatn: [3, 0, 0, 0], type: .array(.unit)) == .array([.unit, .unit, .unit]))
        // 400 inner arrays of 65,535 units each would be 26 million values from 1,604 bytes.
        let inner: [UInt8] = [0xff, 0xff, 0, 0]
        let bytes: [UInt8] = [0x90, 1, 0, 0] + Array(repeatElement(inner, count: 400).joined())
        #expect(throws: BSATNError.self) { try AlgebraicValue(bsatn: bytes, type: .array(.array(.unit))) }
    }

    @Test func aTypeThatDoublesAtEachReferenceCannotExhaustMemory() {
        let types = (1...50).map { next -> AlgebraicType in
            .product([("a", .ref(UInt32(next))), ("b", .ref(UInt32(next)))])
        }
        let typespace = Typespace(types + [.unit])
        #expect(throws: BSATNError.self) { try AlgebraicValue(bsatn: [], type: .ref(0), in: typespace) }
        #expect(throws: TypeError.tooLarge(limit: Typespace.sizeLimit)) { try typespace.resolved(.ref(0)) }
    }

    @Test func aFewThousandOptionsNeedNoBudget() throws {
        let values = [AlgebraicValue](repeating: .none, count: 200_000)
        let bytes = AlgebraicValue.array(values).bsatn()
        #expect(try AlgebraicValue(bsatn: bytes, type: .array(.option(.u8))) == .array(values))
    }

    @Test(arguments: [
        (AlgebraicType.u8, ["256", "1.0", "\"1\"", "-1", "1e0", "null", "01", "+1", ""]),
        (.i8, ["128", "-129", "1.5"]),
        (.u64, ["18446744073709551616", "-1"]),
        (.u128, ["\"1\"", "340282366920938463463374607431768211456"]),
        (.bool, ["1", "\"true\"", "null", "tru"]),
        (.u256, ["42", "\"42\"", "\"0x\"", "\"-0x1\"", "\"0xg\"", "\"0x1\(String(repeating: "0", count: 64))\""]),
        (.i256, ["1", "\"1\"", "\"--0x1\"", "\"0x8\(String(repeating: "0", count: 63))\""]),
        (.f64, ["null", "\"1\"", "NaN", "1e999", "1.", ".5", "-"]),
        (.f32, ["null", "1e39"]),
        (.string, ["1", "null", "\"\\ud800\"", "\"\\x\"", "\"a", "\"\u{1}\""]),
        (.option(.u8), ["5", "\"none\"", "{}", "{\"some\":5,\"none\":[]}", "[0]", "[0,5,6]", "[2,5]", "{\"Some\":5}"]),
        (.product([("x", .u8)]), ["{\"x\":1,\"y\":2}", "{}", "{\"x\":1,\"x\":1}", "[1,2]", "null", "[]", "1"]),
        (.bytes, ["\"0x01\"", "\"abc\"", "[256]", "[-1]", "[1.0]", "{}", "null"]),
        (.unit, ["null", "[1]", "{\"a\":1}"]),
        (.array(.u16), ["{}", "null", "\"\"", "[1,]", "[1 2]", "[1] x"]),
        (.sum([("Red", .unit), ("Blue", .unit)]), ["\"Red\"", "{\"Green\":{}}", "{\"2\":{}}", "[256,{}]", "null"]),
    ])
    func jsonOfTheWrongFormIsRefused(_ type: AlgebraicType, _ texts: [String]) {
        for text in texts {
            #expect(throws: JSONError.self, "\(text)") { try AlgebraicValue(json: text, type: type) }
        }
    }

    @Test func otherAcceptedSpellings() throws {
        for text in ["null", #"{"none":{}}"#, #"{"none":[]}"#, "[1,[]]", #"["none",{}]"#, #"{"1":[]}"#, #"["1",[]]"#] {
            #expect(try AlgebraicValue(json: text, type: .option(.u8)) == .none)
        }
        for text in [#"{"some":5}"#, "[0,5]", #"{"0":5}"#, #" [ "some" , 5 ] "#] {
            #expect(try AlgebraicValue(json: text, type: .option(.u8)) == .some(.u8(5)))
        }
        let pair = AlgebraicType.product([("x", .u8), ("y", .u8)])
        for text in [#"{"x":1,"y":2}"#, #"{"y":2,"x":1}"#, "[1,2]"] {
            #expect(try AlgebraicValue(json: text, type: pair) == .product([.u8(1), .u8(2)]))
        }
        #expect(try AlgebraicValue(json: "[1,2,255]", type: .bytes) == .bytes([1, 2, 255]))
        #expect(try AlgebraicValue(json: "\"ABcd\"", type: .bytes) == .bytes([0xab, 0xcd]))
        #expect(try AlgebraicValue(json: "3", type: .f64) == .f64(3))
        #expect(try AlgebraicValue(json: "\"+0xFf\"", type: .u256) == .u256(255))
        #expect(try AlgebraicValue(json: "\"-0x0\"", type: .i256) == .i256(0))
        #expect(try AlgebraicValue(json: #""\u0041\ud83d\ude42\/""#, type: .string) == .string("A🙂/"))
        // A key that spells a byte is a tag, even where a variant has that name.
        let odd = AlgebraicType.sum([("1", .u8), ("0", .bool)])
        #expect(try AlgebraicValue(json: #"{"0":7}"#, type: odd) == .sum(tag: 0, .u8(7)))
    }

    @Test func errorsTellThePath() {
        let type = AlgebraicType.product([("items", .array(.product([("name", .string)])))])
        #expect(throws: JSONError.mismatch(path: ".items[1].name", expected: "a string")) {
            try AlgebraicValue(json: #"{"items":[{"name":"a"},{"name":1}]}"#, type: type)
        }
    }

    @Test func nestingOfJSONEndsAtTheLimit() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSON(parsing: nested(128))
        #expect(throws: JSONError.tooDeep(limit: 128)) { try JSON(parsing: nested(129)) }
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func valuesOfJSONEndAtTheLimit() throws {
        // The array and its elements; the keys of an object are no values.
        _ = try JSON(parsing: [UInt8]("[1,2,3]".utf8), valueLimit: 4)
        _ = try JSON(parsing: [UInt8](#"{"a":1,"b":{"c":[]}}"#.utf8), valueLimit: 4)
        for text in ["[1,2,3]", #"{"a":1,"b":{"c":[]}}"#] {
            #expect(throws: JSONError.tooManyValues(limit: 3)) { try JSON(parsing: [UInt8](text.utf8), valueLimit: 3) }
        }
    }

    @Test func valuesThatDoNotMatchTheirTypeAreNotWritten() {
        #expect(throws: JSONError.self) { try AlgebraicValue.u8(1).json(style: .typed, type: .u16) }
        #expect(throws: JSONError.self) { try AlgebraicValue.sum(tag: 2, .unit).json(style: .row, type: .option(.u8)) }
        #expect(throws: JSONError.unresolvedRef(0)) {
            try AlgebraicValue.unit.json(style: .row, type: .ref(0), in: Typespace([.ref(0)]))
        }
        let nameless = AlgebraicType.product(ProductType([.init(name: nil, algebraicType: .u8)]))
        #expect(throws: JSONError.namelessField(path: ".0")) {
            try AlgebraicValue.product([.u8(1)]).json(style: .typed, type: nameless)
        }
    }
}
