extension UInt256 {
    /// The low 256 bits of the sum, and whether more were needed.
    @inlinable public func addingReportingOverflow(_ other: UInt256) -> (partialValue: UInt256, overflow: Bool) {
        let (low, carry) = low.addingReportingOverflow(other.low)
        let (sum, overflow) = high.addingReportingOverflow(other.high)
        let (high, overflowByCarry) = sum.addingReportingOverflow(carry ? 1 : 0)
        return (UInt256(high: high, low: low), overflow || overflowByCarry)
    }

    /// The difference modulo 2^256, and whether it would be negative.
    @inlinable public func subtractingReportingOverflow(_ other: UInt256) -> (partialValue: UInt256, overflow: Bool) {
        let (low, borrow) = low.subtractingReportingOverflow(other.low)
        let (difference, overflow) = high.subtractingReportingOverflow(other.high)
        let (high, overflowByBorrow) = difference.subtractingReportingOverflow(borrow ? 1 : 0)
        return (UInt256(high: high, low: low), overflow || overflowByBorrow)
    }

    /// The sum modulo 2^256.
    @inlinable public static func &+ (left: UInt256, right: UInt256) -> UInt256 {
        left.addingReportingOverflow(right).partialValue
    }

    /// The difference modulo 2^256.
    @inlinable public static func &- (left: UInt256, right: UInt256) -> UInt256 {
        left.subtractingReportingOverflow(right).partialValue
    }

    /// The sum; traps on overflow, like the integers of Swift.
    @inlinable public static func + (left: UInt256, right: UInt256) -> UInt256 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        precondition(!overflow, "the sum does not fit 256 bits")
        return sum
    }

    /// The difference; traps if it were negative, like the integers of Swift.
    @inlinable public static func - (left: UInt256, right: UInt256) -> UInt256 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        precondition(!overflow, "the difference is negative")
        return difference
    }

    /// All bits inverted.
    @inlinable public static prefix func ~ (value: UInt256) -> UInt256 {
        UInt256(words: ~value.word0, ~value.word1, ~value.word2, ~value.word3)
    }

    /// The quotient by a word, and the remainder. `divisor` must not be zero.
    func dividedByWord(_ divisor: UInt64) -> (quotient: UInt256, remainder: UInt64) {
        var remainder: UInt64 = 0
        func digit(_ word: UInt64) -> UInt64 {
            // The remainder is less than the divisor, so the quotient fits a word.
            let (quotient, rest) = divisor.dividingFullWidth((remainder, word))
            remainder = rest
            return quotient
        }
        let (third, second, first, zeroth) = (digit(word3), digit(word2), digit(word1), digit(word0))
        return (UInt256(words: zeroth, first, second, third), remainder)
    }

    /// `self * factor + summand`, or nil if that needs more than 256 bits.
    func multipliedByWord(_ factor: UInt64, adding summand: UInt64) -> UInt256? {
        var carry = summand
        func digit(_ word: UInt64) -> UInt64 {
            let (high, low) = word.multipliedFullWidth(by: factor)
            let (sum, overflow) = low.addingReportingOverflow(carry)
            carry = high &+ (overflow ? 1 : 0)
            return sum
        }
        let (zeroth, first, second, third) = (digit(word0), digit(word1), digit(word2), digit(word3))
        return carry == 0 ? UInt256(words: zeroth, first, second, third) : nil
    }
}

extension UInt256: CustomStringConvertible, LosslessStringConvertible {
    /// The number in decimal.
    public var description: String {
        let chunk: UInt64 = 10_000_000_000_000_000_000
        var parts: [String] = []
        var rest = self
        repeat {
            let (quotient, remainder) = rest.dividedByWord(chunk)
            let digits = String(remainder)
            parts.append(
                quotient == .zero ? digits : String(repeating: "0", count: 19 - digits.utf8.count) + digits)
            rest = quotient
        } while rest != .zero
        return parts.reversed().joined()
    }

    /// From decimal digits, without sign; nil for anything else and for numbers past ``max``.
    public init?(_ description: String) {
        var value = UInt256.zero
        guard !description.isEmpty else { return nil }
        for character in description.utf8 {
            guard character >= 48, character <= 57,
                let next = value.multipliedByWord(10, adding: UInt64(character - 48))
            else { return nil }
            value = next
        }
        self = value
    }
}

extension UInt128 {
    /// The low 128 bits.
    @inlinable public init(truncatingIfNeeded value: UInt256) { self = value.low }

    /// The same number, or nil if it is larger than 128 bits.
    @inlinable public init?(exactly value: UInt256) {
        guard value.high == 0 else { return nil }
        self = value.low
    }
}

extension UInt64 {
    /// The low 64 bits.
    @inlinable public init(truncatingIfNeeded value: UInt256) { self = value.word0 }

    /// The same number, or nil if it is larger than 64 bits.
    @inlinable public init?(exactly value: UInt256) {
        guard value.high == 0, value.word1 == 0 else { return nil }
        self = value.word0
    }
}
