import Testing

@testable import SpacetimeEngine

@Suite struct DirectIndexTests {
    private func key(_ random: inout SplitMix64) -> UInt64 {
        switch random.below(5) {
        case 0: UInt64(random.below(5_000))
        case 1: UInt64(random.below(100)) + DirectIndex.keyLimit - 50
        case 2: .max - UInt64(random.below(50))
        case 3: 1_023 + UInt64(random.below(3)) * 1_024 + UInt64(random.below(2))
        default: UInt64(random.below(200))
        }
    }

    @Test func behavesLikeADictionary() throws {
        var random = seededRandom()
        var index = DirectIndex()
        var model: [UInt64: UInt32] = [:]
        for step in 0..<8_000 {
            let key = key(&random)
            if let row = model[key], random.oneIn(2) || step % 4_000 > 3_000 {
                index.remove(key, RowID(row ^ 1))
                let kept = index.find(key)
                #expect(kept == RowID(row), "another row's removal took it out")
                index.remove(key, RowID(row))
                model[key] = nil
            } else if model[key] == nil {
                let row = UInt32(truncatingIfNeeded: random.next()) >> 1
                index.insert(key, RowID(row))
                model[key] = row
            }
            let found = index.find(key)
            #expect(found == model[key].map { RowID($0) })
            if step % 500 == 0 { try compare(index, model, &random) }
        }
        for (key, row) in model { index.remove(key, RowID(row)) }
        try compare(index, [:], &random)
    }

    private func compare(
        _ index: borrowing DirectIndex, _ model: [UInt64: UInt32], _ random: inout SplitMix64
    ) throws {
        let entries = try index.checkedEntries()
        let sorted = model.sorted { $0.key < $1.key }
        #expect(entries.map(\.key) == sorted.map(\.key))
        #expect(entries.map(\.row.rawValue) == sorted.map(\.value))
        for _ in 0..<20 {
            let (lower, upper) = (key(&random), key(&random))
            let expected = sorted.filter { lower <= $0.key && $0.key <= upper }.map(\.value)
            let rows = index.rows(from: lower, through: upper)
            #expect(rows == expected)
        }
        let rows = index.rows(from: 0, through: .max)
        #expect(rows == sorted.map(\.value))
    }

    @Test func aLargeKeyCostsLittle() {
        var index = DirectIndex()
        index.insert(.max, RowID(1))
        index.insert(DirectIndex.keyLimit, RowID(2))
        index.insert(DirectIndex.keyLimit - 1, RowID(3))
        let byteCount = index.byteCount
        #expect(byteCount < 2_000_000)
        let rows = index.rows(from: DirectIndex.keyLimit - 1, through: .max)
        #expect(rows == [3, 2, 1])
    }

    @Test func chunksWithoutRowsAreGivenBack() throws {
        var index = DirectIndex()
        for key in 0..<100_000 { index.insert(UInt64(key), RowID(UInt32(key))) }
        for key in 1_000..<100_000 { index.remove(UInt64(key), RowID(UInt32(key))) }
        let bytes = index.byteCount
        #expect(bytes < 12_000)
        for key in 0..<1_000 { index.remove(UInt64(key), RowID(UInt32(key))) }
        let empty = index.byteCount
        #expect(empty < 12_000 && index.count == 0)
        for key in 50_000..<60_000 { index.insert(UInt64(key), RowID(UInt32(key))) }
        let entries = try index.checkedEntries()
        #expect(entries.count == 10_000)
    }
}
