// Memory safety. Lent buffers: limbs are read below their count.

/// The float nearest to `magnitude * 2^scale / divisor`, ties to the even one: the exact quotient is rounded once, whatever
/// the number of limbs. What is too large becomes infinite, what is too small zero.
///
/// - Parameter magnitude: 64-bit limbs, the lowest first.
/// - Parameter divisor: not zero.
func roundedQuotient(
    _ magnitude: UnsafeBufferPointer<UInt64>, scale: Int, dividedBy divisor: UInt64, isNegative: Bool
) -> Double {
    var limb = magnitude.count - 1
    while limb >= 0, unsafe magnitude[limb] == 0 { limb -= 1 }
    guard limb >= 0 else { return 0 }
    // Long division from the highest limb on, until two digits are there of which the higher is not zero: 65 bits at least.
    // The last of them may stand behind the point.
    var remainder: UInt64 = 0
    var high: UInt64 = 0
    var low: UInt64 = 0
    while high == 0 {
        let (digit, rest) = unsafe divisor.dividingFullWidth((remainder, limb >= 0 ? magnitude[limb] : 0))
        (high, low, remainder) = (low, digit, rest)
        limb -= 1
    }
    // What follows only has to be told from nothing.
    var hasRest = remainder != 0
    for lower in 0..<max(limb + 1, 0) where unsafe magnitude[lower] != 0 { hasRest = true }
    let quotient = UInt128(high) << 64 | UInt128(low)
    let result = rounded(quotient, exponent: scale + 64 * (limb + 1), hasRest: hasRest)
    return isNegative ? -result : result
}

/// The float nearest to `value * 2^exponent`, or to a little more than that.
///
/// - Parameter value: 65 bits at least.
private func rounded(_ value: UInt128, exponent: Int, hasRest: Bool) -> Double {
    let shift = value.leadingZeroBitCount
    let aligned = value << UInt128(shift)
    // The highest bit of the aligned value stands for two to this power.
    let power = exponent - shift + 127
    if power > 1023 { return .infinity }
    // Of 128 bits 53 fit; of numbers below the normal ones fewer.
    let isNormal = power >= -1022
    let dropped = 75 + (isNormal ? 0 : -1022 - power)
    if dropped > 128 { return 0 }
    let half: UInt128 = 1 << UInt128(dropped - 1)
    let kept = dropped < 128 ? UInt64(truncatingIfNeeded: aligned >> UInt128(dropped)) : 0
    let roundsUp = aligned & half != 0 && (hasRest || aligned & (half - 1) != 0 || kept & 1 == 1)
    // The leading one of a normal number counts into the exponent, and so does what rounding carries.
    let pattern = (isNormal ? UInt64(power + 1022) << 52 : 0) + kept + (roundsUp ? 1 : 0)
    return Double(bitPattern: pattern)
}
