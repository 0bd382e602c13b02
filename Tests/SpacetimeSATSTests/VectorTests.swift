import SpacetimeSATS
import Testing

/// A value with its spellings in BSATN and in the typed, row and untyped styles of JSON.
struct Vector: Sendable, CustomTestStringConvertible {
    var number: Int
    var type: AlgebraicType
    var value: AlgebraicValue
    var bsatn: String
    var typed: String
    var row: String
    var untyped: String
    var readsBack = true

    init(
        _ number: Int, _ type: AlgebraicType, _ value: AlgebraicValue, _ bsatn: String, _ typed: String,
        row: String? = nil, untyped: String? = nil, readsBack: Bool = true
    ) {
        self.number = number
        self.type = type
        self.value = value
        self.bsatn = bsatn
        self.typed = typed
        self.row = row ?? typed
        self.untyped = untyped ?? row ?? typed
        self.readsBack = readsBack
    }

    var testDescription: String { "vector \(number): \(typed)" }
}

private let shape = AlgebraicType.sum([
    ("Circle", .f64), ("Square", .product([("w", .u16), ("h", .u16)])), ("Point", .unit),
])
private let aliceHex = "c20035600353a2e93544d898c6ed0eac323e200c0468300f22958f8b472a265d"
private let alice = AlgebraicValue(Identity(issuer: "localhost", subject: "alice"))
private let second: Int64 = 1_000_000

