// Memory safety. Own memory: `wide` has `wideCount` words, and is freed by `release`, which the owner calls once, when the
// sum is not used any more. Limbs of the window are the words of a tuple, which lie behind each other.

/// The exact sum of floats: numbers may be taken out again in any order, and what is left is as if they had never been there.
///
/// Every finite float is an integer times 2^-1074, and the sum is kept as such, in two's complement. That takes 34 words for
/// floats of all sizes; but mostly they are of similar size, so four words are kept, from word ``base`` on, and memory for
/// all words is taken when a float does not fit into these. A result is rounded once, from the exact sum. It depends on nothing
/// but the numbers that are in the sum: not on their order, and not on which of the two forms the sum is kept in.
///
/// NaNs and infinities are counted. A sum of a NaN, or of infinities of both signs, is NaN; of infinities of one sign it is
/// that. A sum of nothing but zeros is +0.
///
/// `@safe`: as said above.
@safe
struct FloatSum: BitwiseCopyable {
    private var window: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private var wide: UnsafeMutablePointer<UInt64>?
    /// The position of the window's lowest word in the whole number.
    private var base: Int32 = 0

    /// Words of a whole number: 2098 bits for the largest float, 64 more for as many of them as can be counted, and a sign.
    private static let limbCount = 34
    /// Behind the number: how many NaNs, infinities and negative infinities there are.
    private static let wideCount = limbCount + 3
    private static let windowCount = 4

    init() {}

    func release() { unsafe wide?.deallocate() }

    /// Adds a number, or takes one out that was added.
    mutating func add(_ value: Double, isRemoval: Bool) {
        guard value.isFinite else { return addSpecial(value, isRemoval) }
        let bits = value.bitPattern
        let exponent = Int(bits >> 52 & 0x7FF)
        let fraction = bits & (1 << 52 - 1)
        let mantissa = exponent == 0 ? fraction : fraction | 1 << 52
        if mantissa == 0 { return }
        let position = max(exponent - 1, 0)
        let limb = position >> 6
        let shift = UInt64(position & 63)
        let low = mantissa << shift
        let high = shift == 0 ? 0 : mantissa >> (64 - shift)
        let isNegative = (bits >> 63 == 1) != isRemoval
        if unsafe wide == nil {
            if isZero { base = Int32(max(limb - 1, 0)) }
            let place = limb - Int(base)
            if place >= 0, place <= Self.windowCount - 2 {
                addToWindow(place, low, high, isNegative)
                return
            }
            widen()
        }
        if let wide = unsafe wide { unsafe Self.add(low, high, isNegative, to: wide + limb, Self.limbCount - limb) }
    }

    private var isZero: Bool { window.0 | window.1 | window.2 | window.3 == 0 }

    @inline(__always)
    private mutating func addToWindow(_ place: Int, _ low: UInt64, _ high: UInt64, _ isNegative: Bool) {
        unsafe withUnsafeMutablePointer(to: &window) { window in
            let limbs = unsafe UnsafeMutableRawPointer(window).assumingMemoryBound(to: UInt64.self)
            unsafe Self.add(low, high, isNegative, to: limbs + place, Self.windowCount - place)
        }
        // Not more than 53 bits come to the highest word at a time, so it is wide enough as long as this holds before.
        let top = Int64(bitPattern: window.3)
        if top >= 1 << 62 || top < -(1 << 62) { widen() }
    }

    /// Adds two words to a number in two's complement, or subtracts them.
    @inline(__always)
    private static func add(
        _ low: UInt64, _ high: UInt64, _ isNegative: Bool, to limbs: UnsafeMutablePointer<UInt64>, _ count: Int
    ) {
        var carry: UInt64 = 0
        for place in 0..<count {
            let part = place == 0 ? low : place == 1 ? high : 0
            if place > 1, carry == 0 { return }
            if isNegative {
                let (first, borrowed) = unsafe limbs[place].subtractingReportingOverflow(part)
                let (second, borrowedAgain) = first.subtractingReportingOverflow(carry)
                unsafe limbs[place] = second
                carry = borrowed || borrowedAgain ? 1 : 0
            } else {
                let (first, carried) = unsafe limbs[place].addingReportingOverflow(part)
                let (second, carriedAgain) = first.addingReportingOverflow(carry)
                unsafe limbs[place] = second
                carry = carried || carriedAgain ? 1 : 0
            }
        }
    }

    private mutating func addSpecial(_ value: Double, _ isRemoval: Bool) {
        widen()
        guard let wide = unsafe wide else { return }
        let place = Self.limbCount + (value.isNaN ? 0 : value > 0 ? 1 : 2)
        unsafe wide[place] &+= isRemoval ? .max : 1
    }

