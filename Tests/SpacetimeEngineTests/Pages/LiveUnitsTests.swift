import Testing

@testable import SpacetimeEngine

@Suite struct LiveUnitsTests {
    /// Words with no bit, all bits, single bits at the ends, and anything else.
    private static let words: [[UInt64]] = [
        [], [0], [.max], [1], [1 << 63], [0, 1], [.max, .max, 0], [0, 0, .max], [1 | 1 << 63, 0, 1 | 1 << 63],
        [0xAAAA_0000_FFFF_5555, .max, 0, 0x8000_0000_0000_0001, 7],
    ]

    /// Lends a page whose bitmap has these words.
    private func withPage(_ words: [UInt64], _ body: (UnsafeMutableRawPointer) -> Void) {
        let byteCount = PageGeometry.headerByteCount + words.count * 8
        withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 8) { page in
            for (number, word) in words.enumerated() {
                page.storeBytes(
                    of: word, toByteOffset: PageGeometry.headerByteCount + number * 8, as: UInt64.self)
            }
            if let base = page.baseAddress { body(base) }
        }
    }

    @Test(arguments: LiveUnitsTests.words) func eachWalkShowsTheSetBitsInItsOrder(words: [UInt64]) {
        let expected = (0..<words.count * 64).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
        withPage(words) { page in
            #expect(Array(LiveUnits(ofPage: page, wordCount: words.count)) == expected)
            #expect(Array(LiveUnits.Backward(ofPage: page, wordCount: words.count)) == expected.reversed())
            var walked: [Int] = []
            LiveUnits(ofPage: page, wordCount: words.count).forEach {
                walked.append($0)
            } fullWord: {
                #expect($0 % 64 == 0)
                walked += $0..<($0 + 64)
            }
            #expect(walked == expected)
        }
    }

    @Test(arguments: LiveUnitsTests.words) func aWalkGoesOnWhereItIsTold(words: [UInt64]) {
        let expected = (0..<words.count * 64).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
        withPage(words) { page in
            for unit in 0...(words.count * 64 + 1) {
                let onwards = LiveUnits(ofPage: page, wordCount: words.count, from: unit)
                #expect(Array(onwards) == expected.filter { $0 >= unit }, "from \(unit)")
                let back = LiveUnits.Backward(ofPage: page, wordCount: words.count, below: unit)
                #expect(Array(back) == expected.reversed().filter { $0 < unit }, "below \(unit)")
            }
        }
    }
}
