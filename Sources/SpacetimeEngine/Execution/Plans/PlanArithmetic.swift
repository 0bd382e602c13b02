import SpacetimeSATS

// Memory safety. Valid images: both operands have as many bytes as the operation says, and so has the register.

/// An operation on two numbers of one type.
///
/// `@safe`: see above.
struct PlanArithmetic: BitwiseCopyable {
    enum Kind: UInt8 {
        case unsigned, signed, float
    }

    let operation: Expression.Arithmetic
    let kind: Kind
    let byteCount: UInt8

    /// The most that a number takes.
    static let byteLimit = 32

    init(_ operation: Expression.Arithmetic, _ kind: Kind, byteCount: Int) {
        self.operation = operation
        self.kind = kind
        self.byteCount = UInt8(truncatingIfNeeded: byteCount)
    }

    /// Nil for types that are no numbers.
    init?(_ operation: Expression.Arithmetic, _ type: AlgebraicType) {
        switch type {
        case .u8: self.init(operation, .unsigned, byteCount: 1)
        case .u16: self.init(operation, .unsigned, byteCount: 2)
        case .u32: self.init(operation, .unsigned, byteCount: 4)
        case .u64: self.init(operation, .unsigned, byteCount: 8)
        case .u128: self.init(operation, .unsigned, byteCount: 16)
        case .u256: self.init(operation, .unsigned, byteCount: 32)
        case .i8: self.init(operation, .signed, byteCount: 1)
        case .i16: self.init(operation, .signed, byteCount: 2)
        case .i32: self.init(operation, .signed, byteCount: 4)
        case .i64: self.init(operation, .signed, byteCount: 8)
        case .i128: self.init(operation, .signed, byteCount: 16)
        case .i256: self.init(operation, .signed, byteCount: 32)
        case .f32: self.init(operation, .float, byteCount: 4)
        case .f64: self.init(operation, .float, byteCount: 8)
        default: return nil
        }
    }

    /// Computes, and stores the result.
    ///
    /// - Throws: `arithmeticOverflow`, `divisionByZero`.
    func run(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, into result: UnsafeMutableRawPointer
    ) throws(EngineError) {
        switch (kind, byteCount) {
        case (.unsigned, 1): try unsafe integer(UInt8.self, left, right, result)
        case (.unsigned, 2): try unsafe integer(UInt16.self, left, right, result)
        case (.unsigned, 4): try unsafe integer(UInt32.self, left, right, result)
        case (.unsigned, 8): try unsafe integer(UInt64.self, left, right, result)
        case (.unsigned, 16): try unsafe integer(UInt128.self, left, right, result)
        case (.signed, 1): try unsafe integer(Int8.self, left, right, result)
        case (.signed, 2): try unsafe integer(Int16.self, left, right, result)
        case (.signed, 4): try unsafe integer(Int32.self, left, right, result)
        case (.signed, 8): try unsafe integer(Int64.self, left, right, result)
        case (.signed, 16): try unsafe integer(Int128.self, left, right, result)
        case (.float, 4): unsafe float(Float.self, left, right, result)
        case (.float, _): unsafe float(Double.self, left, right, result)
        default: try unsafe wide(left, right, result)
        }
    }