    /// Adds all that another sum has.
    mutating func add(_ other: FloatSum) {
        if unsafe other.wide == nil, other.isZero { return }
        if unsafe wide == nil, unsafe other.wide == nil, isZero || base == other.base {
            base = other.base
            unsafe withUnsafeMutablePointer(to: &window) { window in
                unsafe Self.add(
                    [other.window.0, other.window.1, other.window.2, other.window.3],
                    to: UnsafeMutableRawPointer(window).assumingMemoryBound(to: UInt64.self))
            }
            // Both were less than a quarter of what the highest word holds, so their sum fits.
            let top = Int64(bitPattern: window.3)
            if top >= 1 << 62 || top < -(1 << 62) { widen() }
            return
        }
        widen()
        guard let wide = unsafe wide else { return }
        let words = other.wholeNumber()
        unsafe Self.add(Array(words[..<Self.limbCount]), to: wide)
        for place in Self.limbCount..<Self.wideCount { unsafe wide[place] &+= words[place] }
    }

    /// Adds a number of so many words as the other has, in two's complement.
    private static func add(_ words: [UInt64], to limbs: UnsafeMutablePointer<UInt64>) {
        var carry: UInt64 = 0
        for (place, word) in words.enumerated() {
            let (first, carried) = unsafe limbs[place].addingReportingOverflow(word)
            let (second, carriedAgain) = first.addingReportingOverflow(carry)
            unsafe limbs[place] = second
            carry = carried || carriedAgain ? 1 : 0
        }
    }

    /// All words, and behind them the numbers of NaNs and infinities.
    private func wholeNumber() -> [UInt64] {
        if let wide = unsafe wide { return unsafe Array(UnsafeBufferPointer(start: wide, count: Self.wideCount)) }
        var words = [UInt64](repeating: 0, count: Self.wideCount)
        let sign: UInt64 = window.3 >> 63 == 1 ? .max : 0
        let limbs = [window.0, window.1, window.2, window.3]
        for place in Int(base)..<Self.limbCount {
            let inWindow = place - Int(base)
            words[place] = inWindow < Self.windowCount ? limbs[inWindow] : sign
        }
        return words
    }

    /// Goes over to all words.
    @inline(never)
    private mutating func widen() {
        guard unsafe wide == nil else { return }
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Self.wideCount)
        unsafe words.initialize(repeating: 0, count: Self.wideCount)
        for (place, word) in wholeNumber().enumerated() { unsafe words[place] = word }
        unsafe wide = words
    }

    /// The sum divided by a number that is not zero, rounded once.
    func value(dividedBy divisor: UInt64) -> Double {
        guard let wide = unsafe wide else {
            return unsafe withUnsafeBytes(of: window) { window in
                unsafe Self.value(window.bindMemory(to: UInt64.self), base: Int(base), divisor)
            }
        }
        let (nans, infinities, negatives) = unsafe (
            wide[Self.limbCount], wide[Self.limbCount + 1], wide[Self.limbCount + 2]
        )
        if nans > 0 || infinities > 0 && negatives > 0 { return .nan }
        if infinities > 0 { return .infinity }
        if negatives > 0 { return -.infinity }
        return unsafe Self.value(UnsafeBufferPointer(start: wide, count: Self.limbCount), base: 0, divisor)
    }

    private static func value(_ limbs: UnsafeBufferPointer<UInt64>, base: Int, _ divisor: UInt64) -> Double {
        unsafe roundedQuotient(twosComplement: limbs, scale: base * 64 - 1074, dividedBy: divisor, isSigned: true)
    }
}

/// The float nearest to a number in two's complement, times a power of two, divided by another number.
func roundedQuotient(
    twosComplement limbs: UnsafeBufferPointer<UInt64>, scale: Int, dividedBy divisor: UInt64, isSigned: Bool
) -> Double {
    guard isSigned, unsafe limbs[limbs.count - 1] >> 63 == 1 else {
        return unsafe roundedQuotient(limbs, scale: scale, dividedBy: divisor, isNegative: false)
    }
    return unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: limbs.count) { magnitude in
        var carries = true
        for place in limbs.indices {
            let flipped = unsafe ~limbs[place]
            unsafe magnitude[place] = carries ? flipped &+ 1 : flipped
            carries = carries && flipped == .max
        }
        return unsafe roundedQuotient(
            UnsafeBufferPointer(magnitude), scale: scale, dividedBy: divisor, isNegative: true)
    }
}
