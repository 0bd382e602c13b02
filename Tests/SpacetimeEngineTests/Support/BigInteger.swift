/// Integers of any size, as simple as they can be: the oracle of exact sums.
struct BigInteger: Equatable {
    var isNegative = false
    /// Digits of 32 bits, the lowest first, without zeros at the end.
    var digits: [UInt32] = []

    init() {}

    init(_ value: UInt64, shiftedBy shift: Int = 0, isNegative: Bool = false) {
        digits = [UInt32](repeating: 0, count: shift / 32)
        let shifted = UInt128(value) << UInt128(shift % 32)
        for place in 0..<4 { digits.append(UInt32(truncatingIfNeeded: shifted >> UInt128(place * 32))) }
        self.isNegative = isNegative
        trim()
    }

    /// A little-endian integer.
    init(bytes: [UInt8], isSigned: Bool) {
        isNegative = isSigned && bytes[bytes.count - 1] >> 7 == 1
        var carry: UInt16 = isNegative ? 1 : 0
        var magnitude: [UInt8] = []
        for byte in bytes {
            carry += UInt16(isNegative ? ~byte : byte)
            magnitude.append(UInt8(truncatingIfNeeded: carry))
            carry >>= 8
        }
        magnitude += [UInt8(carry), 0, 0, 0, 0]
        for start in stride(from: 0, to: magnitude.count / 4 * 4, by: 4) {
            digits.append((0..<4).reduce(0) { $0 | UInt32(magnitude[start + $1]) << UInt32($1 * 8) })
        }
        trim()
    }

    /// A finite float as a multiple of 2^-1074.
    init(units value: Double) {
        let exponent = Int(value.bitPattern >> 52 & 0x7FF)
        let fraction = value.bitPattern & (1 << 52 - 1)
        self.init(
            exponent == 0 ? fraction : fraction | 1 << 52, shiftedBy: max(exponent - 1, 0),
            isNegative: value.sign == .minus)
    }

    private mutating func trim() {
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { isNegative = false }
    }

    private func digit(_ place: Int) -> Int64 { place < digits.count ? Int64(digits[place]) : 0 }

    /// Compares without the signs.
    private func isSmaller(than other: BigInteger) -> Bool {
        for place in (0..<max(digits.count, other.digits.count)).reversed() where digit(place) != other.digit(place) {
            return digit(place) < other.digit(place)
        }
        return false
    }

    static prefix func - (value: BigInteger) -> BigInteger {
        var result = value
        result.isNegative = !value.isNegative && !value.digits.isEmpty
        return result
    }

    static func + (left: BigInteger, right: BigInteger) -> BigInteger {
        if left.isNegative != right.isNegative, left.isSmaller(than: right) { return right + left }
        let sign: Int64 = left.isNegative == right.isNegative ? 1 : -1
        var result = BigInteger()
        result.isNegative = left.isNegative
        var carry: Int64 = 0
        for place in 0..<max(left.digits.count, right.digits.count) + 1 {
            carry += left.digit(place) + sign * right.digit(place)
            result.digits.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        result.trim()
        return result
    }

    static func - (left: BigInteger, right: BigInteger) -> BigInteger { left + -right }

    static func * (left: BigInteger, right: Int) -> BigInteger {
        var result = BigInteger()
        result.isNegative = left.isNegative
        var carry: UInt64 = 0
        for digit in left.digits {
            carry += UInt64(digit) * UInt64(right)
            result.digits.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        result.digits.append(UInt32(carry))
        result.trim()
        return result
    }

    var magnitude: BigInteger { isNegative ? -self : self }

    static func < (left: BigInteger, right: BigInteger) -> Bool { (left - right).isNegative }
    static func <= (left: BigInteger, right: BigInteger) -> Bool { !(right < left) }
}

/// Whether a float is the one nearest to `sum / count`, where the sum is in units of 2^-1074.
func isNearest(_ value: Double, toUnits sum: BigInteger, dividedBy count: Int) -> Bool {
    // Half a step beyond the largest number.
    let limit = BigInteger(1 << 54 - 1, shiftedBy: 1074 + 1024 - 54) * count
    if value == .infinity || value == -.infinity { return value > 0 ? limit <= sum : limit <= -sum }
    if limit <= sum.magnitude { return false }
    func distance(_ float: Double) -> BigInteger { (sum - BigInteger(units: float) * count).magnitude }
    let here = distance(value)
    for neighbour in [value.nextUp, value.nextDown] where neighbour.isFinite {
        let there = distance(neighbour)
        if there < here || there == here && value.bitPattern & 1 == 1 { return false }
    }
    return true
}
