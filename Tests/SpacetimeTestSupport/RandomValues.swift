package import SpacetimeSATS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The seed of a random test: SPACETIME_SEED, or a new one; printed, so that a failure can be replayed.
package func freshSeed(_ test: String = #function) -> UInt64 {
    let given = getenv("SPACETIME_SEED").flatMap { UInt64(String(cString: $0)) }
    let seed = given ?? UInt64.random(in: .min ... .max)
    print("\(test): SPACETIME_SEED=\(seed)")
    return seed
}

/// Types, values, texts and names that are likely to go wrong somewhere. Equal seeds give equal ones.
package struct RandomValues: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// True once in `count` times.
    package mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    package mutating func one<Item>(of items: [Item]) -> Item { items[below(items.count)] }

    // MARK: Types

    private static let scalars: [AlgebraicType] = [
        .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64, .string, .bytes,
        .f32, .f64, .string, .identity, .connectionId, .timestamp, .timeDuration, .uuid, .scheduleAt,
    ]

    /// A type without references whose parts are named.
    package mutating func type(depth: Int = 3) -> AlgebraicType {
        guard depth > 0 else { return one(of: Self.scalars) }
        switch below(9) {
        case 0: return .array(type(depth: depth - 1))
        case 1, 2: return .option(type(depth: depth - 1))
        case 3: return .product((0..<below(4)).map { ("f\($0)", type(depth: depth - 1)) })
        case 4: return .sum((0..<1 + below(4)).map { ("v\($0)", oneIn(2) ? .unit : type(depth: depth - 1)) })
        case 5: return .result(oneIn(2) ? .unit : type(depth: depth - 1), .string)
        default: return one(of: Self.scalars)
        }
    }

    // MARK: Values

    package mutating func value(of type: AlgebraicType) -> AlgebraicValue {
        switch type {
        case .bool: return .bool(oneIn(2))
        case .i8: return .i8(Int8(truncatingIfNeeded: wide()))
        case .u8: return .u8(UInt8(truncatingIfNeeded: wide()))
        case .i16: return .i16(Int16(truncatingIfNeeded: wide()))
        case .u16: return .u16(UInt16(truncatingIfNeeded: wide()))
        case .i32: return .i32(Int32(truncatingIfNeeded: wide()))
        case .u32: return .u32(UInt32(truncatingIfNeeded: wide()))
        case .i64: return .i64(Int64(truncatingIfNeeded: wide()))
        case .u64: return .u64(UInt64(truncatingIfNeeded: wide()))
        case .i128: return .i128(Int128(truncatingIfNeeded: wide()))
        case .u128: return .u128(wide())
        case .i256: return .i256(Int256(bitPattern: UInt256(high: wide(), low: wide())))
        case .u256: return .u256(UInt256(high: wide(), low: wide()))
        case .f32: return .f32(single())
        case .f64: return .f64(double())
        case .string: return .string(text())
        case .array(.u8): return .bytes((0..<below(10)).map { _ in UInt8(truncatingIfNeeded: next()) })
        case .array(let element): return .array((0..<below(4)).map { _ in value(of: element) })
        case .product(let product): return .product(product.elements.map { value(of: $0.algebraicType) })
        case .sum(let sum):
            let tag = below(sum.variants.count)
            return .sum(tag: UInt8(tag), value(of: sum.variants[tag].algebraicType))
        case .ref: return .unit
        }
    }

    /// All bits, few bits, and the neighbourhood of powers of two.
    private mutating func wide() -> UInt128 {
        switch below(4) {
        case 0: UInt128(below(3)) &- 1
        case 1: (1 << UInt128(below(128))) &+ UInt128(below(3)) &- 1
        default: UInt128(next()) << 64 | UInt128(next())
        }
    }

    private mutating func double() -> Double {
        let special: [Double] = [
            0, -0.0, 1, -1.5, 0.1, 1e16, 1e-7, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity,
            -.infinity, .nan, -.nan, .signalingNaN, Double(bitPattern: 0x7FF8_0000_0000_0005),
            Double(bitPattern: 0xFFF0_0000_0000_0001), Double(bitPattern: next() | 0x7FF0_0000_0000_0000),
        ]
        return oneIn(2) ? one(of: special) : Double(bitPattern: next())
    }

    private mutating func single() -> Float {
        let special: [Float] = [
            0, -0.0, 1, -1.5, 0.1, 16_777_216, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity,
            .nan, -.nan, .signalingNaN, Float(bitPattern: 0x7FC0_0005), Float(bitPattern: 0xFF80_0001),
            Float(bitPattern: UInt32(truncatingIfNeeded: next()) | 0x7F80_0000),
        ]
        return oneIn(2) ? one(of: special) : Float(bitPattern: UInt32(truncatingIfNeeded: next()))
    }

    // MARK: Texts

    /// Often empty; quotes, line ends, NUL, byte order marks, and scalars that join the one before.
    package mutating func text() -> String {
        let parts = [
            "a", "Z", "0", ",", "\"", "'", "\r\n", "\n", "\r", "\0", "\\", " ", "\t", "\u{FEFF}", "é", "e\u{301}",
            "\u{301}",
            "\u{200D}", "\u{200C}", "\u{FE0F}", "漢", "😀", "👩‍👩‍👧", "\u{85}", "\u{2028}", "\u{10FFFF}", "\u{7F}", "\u{1}",
            "null", "NaN",
            "{", "[", "]", "}", "0x", "true", ";", "=1+1",
        ]
        var text = ""
        for _ in 0..<below(7) { text.unicodeScalars.append(contentsOf: one(of: parts).unicodeScalars) }
        return text
    }
}
