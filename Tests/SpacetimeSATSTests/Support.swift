import SpacetimeSATS
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A small repeatable generator: equal seeds give equal sequences.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// How many inputs a fuzzing test tries: the environment variable SPACETIME_FUZZ_ITERATIONS, or 20,000.
var fuzzIterations: Int {
    guard let text = getenv("SPACETIME_FUZZ_ITERATIONS") else { return 20_000 }
    return Int(String(cString: text)) ?? 20_000
}

func hex(_ text: String) -> [UInt8] {
    guard let bytes = Hexadecimal.bytes(text.filter { $0 != " " }) else {
        Issue.record("the test's own hexadecimal is malformed: \(text)")
        return []
    }
    return bytes
}

extension SplitMix64 {
    private static let scalars: [AlgebraicType] = [
        .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64, .string, .bytes,
    ]

    /// A type without references whose composites are named, so that every JSON style can write it.
    mutating func type(depth: Int = 3) -> AlgebraicType {
        guard depth > 0 else { return Self.scalars[below(Self.scalars.count)] }
        switch below(8) {
        case 0: return .array(type(depth: depth - 1))
        case 1: return .option(type(depth: depth - 1))
        case 2: return .product((0..<below(4)).map { ("f\($0)", type(depth: depth - 1)) })
        case 3: return .sum((0..<1 + below(4)).map { ("V\($0)", type(depth: depth - 1)) })
        case 4: return [.identity, .connectionId, .timestamp, .timeDuration, .uuid, .scheduleAt][below(6)]
        default: return Self.scalars[below(Self.scalars.count)]
        }
    }

    mutating func text() -> String {
        let alphabet: [Character] = ["a", "Z", "0", "\"", "\\", "\n", "\u{1}", "é", "e\u{301}", "✓", "🙂", "\u{7f}"]
        return String((0..<below(20)).map { _ in alphabet[below(alphabet.count)] })
    }

    mutating func float() -> Double {
        let special: [Double] = [
            0, -0.0, 1, -1.5, 0.1, 1e16, 1e-7, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 123_456_789,
        ]
        if below(2) == 0 { return special[below(special.count)] }
        let value = Double(bitPattern: next())
        return value.isFinite ? value : 1
    }

    /// A value of `type`; floats are finite, so that JSON can hold them.
    mutating func value(of type: AlgebraicType) -> AlgebraicValue {
        switch type {
        case .bool: return .bool(below(2) == 1)
        case .i8: return .i8(Int8(truncatingIfNeeded: next()))
        case .u8: return .u8(UInt8(truncatingIfNeeded: next()))
        case .i16: return .i16(Int16(truncatingIfNeeded: next()))
        case .u16: return .u16(UInt16(truncatingIfNeeded: next()))
        case .i32: return .i32(Int32(truncatingIfNeeded: next()))
        case .u32: return .u32(UInt32(truncatingIfNeeded: next()))
        case .i64: return .i64(Int64(bitPattern: next()))
        case .u64: return .u64(next())
        case .i128: return .i128(Int128(truncatingIfNeeded: wide()))
        case .u128: return .u128(wide())
        case .i256: return .i256(Int256(bitPattern: UInt256(high: wide(), low: wide())))
        case .u256: return .u256(UInt256(high: wide(), low: wide()))
        case .f32:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: next()))
            return .f32(value.isFinite ? value : -0.0)
        case .f64: return .f64(float())
        case .string: return .string(text())
        case .array(.u8): return .bytes(bytes(below(10)))
        case .array(let element): return .array((0..<below(4)).map { _ in value(of: element) })
        case .product(let product): return .product(product.elements.map { value(of: $0.algebraicType) })
        case .sum(let sum):
            let tag = below(sum.variants.count)
            return .sum(tag: UInt8(tag), value(of: sum.variants[tag].algebraicType))
        case .ref: return .unit
        }
    }

    private mutating func wide() -> UInt128 {
        below(3) == 0 ? UInt128(below(3)) : UInt128(next()) << 64 | UInt128(next())
    }
}
