/// A signed 256-bit integer in two's complement. See ``UInt256`` for what these types offer.
@frozen public struct Int256: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline let bits: UInt256

    /// The same 256 bits read as two's complement.
    @inlinable public init(bitPattern bits: UInt256) { self.bits = bits }

    /// Any integer of up to 128 bits.
    @inlinable public init(_ value: Int128) {
        bits = UInt256(high: value < 0 ? .max : 0, low: UInt128(bitPattern: value))
    }

    /// Whether the number is below zero.
    @inlinable public var isNegative: Bool { bits.word3 >> 63 == 1 }

    /// 0
    @inlinable public static var zero: Int256 { Int256(bitPattern: .zero) }

    /// −2^255
    @inlinable public static var min: Int256 { Int256(bitPattern: UInt256(words: 0, 0, 0, 1 << 63)) }

    /// 2^255 − 1
    @inlinable public static var max: Int256 {
        Int256(bitPattern: UInt256(words: .max, .max, .max, .max >> 1))
    }
}

extension Int256: ExpressibleByIntegerLiteral {
    /// A literal of up to 128 bits.
    @inlinable public init(integerLiteral value: Int128) { self.init(value) }
}

extension Int256: Comparable {
    /// Numeric order.
    @inlinable public static func < (left: Int256, right: Int256) -> Bool {
        left.isNegative != right.isNegative ? left.isNegative : left.bits < right.bits
    }
}
