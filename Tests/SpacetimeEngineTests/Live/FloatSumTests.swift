import Testing

@testable import SpacetimeEngine

@Suite struct FloatSumTests {
    enum Numbers: CaseIterable {
        case similar, anySize, nearTheLimits, cancelling
    }

    private func number(_ kind: Numbers, _ random: inout SplitMix64) -> Double {
        switch kind {
        case .similar: return Double(random.below(2_000_000) - 1_000_000) / 1_000
        case .anySize:
            let value = Double(bitPattern: random.next())
            return value.isFinite ? value : 0
        case .nearTheLimits:
            let ends: [Double] = [
                .greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude, 0, 1e308,
                Double.leastNormalMagnitude.nextDown,
            ]
            return ends[random.below(ends.count)] * (random.oneIn(2) ? 1 : -1)
        case .cancelling:
            let large = Double(sign: random.oneIn(2) ? .plus : .minus, exponent: random.below(120), significand: 1)
            return random.oneIn(3) ? Double(random.below(100)) / 7 : large
        }
    }

    /// Numbers come and go; after each step the sum and the average are the floats nearest to the exact ones, and a sum that
    /// only ever had the numbers that are left gives the same bits.
    @Test(arguments: Numbers.allCases)
    func sumsAreExactWhateverCameAndWent(_ kind: Numbers) {
        var random = seededRandom("sums of \(kind)")
        for _ in 0..<20 {
            var sum = FloatSum()
            defer { sum.release() }
            var exact = BigInteger()
            var present: [Double] = []
            for step in 0..<120 {
                if !present.isEmpty, random.oneIn(step > 80 ? 1 : 3) {
                    let value = present.remove(at: random.below(present.count))
                    sum.add(value, isRemoval: true)
                    exact = exact - BigInteger(units: value)
                } else {
                    let value = number(kind, &random)
                    present.append(value)
                    sum.add(value, isRemoval: false)
                    exact = exact + BigInteger(units: value)
                }
                #expect(isNearest(sum.value(dividedBy: 1), toUnits: exact, dividedBy: 1))
                let count = max(present.count, 1)
                let average = sum.value(dividedBy: UInt64(count))
                #expect(isNearest(average, toUnits: exact, dividedBy: count), "\(average) of \(present)")
                var again = FloatSum()
                defer { again.release() }
                for value in present.shuffled(using: &random) { again.add(value, isRemoval: false) }
                #expect(again.value(dividedBy: UInt64(count)).bitPattern == average.bitPattern)
            }
        }
    }

    @Test func whatIsNotFiniteIsCounted() {
        var sum = FloatSum()
        defer { sum.release() }
        func expect(_ expected: Double) {
            let value = sum.value(dividedBy: 1)
            #expect(value.isNaN == expected.isNaN && (value.isNaN || value == expected))
        }
        expect(0)
        sum.add(1.5, isRemoval: false)
        sum.add(.infinity, isRemoval: false)
        expect(.infinity)
        sum.add(-.infinity, isRemoval: false)
        expect(.nan)
        sum.add(.infinity, isRemoval: true)
        expect(-.infinity)
        sum.add(.nan, isRemoval: false)
        expect(.nan)
        sum.add(-.infinity, isRemoval: true)
        sum.add(.nan, isRemoval: true)
        expect(1.5)
        sum.add(1.5, isRemoval: true)
        #expect(sum.value(dividedBy: 3).bitPattern == 0)
    }

    @Test func manyNumbersOfOneSignNeverOverflowTheWindow() {
        var sum = FloatSum()
        defer { sum.release() }
        // Doubling what is there carries through all words of the window.
        var value = 1.0
        sum.add(value, isRemoval: false)
        for _ in 0..<1_023 {
            sum.add(value, isRemoval: false)
            value *= 2
            #expect(sum.value(dividedBy: 1) == value)
        }
        sum.add(value, isRemoval: false)
        #expect(sum.value(dividedBy: 1) == .infinity)
        #expect(sum.value(dividedBy: 2) == value)
    }

    @Test func integersAreAveragedExactly() {
        var random = seededRandom()
        for _ in 0..<2_000 {
            var sum = IntegerSum()
            var wide = WideIntegerSum()
            var exact = BigInteger()
            let count = 1 + random.below(9)
            let isSigned = random.oneIn(2)
            for _ in 0..<count {
                let value = random.next() >> UInt64(random.below(64))
                sum.add(value, isSigned: isSigned, isRemoval: false)
                var bytes = withUnsafeBytes(of: value) { Array($0) }
                let extended: UInt8 = isSigned && value >> 63 == 1 ? 0xFF : 0
                bytes += [UInt8](repeating: extended, count: 24)
                exact = exact + BigInteger(bytes: bytes, isSigned: isSigned)
                bytes.withUnsafeBytes {
                    guard let start = $0.baseAddress else { return }
                    wide.add(start, byteCount: 32, isSigned: isSigned, isRemoval: false)
                }
            }
            let value = sum.value(dividedBy: UInt64(count), isSigned: isSigned)
            #expect(value == wide.value(dividedBy: UInt64(count)))
            // In units of 2^-1074.
            var units = exact
            for _ in 0..<1_074 / 30 { units = units * (1 << 30) }
            units = units * (1 << (1_074 % 30))
            #expect(isNearest(value, toUnits: units, dividedBy: count))
        }
    }
}
