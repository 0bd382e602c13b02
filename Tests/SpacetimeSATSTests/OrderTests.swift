import SpacetimeSATS
import Testing

@Suite struct OrderTests {
    @Test func floatsAreTotallyOrdered() {
        let values: [Double] = [
            -.infinity, -1, -.leastNonzeroMagnitude, 0, .leastNonzeroMagnitude, 1, .greatestFiniteMagnitude, .infinity,
            .nan,
        ]
        for (index, left) in values.enumerated() {
            for (other, right) in values.enumerated() {
                #expect((AlgebraicValue.f64(left) < .f64(right)) == (index < other))
                #expect((AlgebraicValue.f64(left) == .f64(right)) == (index == other))
            }
        }
        let floats = values.map { AlgebraicValue.f32(Float($0)) }
        #expect(floats.last == .f32(Float(bitPattern: 0xffc0_0001)))
    }

    @Test func keysIgnoreTheSignOfZeroAndThePayloadOfNaNButRowsDoNot() {
        let zero = AlgebraicValue.f64(0)
        let negativeZero = AlgebraicValue.f64(-0.0)
        #expect(zero == negativeZero && zero.hashValue == negativeZero.hashValue)
        #expect(!zero.hasSameBytes(as: negativeZero))
        let nan = AlgebraicValue.f32(Float(bitPattern: 0x7fc0_0000))
        let other = AlgebraicValue.f32(Float(bitPattern: 0xffc0_0001))
        #expect(nan == other && nan.hashValue == other.hashValue)
        #expect(!nan.hasSameBytes(as: other) && nan.hasSameBytes(as: nan))
        #expect(AlgebraicValue.some(.product([zero])) == .some(.product([negativeZero])))
        #expect(!AlgebraicValue.array([zero]).hasSameBytes(as: .array([negativeZero])))
    }

    @Test func textComparesByItsBytes() {
        // Swift calls these two spellings of é equal.
        #expect(AlgebraicValue.string("\u{e9}") != .string("e\u{301}"))
        #expect(AlgebraicValue.string("e\u{301}") < .string("\u{e9}"))
        #expect(AlgebraicValue.string("Z") < .string("a") && AlgebraicValue.string("a") < .string("ab"))
    }

    @Test func compositesCompareFromTheLeft() {
        #expect(AlgebraicValue.array([.u16(1)]) < .array([.u16(1), .u16(0)]))
        #expect(AlgebraicValue.bytes([1]) < .bytes([1, 0]) && AlgebraicValue.bytes([1, 0]) < .bytes([2]))
        #expect(AlgebraicValue.product([.u8(1), .u8(9)]) < .product([.u8(2), .u8(0)]))
        #expect(AlgebraicValue.sum(tag: 0, .u8(9)) < .sum(tag: 1, .u8(0)))
        #expect(AlgebraicValue.some(.u8(1)) < .some(.u8(2)) && AlgebraicValue.some(.u8(255)) < .none)
        #expect(AlgebraicValue.bool(false) < .bool(true))
    }

    @Test func orderAndHashAgree() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let type = random.type()
            let values = (0..<12).map { _ in random.value(of: type) }
            for left in values {
                for right in values {
                    let relations = [left < right, left == right, right < left]
                    #expect(relations.filter { $0 }.count == 1, "seed \(seed)")
                    if left == right { #expect(left.hashValue == right.hashValue, "seed \(seed)") }
                    if left.hasSameBytes(as: right) { #expect(left == right && left.bsatn() == right.bsatn()) }
                    #expect(left.hasSameBytes(as: right) == (left.bsatn() == right.bsatn()), "seed \(seed)")
                }
            }
            let sorted = values.sorted()
            for (left, right) in zip(sorted, sorted.dropFirst()) { #expect(left <= right, "seed \(seed)") }
        }
    }
}
