/// An unsigned 256-bit integer: a key, a hash, an identity. It offers what such numbers need (order, hashing, addition,
/// text) and is deliberately not a full `FixedWidthInteger`.
@frozen public struct UInt256: Hashable, Sendable, BitwiseCopyable {
    /// The low 64 bits, and so on upwards. Four words rather than two `UInt128` keep the alignment at 8 bytes.
    @usableFromInline let word0, word1, word2, word3: UInt64

    /// From 64-bit words, least significant first.
    @inlinable public init(words word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }

    /// `high * 2^128 + low`.
    @inlinable public init(high: UInt128, low: UInt128) {
        self.init(
            words: UInt64(truncatingIfNeeded: low), UInt64(truncatingIfNeeded: low >> 64),
            UInt64(truncatingIfNeeded: high), UInt64(truncatingIfNeeded: high >> 64))
    }

    /// Any unsigned integer of up to 128 bits.
    @inlinable public init(_ value: UInt128) { self.init(high: 0, low: value) }

    /// The same 256 bits read as unsigned.
    @inlinable public init(bitPattern value: Int256) { self = value.bits }

    /// The low half.
    @inlinable public var low: UInt128 { UInt128(word1) << 64 | UInt128(word0) }

    /// The high half.
    @inlinable public var high: UInt128 { UInt128(word3) << 64 | UInt128(word2) }

    /// 0
    @inlinable public static var zero: UInt256 { UInt256(words: 0, 0, 0, 0) }

    /// 0
    @inlinable public static var min: UInt256 { zero }

    /// 2^256 − 1
    @inlinable public static var max: UInt256 { UInt256(words: .max, .max, .max, .max) }
}

extension UInt256: ExpressibleByIntegerLiteral {
    /// A literal of up to 128 bits.
    @inlinable public init(integerLiteral value: UInt128) { self.init(value) }
}

extension UInt256: Comparable {
    /// Numeric order.
    @inlinable public static func < (left: UInt256, right: UInt256) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}
