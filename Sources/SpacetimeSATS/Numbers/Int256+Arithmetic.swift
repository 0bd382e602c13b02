extension Int256 {
    /// The absolute value, which for ``min`` only an unsigned number can hold.
    @inlinable public var magnitude: UInt256 { isNegative ? .zero &- bits : bits }

    /// From a sign and a magnitude, or nil if the number does not fit.
    public init?(isNegative: Bool, magnitude: UInt256) {
        let limit = UInt256(bitPattern: .max)
        guard magnitude <= limit || (isNegative && magnitude == limit &+ 1) else { return nil }
        self.init(bitPattern: isNegative ? .zero &- magnitude : magnitude)
    }

    /// The sum modulo 2^256, and whether it left the range.
    @inlinable public func addingReportingOverflow(_ other: Int256) -> (partialValue: Int256, overflow: Bool) {
        let sum = Int256(bitPattern: bits &+ other.bits)
        return (sum, isNegative == other.isNegative && sum.isNegative != isNegative)
    }

    /// The difference modulo 2^256, and whether it left the range.
    @inlinable public func subtractingReportingOverflow(_ other: Int256) -> (partialValue: Int256, overflow: Bool) {
        let difference = Int256(bitPattern: bits &- other.bits)
        return (difference, isNegative != other.isNegative && difference.isNegative != isNegative)
    }

    /// The sum modulo 2^256.
    @inlinable public static func &+ (left: Int256, right: Int256) -> Int256 {
        Int256(bitPattern: left.bits &+ right.bits)
    }

    /// The difference modulo 2^256.
    @inlinable public static func &- (left: Int256, right: Int256) -> Int256 {
        Int256(bitPattern: left.bits &- right.bits)
    }

    /// The sum; traps on overflow, like the integers of Swift.
    @inlinable public static func + (left: Int256, right: Int256) -> Int256 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        precondition(!overflow, "the sum does not fit 256 bits")
        return sum
    }

    /// The difference; traps on overflow, like the integers of Swift.
    @inlinable public static func - (left: Int256, right: Int256) -> Int256 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        precondition(!overflow, "the difference does not fit 256 bits")
        return difference
    }

    /// The number with the other sign; traps for ``min``.
    @inlinable public static prefix func - (value: Int256) -> Int256 { .zero - value }
}

extension Int256: CustomStringConvertible, LosslessStringConvertible {
    /// The number in decimal.
    public var description: String { isNegative ? "-\(magnitude)" : "\(magnitude)" }

    /// From decimal digits after an optional `-`; nil for anything else and for numbers out of range.
    public init?(_ description: String) {
        let isNegative = description.utf8.first == UInt8(ascii: "-")
        guard let magnitude = UInt256(String(description.unicodeScalars.dropFirst(isNegative ? 1 : 0))) else {
            return nil
        }
        self.init(isNegative: isNegative, magnitude: magnitude)
    }
}

extension Int128 {
    /// The same number, or nil if it does not fit.
    @inlinable public init?(exactly value: Int256) {
        let low = Int128(truncatingIfNeeded: value.bits.low)
        guard Int256(low) == value else { return nil }
        self = low
    }
}
