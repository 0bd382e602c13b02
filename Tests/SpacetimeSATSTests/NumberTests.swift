import SpacetimeSATS
import Testing

@Suite struct NumberTests {
    @Test func decimalTextReadsBack() {
        let limit = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        #expect(UInt256.max.description == limit)
        #expect(UInt256(limit) == .max)
        #expect(UInt256("115792089237316195423570985008687907853269984665640564039457584007913129639936") == nil)
        #expect(UInt256("") == nil && UInt256("-1") == nil && UInt256("1x") == nil)
        #expect(UInt256.zero.description == "0")
        #expect(
            Int256.min.description == "-57896044618658097711785492504343953926634992332820282019728792003956564819968")
        #expect(Int256(Int256.min.description) == .min)
        #expect(Int256(Int256.max.description) == .max)
        #expect(Int256("57896044618658097711785492504343953926634992332820282019728792003956564819968") == nil)
        #expect(Int256("-0") == .zero && Int256("-") == nil)
        var random = SplitMix64(seed: 5)
        for _ in 0..<500 {
            let number = UInt256(words: random.next(), random.next(), random.next() >> random.below(64), 0)
            #expect(UInt256(number.description) == number)
            #expect(UInt256(hex: number.hex) == number)
            #expect(UInt256(littleEndianBytes: number.littleEndianBytes) == number)
        }
    }

    @Test func hexTextHasNoLeadingZeros() {
        #expect(UInt256.zero.hex == "0")
        #expect(UInt256(high: 1, low: 2).hex == "100000000000000000000000000000002")
        #expect(UInt256(hex: "") == nil && UInt256(hex: String(repeating: "0", count: 65)) == nil)
    }

    @Test func additionAndSubtractionCarryAcrossWords() {
        #expect(UInt256(UInt128.max) + 1 == UInt256(high: 1, low: 0))
        #expect(UInt256(high: 1, low: 0) - 1 == UInt256(UInt128.max))
        #expect(UInt256.max &+ 1 == .zero && UInt256.zero &- 1 == .max)
        #expect(
            UInt256.max.addingReportingOverflow(1).overflow && UInt256.zero.subtractingReportingOverflow(1).overflow)
        #expect(Int256.max.addingReportingOverflow(1).overflow && Int256.min.subtractingReportingOverflow(1).overflow)
        #expect(Int256(-5) + 7 == 2 && Int256(5) - 7 == -2)
        #expect(Int256(-5).magnitude == 5 && Int256.min.magnitude == UInt256(high: 1 << 127, low: 0))
    }

    @Test func orderIsNumeric() {
        let numbers: [Int256] = [.min, -2, -1, 0, 1, 2, .max]
        #expect(numbers.shuffled().sorted() == numbers)
        let unsigned: [UInt256] = [0, 1, UInt256(UInt128.max), UInt256(high: 1, low: 0), .max]
        #expect(unsigned.shuffled().sorted() == unsigned)
    }

    @Test func conversionsAreExactOrTruncate() {
        #expect(UInt128(exactly: UInt256(high: 1, low: 7)) == nil)
        #expect(UInt128(truncatingIfNeeded: UInt256(high: 1, low: 7)) == 7)
        #expect(UInt64(exactly: UInt256(1 << 64)) == nil && UInt64(exactly: 9 as UInt256) == 9)
        #expect(Int128(exactly: Int256(Int128.min)) == .min && Int128(exactly: Int256.max) == nil)
    }
}
