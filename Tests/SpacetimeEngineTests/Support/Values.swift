import SpacetimeSATS

extension SplitMix64 {
    private static let scalars: [AlgebraicType] = [
        .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256, .f32, .f64, .string, .bytes,
    ]

    /// A type without references.
    mutating func type(depth: Int = 3) -> AlgebraicType {
        guard depth > 0 else { return Self.scalars[below(Self.scalars.count)] }
        switch below(9) {
        case 0: return .array(type(depth: depth - 1))
        case 1: return .option(type(depth: depth - 1))
        case 2: return .product((0..<below(4)).map { ("f\($0)", type(depth: depth - 1)) })
        case 3: return .sum((0..<1 + below(4)).map { ("V\($0)", type(depth: depth - 1)) })
        case 4: return [.identity, .connectionId, .timestamp, .timeDuration, .uuid, .scheduleAt, .unit][below(7)]
        case 5: return .sum((0..<1 + below(5)).map { ("C\($0)", .unit) })
        default: return Self.scalars[below(Self.scalars.count)]
        }
    }

    /// A value of a type. Numbers lie mostly below `domain`, texts are few, so that values meet again.
    mutating func value(of type: AlgebraicType, domain: Int = 50) -> AlgebraicValue {
        switch type {
        case .bool: return .bool(oneIn(2))
        case .i8: return .i8(Int8(truncatingIfNeeded: integer(domain)))
        case .u8: return .u8(UInt8(truncatingIfNeeded: integer(domain)))
        case .i16: return .i16(Int16(truncatingIfNeeded: integer(domain)))
        case .u16: return .u16(UInt16(truncatingIfNeeded: integer(domain)))
        case .i32: return .i32(Int32(truncatingIfNeeded: integer(domain)))
        case .u32: return .u32(UInt32(truncatingIfNeeded: integer(domain)))
        case .i64: return .i64(Int64(truncatingIfNeeded: integer(domain)))
        case .u64: return .u64(UInt64(truncatingIfNeeded: integer(domain)))
        case .i128: return .i128(integer(domain))
        case .u128: return .u128(UInt128(truncatingIfNeeded: integer(domain)))
        case .i256: return .i256(Int256(bitPattern: wide(domain)))
        case .u256: return .u256(wide(domain))
        case .f32: return .f32(float32(domain))
        case .f64: return .f64(float64(domain))
        case .string: return .string(text(domain))
        case .array(.u8):
            return .bytes(oneIn(4) ? bytes(below(12)) : [UInt8](repeating: UInt8(below(3)), count: below(4)))
        case .array(let element): return .array((0..<below(4)).map { _ in value(of: element, domain: domain) })
        case .product(let product):
            return .product(product.elements.map { value(of: $0.algebraicType, domain: domain) })
        case .sum(let sum):
            let tag = below(sum.variants.count)
            return .sum(tag: UInt8(tag), value(of: sum.variants[tag].algebraicType, domain: domain))
        case .ref: return .unit
        }
    }

    /// Small numbers of either sign, and the neighbourhoods of powers of two.
    mutating func integer(_ domain: Int) -> Int128 {
        switch below(16) {
        case 0: return (1 << Int128(below(127))) + Int128(below(3)) - 1
        case 1: return -(1 << Int128(below(127))) + Int128(below(3)) - 1
        case 2, 3: return -Int128(below(domain)) - 1
        default: return Int128(below(domain))
        }
    }

    private mutating func wide(_ domain: Int) -> UInt256 {
        let high = oneIn(3) ? 0 : UInt128(truncatingIfNeeded: integer(domain))
        return UInt256(high: high, low: UInt128(truncatingIfNeeded: integer(domain)))
    }

    private mutating func float64(_ domain: Int) -> Double {
        let special: [Double] = [
            0, -0.0, .nan, -.nan, Double(nan: 5, signaling: false), .infinity, -.infinity, .leastNonzeroMagnitude,
            -.leastNonzeroMagnitude, 0.1,
            .greatestFiniteMagnitude, 1, -1,
        ]
        if oneIn(2) { return special[below(special.count)] }
        return oneIn(8) ? Double(bitPattern: next()) : Double(below(domain)) - Double(domain / 2)
    }

    private mutating func float32(_ domain: Int) -> Float {
        let special: [Float] = [
            0, -0.0, .nan, -.nan, Float(nan: 5, signaling: false), .infinity, -.infinity, .leastNonzeroMagnitude,
            -.leastNonzeroMagnitude, 0.1, 1, -1,
        ]
        if oneIn(2) { return special[below(special.count)] }
        return oneIn(8)
            ? Float(bitPattern: UInt32(truncatingIfNeeded: next())) : Float(below(domain)) - Float(domain / 2)
    }

    private mutating func text(_ domain: Int) -> String {
        switch below(8) {
        case 0: return ["", "\0", "\0\0", "a", "a\0", "a\0b", "\u{1}", "é", "e\u{301}", "\u{10FFFF}", "✓🙂"][below(11)]
        // Equal in the first eight bytes, so that ties decide.
        case 1, 2, 3: return "shared prefix \(below(domain))"
        case 4: return String(repeating: "ab\0", count: below(6))
        default: return String(below(domain))
        }
    }
}

extension AlgebraicValue {
    /// An integer value of a type from the low bits of a number.
    static func integer(_ value: Int128, of type: AlgebraicType) -> AlgebraicValue {
        switch type {
        case .i8: .i8(Int8(truncatingIfNeeded: value))
        case .u8: .u8(UInt8(truncatingIfNeeded: value))
        case .i16: .i16(Int16(truncatingIfNeeded: value))
        case .u16: .u16(UInt16(truncatingIfNeeded: value))
        case .i32: .i32(Int32(truncatingIfNeeded: value))
        case .u32: .u32(UInt32(truncatingIfNeeded: value))
        case .i64: .i64(Int64(truncatingIfNeeded: value))
        case .u64: .u64(UInt64(truncatingIfNeeded: value))
        case .i128: .i128(value)
        case .u128: .u128(UInt128(truncatingIfNeeded: value))
        case .i256, .u256: wide(value, type)
        default: .unit
        }
    }

    private static func wide(_ value: Int128, _ type: AlgebraicType) -> AlgebraicValue {
        let bits = UInt256(high: value < 0 ? .max : 0, low: UInt128(truncatingIfNeeded: value))
        return type == .i256 ? .i256(Int256(bitPattern: bits)) : .u256(bits)
    }

    /// The value of an integer; nil if it is beyond 128 bits.
    var int128: Int128? {
        switch self {
        case .i8(let value): return Int128(value)
        case .u8(let value): return Int128(value)
        case .i16(let value): return Int128(value)
        case .u16(let value): return Int128(value)
        case .i32(let value): return Int128(value)
        case .u32(let value): return Int128(value)
        case .i64(let value): return Int128(value)
        case .u64(let value): return Int128(value)
        case .i128(let value): return value
        case .u128(let value): return Int128(exactly: value)
        case .u256(let value): return value.high == 0 ? Int128(exactly: value.low) : nil
        case .i256: return Self.narrowed(bsatn())
        default: return nil
        }
    }

    private static func narrowed(_ bytes: [UInt8]) -> Int128? {
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int128.self) }
        return bytes[16...].allSatisfy { $0 == (value < 0 ? 0xFF : 0) } ? value : nil
    }

    var isZeroInteger: Bool { bsatn().allSatisfy { $0 == 0 } }
}

typealias Row = [AlgebraicValue]

/// The image of a row or of a key.
func image(_ values: Row) -> [UInt8] { values.flatMap { $0.bsatn() } }
