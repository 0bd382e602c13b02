import SpacetimeSATS
import Testing

@testable import SpacetimeEngine

@Suite struct PlanArithmeticTests {
    private static let integers: [AlgebraicType] = [
        .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256,
    ]

    private func run(
        _ operation: Expression.Arithmetic, _ type: AlgebraicType, _ left: [UInt8], _ right: [UInt8]
    ) throws -> [UInt8] {
        let arithmetic = try #require(PlanArithmetic(operation, type))
        var result = [UInt8](repeating: 0, count: left.count)
        try left.withUnsafeBytes { left in
            try right.withUnsafeBytes { right in
                try result.withUnsafeMutableBytes {
                    try arithmetic.run(left.baseAddress!, right.baseAddress!, into: $0.baseAddress!)
                }
            }
        }
        return result
    }

    /// The exact result; nil if the divisor is zero.
    private static func exact(_ operation: Expression.Arithmetic, _ left: Int128, _ right: Int128) -> Int128? {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: right == 0 ? nil : left / right
        case .remainder: right == 0 ? nil : left % right
        }
    }

    /// Numbers below 2^62, whose results are exact in 128 bits.
    @Test(arguments: integers)
    func resultsAreExactOrAnError(_ type: AlgebraicType) throws {
        var random = seededRandom()
        for _ in 0..<2_000 {
            func number() -> Int128 {
                let value = random.oneIn(3) ? Int128(random.below(5)) - 2 : random.integer(100) % (1 << 62)
                let wrapped = AlgebraicValue.integer(value, of: type).int128 ?? 0
                return wrapped % (1 << 62)
            }
            let (left, right) = (number(), number())
            let operation = Expression.Arithmetic.allCases[random.below(5)]
            let operands = (AlgebraicValue.integer(left, of: type), AlgebraicValue.integer(right, of: type))
            let found = outcome { try run(operation, type, operands.0.bsatn(), operands.1.bsatn()) }
            guard let exact = Self.exact(operation, left, right) else {
                #expect(found == .failure(.divisionByZero))
                continue
            }
            let expected = AlgebraicValue.integer(exact, of: type)
            if expected.int128 == exact {
                #expect(found == .success(expected.bsatn()), "\(left) \(operation) \(right)")
            } else {
                let count = operands.0.bsatn().count
                #expect(found == .failure(.arithmeticOverflow(operation: "\(operation)", byteCount: count)))
            }
        }
    }

    @Test func wideNumbersMultiplyAndDivideBack() throws {
        var random = seededRandom()
        for _ in 0..<2_000 {
            func wide() -> UInt256 {
                let width = random.below(257)
                let bits = UInt256(
                    high: UInt128(random.next()) << 64 | UInt128(random.next()), low: UInt128(random.next()))
                if width >= 128 { return UInt256(high: bits.high >> UInt128(256 - width), low: bits.low) }
                return UInt256(width == 0 ? 0 : bits.high >> UInt128(128 - width))
            }
            let (left, right) = (wide(), wide())
            if right == .zero { continue }
            let bytes = (AlgebraicValue.u256(left).bsatn(), AlgebraicValue.u256(right).bsatn())
            let quotient = try run(.divide, .u256, bytes.0, bytes.1)
            let remainder = try run(.remainder, .u256, bytes.0, bytes.1)
            let whole = try run(.multiply, .u256, quotient, bytes.1)
            #expect(try run(.add, .u256, whole, remainder) == bytes.0)
            let size = try #require(UInt256(littleEndianBytes: remainder))
            #expect(size < right)
            if let product = try? run(.multiply, .u256, bytes.0, bytes.1) {
                #expect(try run(.divide, .u256, product, bytes.1) == bytes.0)
            }
        }
    }

    @Test(arguments: [AlgebraicType.i8, .i16, .i32, .i64, .i128, .i256])
    func theLeastNumberHasNoCounterpart(_ type: AlgebraicType) throws {
        let one = AlgebraicValue.integer(1, of: type).bsatn()
        let minusOne = [UInt8](repeating: 0xFF, count: one.count)
        var least = [UInt8](repeating: 0, count: one.count)
        least[least.count - 1] = 0x80
        let overflow = outcome { try run(.divide, type, least, minusOne) }
        #expect(overflow == .failure(.arithmeticOverflow(operation: "divide", byteCount: one.count)))
        #expect(try run(.remainder, type, least, minusOne).allSatisfy { $0 == 0 })
        #expect(try run(.divide, type, least, one) == least)
        #expect(outcome { try run(.subtract, type, least, one) } != .success([]))
        #expect(throws: EngineError.self) { try run(.multiply, type, least, minusOne) }
    }

    @Test func floatsDivideByZero() throws {
        let quotient = try run(.divide, .f64, 1.0.bsatn(), 0.0.bsatn())
        #expect(quotient == Double.infinity.bsatn())
        #expect(try run(.remainder, .f32, Float(7.5).bsatn(), Float(2).bsatn()) == Float(1.5).bsatn())
    }
}
