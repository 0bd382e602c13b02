import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct ValueTextTests {
    private static let weapon = AlgebraicType.sum([
        ("fists", .unit), ("bow", .f32), ("sword", .product([("damage", .u16), ("sharp", .bool)])),
        ("pair", .product([("value0", .u8), ("value1", .u8)])),
    ])

    struct Sample: Sendable, CustomTestStringConvertible {
        let value: AlgebraicValue
        let type: AlgebraicType
        let text: String

        init(_ value: AlgebraicValue, _ type: AlgebraicType, _ text: String) {
            self.value = value
            self.type = type
            self.text = text
        }

        var testDescription: String { text }
    }

    static let samples: [Sample] = [
        Sample(.bool(true), .bool, "true"), Sample(.i8(-3), .i8, "-3"), Sample(.u256(7), .u256, "7"),
        Sample(.f64(0.5), .f64, "0.5"), Sample(.f32(.nan), .f32, "nan"),
        Sample(.string("Ada \"L\"\n"), .string, #""Ada \"L\"\n""#),
        Sample(.string(String(repeating: "é", count: 90)), .string, "\"" + String(repeating: "é", count: 80) + "…\""),
        Sample(.bytes([0, 255]), .bytes, "0x00ff"),
        Sample(.sum(tag: 1, .unit), .option(.string), "nil"), Sample(.sum(tag: 0, .u8(4)), .option(.u8), "4"),
        Sample(.sum(tag: 0, .unit), weapon, ".fists"), Sample(.sum(tag: 1, .f32(1.5)), weapon, ".bow(1.5)"),
        Sample(.sum(tag: 2, .product([.u16(3), .bool(true)])), weapon, ".sword(damage: 3, sharp: true)"),
        Sample(.sum(tag: 3, .product([.u8(1), .u8(2)])), weapon, ".pair(1, 2)"),
        Sample(.array([.i32(1), .i32(2)]), .array(.i32), "[1, 2]"),
        Sample(.array((0..<20).map { .u16($0) }), .array(.u16), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
        Sample(
            .product([.i8(1), .sum(tag: 1, .unit)]), .product([("x", .i8), ("y", .option(.u8))]), "(x: 1, y: nil)"),
        Sample(.product([.u256(255)]), .identity, String(repeating: "0", count: 62) + "ff"),
        Sample(.product([.u128(1)]), .connectionId, String(repeating: "0", count: 31) + "1"),
        Sample(.product([.u128(1)]), .uuid, "00000000-0000-0000-0000-000000000001"),
        Sample(.product([.i64(0)]), .timestamp, "\(Timestamp.unixEpoch)"),
        Sample(.product([.i64(1_500_000)]), .timeDuration, "+1.500000 s"),
        Sample(.sum(tag: 0, .product([.i64(2_000_000)])), .scheduleAt, ".interval(+2.000000 s)"),
    ]

    @Test(arguments: samples)
    func valuesReadAsPeopleWriteThem(_ sample: Sample) throws {
        let text = sample.value.bsatn().withUnsafeBytes { ValueText.text(of: $0, sample.type) }
        #expect(text == sample.text)
    }

    @Test func aTextHasALimit() throws {
        let value = AlgebraicValue.array((0..<9).map { .array([.string(String(repeating: "\($0)", count: 70))]) })
        let text = value.bsatn().withUnsafeBytes { ValueText.text(of: $0, .array(.array(.string))) }
        #expect(text.count == 301)
    }
}