let vectors: [Vector] = [
    Vector(1, .bool, .bool(true), "01", "true"),
    Vector(2, .u8, .u8(255), "ff", "255"),
    Vector(3, .i8, .i8(-2), "fe", "-2"),
    Vector(4, .u16, .u16(4660), "3412", "4660"),
    Vector(5, .i16, .i16(-1), "ffff", "-1"),
    Vector(6, .u32, .u32(305_419_896), "78563412", "305419896"),
    Vector(7, .i32, .i32(-123_456), "c01dfeff", "-123456"),
    Vector(8, .u64, .u64(.max), "ffffffffffffffff", "18446744073709551615"),
    Vector(9, .i64, .i64(.min), "0000000000000080", "-9223372036854775808"),
    Vector(10, .u128, .u128(1 << 64 + 1), "01000000000000000100000000000000", "18446744073709551617"),
    Vector(11, .i128, .i128(-2), "feffffffffffffffffffffffffffffff", "-2"),
    Vector(
        12, .u256, .u256(UInt256(high: 1 << 127, low: 1)),
        "0100000000000000000000000000000000000000000000000000000000000080",
        "\"0x8000000000000000000000000000000000000000000000000000000000000001\""),
    Vector(
        13, .i256, .i256(-1), "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "\"-0x1\""),
    Vector(14, .f32, .f32(1.5), "0000c03f", "1.5"),
    Vector(15, .f64, .f64(-0.0), "0000000000000080", "-0.0"),
    Vector(16, .f64, .f64(0.1), "9a9999999999b93f", "0.1"),
    Vector(17, .f32, .f32(Float(bitPattern: 0x7fc0_0000)), "0000c07f", "null", readsBack: false),
    Vector(18, .f64, .f64(.infinity), "000000000000f07f", "null", readsBack: false),
    Vector(19, .string, .string(""), "00000000", "\"\""),
    Vector(20, .string, .string("Héllo ✓"), "0a00000048c3a96c6c6f20e29c93", "\"Héllo ✓\""),
    Vector(21, .bytes, .bytes([1, 2, 0xfe]), "030000000102fe", "\"0102fe\""),
    Vector(22, .array(.u16), .array([.u16(1), .u16(2)]), "0200000001000200", "[1,2]"),
    Vector(23, .array(.string), .array([]), "00000000", "[]"),
    Vector(24, .unit, .unit, "", "{}", row: "{}", untyped: "[]"),
    Vector(
        25, .product([("x", .i32), ("name", .string)]), .product([.i32(7), .string("ab")]),
        "07000000020000006162", #"{"x":7,"name":"ab"}"#, untyped: #"[7,"ab"]"#),
    Vector(26, .option(.u32), .some(.u32(42)), "002a000000", #"{"some":42}"#, row: "[0,42]"),
    Vector(27, .option(.u32), .none, "01", #"{"none":{}}"#, row: "[1,{}]", untyped: "[1,[]]"),
    Vector(
        28, .option(.option(.bool)), .some(.none), "0001", #"{"some":{"none":{}}}"#, row: "[0,[1,{}]]",
        untyped: "[0,[1,[]]]"),
    Vector(29, .result(.u8, .string), .sum(tag: 0, .u8(9)), "0009", #"{"ok":9}"#, row: "[0,9]"),
    Vector(
        30, .result(.u8, .string), .sum(tag: 1, .string("no")), "01020000006e6f", #"{"err":"no"}"#,
        row: #"[1,"no"]"#),
    Vector(
        31, shape, .sum(tag: 1, .product([.u16(3), .u16(4)])), "0103000400", #"{"Square":{"w":3,"h":4}}"#,
        row: #"[1,{"w":3,"h":4}]"#, untyped: "[1,[3,4]]"),
    Vector(32, shape, .sum(tag: 2, .unit), "02", #"{"Point":{}}"#, row: "[2,{}]", untyped: "[2,[]]"),
    Vector(
        33, .identity, AlgebraicValue(Identity(number: 1)),
        "0100000000000000000000000000000000000000000000000000000000000000", #"{"__identity__":"0x1"}"#,
        untyped: #"["0x1"]"#),
    Vector(
        34, .identity, alice, "5d262a478b8f95220f3068040c203e32ac0eedc698d84435e9a25303603500c2",
        "{\"__identity__\":\"0x\(aliceHex)\"}", untyped: "[\"0x\(aliceHex)\"]"),
    Vector(
        35, .connectionId, .product([.u128(5_233_100_606_242_806_050_955_395_731_361_295)]),
        "0f0e0d0c0b0a09080706050403020100", #"{"__connection_id__":5233100606242806050955395731361295}"#,
        untyped: "[5233100606242806050955395731361295]"),
    Vector(
        36, .timestamp, AlgebraicValue(Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)),
        "40222018240a0600", #"{"__timestamp_micros_since_unix_epoch__":1700000000123456}"#,
        untyped: "[1700000000123456]"),
    Vector(
        37, .timeDuration, AlgebraicValue(TimeDuration(microseconds: -1_500_000)), "a01ce9ffffffffff",
        #"{"__time_duration_micros__":-1500000}"#, untyped: "[-1500000]"),
    Vector(
        38, .scheduleAt, AlgebraicValue(ScheduleAt.interval(.seconds(5))), "00404b4c0000000000",
        #"{"Interval":{"__time_duration_micros__":5000000}}"#, row: #"[0,{"__time_duration_micros__":5000000}]"#,
        untyped: "[0,[5000000]]"),
    Vector(
        39, .scheduleAt,
        AlgebraicValue(ScheduleAt.time(Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000 * second))),
        "0100401e18240a0600", #"{"Time":{"__timestamp_micros_since_unix_epoch__":1700000000000000}}"#,
        row: #"[1,{"__timestamp_micros_since_unix_epoch__":1700000000000000}]"#, untyped: "[1,[1700000000000000]]"),
    Vector(
        40, .uuid, .product([.u128(0x00112233_44556677_8899aabb_ccddeeff)]), "ffeeddccbbaa99887766554433221100",
        #"{"__uuid__":88962710306127702866241727433142015}"#, untyped: "[88962710306127702866241727433142015]"),
    Vector(
        41, .array(.option(.u8)), .array([.some(.u8(1)), .none]), "02000000000101", #"[{"some":1},{"none":{}}]"#,
        row: "[[0,1],[1,[]]]"),
    Vector(
        42, .array(.product([("k", .u8), ("v", .bool)])),
        .array([.product([.u8(1), .bool(true)]), .product([.u8(2), .bool(false)])]), "0200000001010200",
        #"[{"k":1,"v":true},{"k":2,"v":false}]"#, row: "[[1,true],[2,false]]"),
]

@Suite struct VectorTests {
    @Test(arguments: vectors) func encodesToTheGoldenBytes(_ vector: Vector) {
        #expect(vector.value.bsatn() == hex(vector.bsatn))
    }

    @Test(arguments: vectors) func decodesFromTheGoldenBytes(_ vector: Vector) throws {
        let value = try AlgebraicValue(bsatn: hex(vector.bsatn), type: vector.type)
        #expect(value.hasSameBytes(as: vector.value))
        #expect(value.isValue(of: vector.type))
    }

    @Test(arguments: vectors) func everyShorterInputIsRefused(_ vector: Vector) {
        let bytes = hex(vector.bsatn)
        for length in 0..<bytes.count {
            #expect(throws: BSATNError.self) { try AlgebraicValue(bsatn: [UInt8](bytes[..<length]), type: vector.type) }
        }
    }

    @Test(arguments: vectors) func writesTheGoldenJSON(_ vector: Vector) throws {
        #expect(try vector.value.json(style: .typed, type: vector.type) == vector.typed)
        #expect(try vector.value.json(style: .row, type: vector.type) == vector.row)
        #expect(try vector.value.json(style: .untyped, type: vector.type) == vector.untyped)
    }

    @Test(arguments: vectors) func readsEveryStyleOfJSONBack(_ vector: Vector) throws {
        for style in JSONStyle.allCases {
            let text = try vector.value.json(style: style, type: vector.type)
            if vector.readsBack {
                let value = try AlgebraicValue(json: text, type: vector.type)
                #expect(value.hasSameBytes(as: vector.value))
            } else {
                #expect(throws: JSONError.self) { try AlgebraicValue(json: text, type: vector.type) }
            }
        }
    }

    @Test func swiftTypesAgreeWithTheVectors() {
        #expect(true.bsatn() == hex("01"))
        #expect("Héllo ✓".bsatn() == hex("0a00000048c3a96c6c6f20e29c93"))
        #expect(([1, 2, 0xfe] as [UInt8]).bsatn() == hex("030000000102fe"))
        #expect(([1, 2] as [UInt16]).bsatn() == hex("0200000001000200"))
        #expect((42 as UInt32?).bsatn() == hex("002a000000"))
        #expect((nil as UInt32?).bsatn() == hex("01"))
        #expect((.some(.none) as Bool??).bsatn() == hex("0001"))
        #expect(SpacetimeResult<UInt8, String>.ok(9).bsatn() == hex("0009"))
        #expect(SpacetimeResult<UInt8, String>.err("no").bsatn() == hex("01020000006e6f"))
        #expect(ScheduleAt.interval(.seconds(5)).bsatn() == hex("00404b4c0000000000"))
        #expect(Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456).bsatn() == hex("40222018240a0600"))
        #expect(
            ConnectionId(hex: "000102030405060708090a0b0c0d0e0f")?.bsatn() == hex("0f0e0d0c0b0a09080706050403020100"))
        #expect(
            Uuid("00112233-4455-6677-8899-aabbccddeeff")?.bsatn() == hex("ffeeddccbbaa99887766554433221100"))
    }
}
