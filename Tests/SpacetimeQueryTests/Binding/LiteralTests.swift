import SpacetimeSATS
import Testing

@testable import SpacetimeQuery

/// What a literal stands for where a type is wanted.
@Suite struct LiteralTests {
    private func literal(_ text: String) throws -> SQLLiteral {
        guard case .select(let select) = try SQLParser.statement("SELECT * FROM t WHERE a = \(text)"),
            case .compare(_, _, let right)? = select.condition?.kind, case .literal(let literal) = right.kind
        else { throw Failure() }
        return literal
    }

    private struct Failure: Error {}

    struct Case: CustomTestStringConvertible, Sendable {
        var text: String
        var type: AlgebraicType
        var value: AlgebraicValue?
        var testDescription: String { "\(text) as \(type)" }

        init(_ text: String, _ type: AlgebraicType, _ value: AlgebraicValue?) {
            (self.text, self.type, self.value) = (text, type, value)
        }
    }

    private static let identity = String(repeating: "c2", count: 32)
    private static let uuid = "0123456789abcdef0123456789abcdef"

    static let cases = [
        Case("5", .u32, .u32(5)), Case("'5'", .u32, .u32(5)), Case("1e3", .u32, .u32(1_000)),
        Case("10.0", .u32, .u32(10)), Case("1E+3", .i16, .i16(1_000)), Case("100e-2", .u8, .u8(1)),
        Case("0.000e9", .u8, .u8(0)), Case("-0", .u8, .u8(0)), Case("12L", .i64, .i64(12)),
        Case("1.5", .u32, nil), Case("-1", .u32, nil), Case("256", .u8, nil), Case("-129", .i8, nil),
        Case("-128", .i8, .i8(-128)), Case("1e-3", .u32, nil), Case("'abc'", .u32, nil), Case("TRUE", .u32, nil),
        Case("1e40", .u32, nil), Case("1e77", .u256, .u256(UInt256("1" + String(repeating: "0", count: 77))!)),
        Case("1e78", .u256, nil), Case("1e999999999999999999999", .u256, nil), Case("0e999999999999999", .u8, .u8(0)),
        Case("-170141183460469231731687303715884105728", .i128, .i128(.min)),
        Case("170141183460469231731687303715884105728", .i128, nil),
        Case("0x10", .u32, .u32(16)), Case("0xFF", .u8, .u8(255)), Case("0x100", .u8, nil),
        Case("0x" + String(repeating: "0", count: 80) + "7", .u8, .u8(7)), Case("0x" + identity + "0", .u256, nil),
        Case(".5", .f32, .f32(0.5)), Case("5.", .f64, .f64(5)), Case("'1e3'", .f64, .f64(1_000)),
        Case("-5.e-1", .f64, .f64(-0.5)), Case("1e40", .f32, .f32(.infinity)), Case("'nan'", .f32, nil),
        Case("'0x1p3'", .f64, nil), Case("0.1", .f32, .f32(0.1)), Case("3", .f32, .f32(3)),
        Case("'x'", .string, .string("x")), Case("5", .string, .string("5")), Case("0xAB", .string, .string("AB")),
        Case("TRUE", .string, nil), Case("TRUE", .bool, .bool(true)), Case("'true'", .bool, nil), Case("1", .bool, nil),
        Case("X'00ff'", .bytes, .bytes([0, 255])), Case("0x00FF", .bytes, .bytes([0, 255])),
        Case("'0x00ff'", .bytes, .bytes([0, 255])), Case("10", .bytes, .bytes([16])), Case("0xabc", .bytes, nil),
        Case("x''", .bytes, .bytes([])),
        Case("0x" + identity, .identity, AlgebraicValue(Identity(hex: identity)!)),
        Case("'0x\(identity)'", .identity, AlgebraicValue(Identity(hex: identity)!)), Case("0xab", .identity, nil),
        Case("0x" + uuid, .connectionId, AlgebraicValue(ConnectionId(hex: uuid)!)), Case("0x1", .connectionId, nil),
        Case("'\(uuid)'", .uuid, AlgebraicValue(Uuid(uuid)!)), Case("0x" + uuid, .uuid, AlgebraicValue(Uuid(uuid)!)),
        Case("'{01234567-89ab-cdef-0123-456789abcdef}'", .uuid, AlgebraicValue(Uuid(uuid)!)),
        Case("'urn:uuid:01234567-89ab-cdef-0123-456789abcdef'", .uuid, AlgebraicValue(Uuid(uuid)!)),
        Case(
            "'2025-02-10 17:45:30.123456789+02:00'", .timestamp,
            AlgebraicValue(Timestamp("2025-02-10T15:45:30.123456Z")!)),
        Case("'2025-02-10'", .timestamp, nil), Case("1700000000000000", .timestamp, nil),
        Case("5", .timeDuration, nil), Case("5", .scheduleAt, nil),
        Case("'1.5'", .timeDuration, AlgebraicValue(TimeDuration(microseconds: 1_500_000))),
        Case("'5.0'", .scheduleAt, AlgebraicValue(ScheduleAt.interval(TimeDuration(microseconds: 5_000_000)))),
        Case("5", .product([("a", .u8)]), nil),
        Case("NULL", .option(.u32), .sum(tag: 1, .product([]))), Case("5", .option(.u32), .sum(tag: 0, .u32(5))),
        Case("NULL", .u32, nil), Case("-1", .option(.u32), nil),
    ]

    @Test(arguments: cases)
    func standsForAValueOrForNone(_ example: Case) throws {
        #expect(try literal(example.text).value(as: example.type) == example.value)
    }

    @Test func textsAreNoNumbersWhereRowsAreWritten() throws {
        #expect(try literal("'1'").value(as: .u64, isStrict: true) == nil)
        #expect(try literal("'1'").value(as: .f64, isStrict: true) == nil)
        #expect(try literal("1").value(as: .u64, isStrict: true) == .u64(1))
        #expect(try literal("5").value(as: .string, isStrict: true) == .string("5"))
        let time = "2025-02-10T15:45:30Z"
        #expect(try literal("'\(time)'").value(as: .timestamp, isStrict: true) == AlgebraicValue(Timestamp(time)!))
    }

    /// Every integer of every width, written in any of the ways that are whole.
    @Test func wholeNumbersAreExact() throws {
        let types: [(AlgebraicType, Int)] = [(.u8, 8), (.u16, 16), (.u32, 32), (.u64, 64), (.u128, 128), (.u256, 256)]
        for (type, bits) in types {
            let greatest = bits == 256 ? UInt256.max : UInt256(high: 0, low: .max >> UInt128(128 - bits))
            let digits = greatest.description
            let point = digits.index(digits.startIndex, offsetBy: digits.count / 2)
            let shifted = "\(digits[..<point]).\(digits[point...])e\(digits[point...].count)"
            for text in [digits, digits + ".000", "+" + digits, shifted] {
                let value = try literal(text).value(as: type)
                #expect("\(String(describing: value))".contains(digits), "\(text) is \(String(describing: value))")
            }
            let next = bits == 256 ? nil : try literal((greatest &+ 1).description).value(as: type)
            #expect(next == nil)
        }
    }
}
