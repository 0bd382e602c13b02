// Memory safety. Lent buffers: limbs of a tuple lie behind each other. Valid images: a value is as wide as its type says.

/// The exact sum of integers of up to 64 bits, as 128 bits in two's complement: no number of values that can be counted
/// exceeds that.
struct IntegerSum: BitwiseCopyable {
    private(set) var bits: (low: UInt64, high: UInt64) = (0, 0)

    @inline(__always)
    mutating func add(_ value: UInt64, isSigned: Bool, isRemoval: Bool) {
        let extended: UInt64 = isSigned && value >> 63 == 1 ? .max : 0
        if isRemoval {
            let (low, borrowed) = bits.low.subtractingReportingOverflow(value)
            bits = (low, bits.high &- extended &- (borrowed ? 1 : 0))
        } else {
            let (low, carried) = bits.low.addingReportingOverflow(value)
            bits = (low, bits.high &+ extended &+ (carried ? 1 : 0))
        }
    }

    /// Adds all that another sum has.
    mutating func add(_ other: IntegerSum) {
        let (low, carried) = bits.low.addingReportingOverflow(other.bits.low)
        bits = (low, bits.high &+ other.bits.high &+ (carried ? 1 : 0))
    }

    func value(dividedBy divisor: UInt64, isSigned: Bool) -> Double {
        unsafe withUnsafeBytes(of: bits) { bits in
            unsafe roundedQuotient(
                twosComplement: bits.bindMemory(to: UInt64.self), scale: 0, dividedBy: divisor, isSigned: isSigned)
        }
    }
}

/// The exact sum of integers of 128 or 256 bits, as 320 bits in two's complement.
///
/// `@safe`: limbs are reached through a pointer to the whole tuple.
@safe
struct WideIntegerSum: BitwiseCopyable {
    private var limbs: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)

    /// Adds a little-endian number of 16 or 32 bytes.
    mutating func add(_ value: UnsafeRawPointer, byteCount: Int, isSigned: Bool, isRemoval: Bool) {
        let top = unsafe value.load(fromByteOffset: byteCount - 1, as: UInt8.self)
        let extended: UInt64 = isSigned && top >> 7 == 1 ? .max : 0
        // Subtracting is adding the complement and one.
        let flip: UInt64 = isRemoval ? .max : 0
        unsafe withUnsafeMutableBytes(of: &limbs) { limbs in
            var carry: UInt64 = isRemoval ? 1 : 0
            for place in 0..<5 {
                let part =
                    unsafe place * 8 < byteCount
                    ? value.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self) : extended
                let (first, carried) = unsafe limbs.load(fromByteOffset: place * 8, as: UInt64.self)
                    .addingReportingOverflow(part ^ flip)
                let (second, carriedAgain) = first.addingReportingOverflow(carry)
                unsafe limbs.storeBytes(of: second, toByteOffset: place * 8, as: UInt64.self)
                carry = carried || carriedAgain ? 1 : 0
            }
        }
    }

    /// Adds all that another sum has.
    mutating func add(_ other: WideIntegerSum) {
        unsafe withUnsafeBytes(of: other.limbs) { parts in
            unsafe withUnsafeMutableBytes(of: &limbs) { limbs in
                var carry: UInt64 = 0
                for place in 0..<5 {
                    let (first, carried) = unsafe limbs.load(fromByteOffset: place * 8, as: UInt64.self)
                        .addingReportingOverflow(parts.load(fromByteOffset: place * 8, as: UInt64.self))
                    let (second, carriedAgain) = first.addingReportingOverflow(carry)
                    unsafe limbs.storeBytes(of: second, toByteOffset: place * 8, as: UInt64.self)
                    carry = carried || carriedAgain ? 1 : 0
                }
            }
        }
    }

    /// The lowest 256 bits; nil if the sum is more than they hold.
    func bits(isSigned: Bool) -> (UInt64, UInt64, UInt64, UInt64)? {
        let expected: UInt64 = isSigned && limbs.3 >> 63 == 1 ? .max : 0
        return limbs.4 == expected ? (limbs.0, limbs.1, limbs.2, limbs.3) : nil
    }

    /// The sum divided by a number that is not zero. Also sums of unsigned numbers have a sign here, which is zero.
    func value(dividedBy divisor: UInt64) -> Double {
        unsafe withUnsafeBytes(of: limbs) { limbs in
            unsafe roundedQuotient(
                twosComplement: limbs.bindMemory(to: UInt64.self), scale: 0, dividedBy: divisor, isSigned: true)
        }
    }
}