    @inline(__always)
    private func integer<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
    ) throws(EngineError) {
        let left = unsafe left.loadUnaligned(as: Number.self)
        let right = unsafe right.loadUnaligned(as: Number.self)
        let (value, overflow): (Number, Bool)
        switch operation {
        case .add: (value, overflow) = left.addingReportingOverflow(right)
        case .subtract: (value, overflow) = left.subtractingReportingOverflow(right)
        case .multiply: (value, overflow) = left.multipliedReportingOverflow(by: right)
        case .divide, .remainder:
            if right == 0 { throw .divisionByZero }
            // The least number has no counterpart, so dividing it by -1 overflows; the remainder of that is zero.
            (value, overflow) =
                operation == .divide
                ? left.dividedReportingOverflow(by: right)
                : (left.remainderReportingOverflow(dividingBy: right).partialValue, false)
        }
        if overflow { throw .arithmeticOverflow(operation: "\(operation)", byteCount: Int(byteCount)) }
        unsafe result.storeBytes(of: value, as: Number.self)
    }

    @inline(__always)
    private func float<Number: BinaryFloatingPoint & BitwiseCopyable>(
        _: Number.Type, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
    ) {
        let left = unsafe left.loadUnaligned(as: Number.self)
        let right = unsafe right.loadUnaligned(as: Number.self)
        let value: Number =
            switch operation {
            case .add: left + right
            case .subtract: left - right
            case .multiply: left * right
            case .divide: left / right
            case .remainder: left.truncatingRemainder(dividingBy: right)
            }
        unsafe result.storeBytes(of: value, as: Number.self)
    }

    /// 256 bits: by sign and magnitude where there is a sign.
    @inline(never)
    private func wide(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
    ) throws(EngineError) {
        let left = unsafe Self.load(left)
        let right = unsafe Self.load(right)
        let value: UInt256?
        if kind == .unsigned {
            value = try magnitude(left, right)
        } else {
            value = try signed(Int256(bitPattern: left), Int256(bitPattern: right)).map(UInt256.init(bitPattern:))
        }
        guard let value else { throw .arithmeticOverflow(operation: "\(operation)", byteCount: 32) }
        for word in 0..<4 {
            let half = word < 2 ? value.low : value.high
            unsafe result.storeBytes(
                of: UInt64(truncatingIfNeeded: half >> (UInt128(word & 1) * 64)), toByteOffset: word * 8,
                as: UInt64.self)
        }
    }

    private static func load(_ address: UnsafeRawPointer) -> UInt256 {
        unsafe UInt256(
            words: address.loadUnaligned(as: UInt64.self), address.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            address.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
            address.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    /// Nil if the result does not fit.
    private func magnitude(_ left: UInt256, _ right: UInt256) throws(EngineError) -> UInt256? {
        switch operation {
        case .add:
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? nil : sum
        case .subtract:
            let (difference, overflow) = left.subtractingReportingOverflow(right)
            return overflow ? nil : difference
        case .multiply: return left.multiplied(by: right)
        case .divide:
            if right == .zero { throw .divisionByZero }
            return left.divided(by: right).quotient
        case .remainder:
            if right == .zero { throw .divisionByZero }
            return left.divided(by: right).remainder
        }
    }

    private func signed(_ left: Int256, _ right: Int256) throws(EngineError) -> Int256? {
        switch operation {
        case .add:
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? nil : sum
        case .subtract:
            let (difference, overflow) = left.subtractingReportingOverflow(right)
            return overflow ? nil : difference
        case .multiply, .divide, .remainder:
            guard let size = try magnitude(left.magnitude, right.magnitude) else { return nil }
            // A remainder has the sign of what was divided.
            let isNegative =
                operation == .remainder ? left.isNegative : left.isNegative != right.isNegative
            return Int256(isNegative: isNegative && size != .zero, magnitude: size)
        }
    }
}

extension UInt256 {
    /// The product; nil if it does not fit.
    fileprivate func multiplied(by other: UInt256) -> UInt256? {
        // Halves of 128 bits: only one of the high ones may be there.
        if high != 0, other.high != 0 { return nil }
        let (lowHigh, lowLow) = low.multipliedFullWidth(by: other.low)
        let (crossHigh, cross) =
            high != 0 ? high.multipliedFullWidth(by: other.low) : low.multipliedFullWidth(by: other.high)
        let (sum, overflow) = lowHigh.addingReportingOverflow(cross)
        return crossHigh != 0 || overflow ? nil : UInt256(high: sum, low: lowLow)
    }

    /// Long division, bit by bit. `divisor` is not zero.
    fileprivate func divided(by divisor: UInt256) -> (quotient: UInt256, remainder: UInt256) {
        if high == 0, divisor.high == 0 {
            let (quotient, remainder) = low.quotientAndRemainder(dividingBy: divisor.low)
            return (UInt256(quotient), UInt256(remainder))
        }
        var quotient = UInt256.zero
        var remainder = UInt256.zero
        for bit in (0..<256).reversed() {
            let carry = remainder.high >> 127
            let next = (bit < 128 ? low >> UInt128(bit) : high >> UInt128(bit - 128)) & 1
            remainder = UInt256(high: remainder.high << 1 | remainder.low >> 127, low: remainder.low << 1 | next)
            quotient = UInt256(high: quotient.high << 1 | quotient.low >> 127, low: quotient.low << 1)
            if carry != 0 || remainder >= divisor {
                remainder = remainder &- divisor
                quotient = UInt256(high: quotient.high, low: quotient.low | 1)
            }
        }
        return (quotient, remainder)
    }
}
