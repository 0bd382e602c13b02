import Testing

@testable import SpacetimeEngine

@Suite struct HashIndexTests {
    /// How hashes are drawn.
    enum Hashes: CaseIterable {
        case spread, few, atTheEnd, zero, ascending
    }

    private func hash(_ kind: Hashes, _ row: UInt32, _ random: inout SplitMix64) -> UInt32 {
        switch kind {
        case .spread: UInt32(truncatingIfNeeded: random.next())
        case .few: UInt32(random.below(7)) &* 0x2492_4924
        case .atTheEnd: .max - UInt32(random.below(3))
        case .zero: 0
        case .ascending: row &* 1_000
        }
    }

    @Test(arguments: Hashes.allCases)
    func behavesLikeADictionary(_ kind: Hashes) throws {
        var random = seededRandom("hash index \(kind)")
        var index = HashIndex()
        var model: [UInt32: UInt32] = [:]
        var rows: [UInt32] = []
        // Enough to fill the tail of an array whose entries are being moved.
        let limit = kind == .spread || kind == .ascending ? 3_000 : 800
        for phase in 0..<4 {
            for step in 0..<limit {
                let isInsert = phase % 2 == 0 ? !random.oneIn(4) : random.oneIn(4)
                if isInsert {
                    let row = UInt32(truncatingIfNeeded: random.next()) & 0x7FFF_FFFF
                    guard model[row] == nil else { continue }
                    let hash = hash(kind, row, &random)
                    index.insert(hash, RowID(row))
                    model[row] = hash
                    rows.append(row)
                } else if !rows.isEmpty {
                    let position = random.below(rows.count)
                    let row = rows[position]
                    rows[position] = rows[rows.count - 1]
                    rows.removeLast()
                    guard let hash = model.removeValue(forKey: row) else { continue }
                    let removed = index.remove(hash, RowID(row))
                    let again = index.remove(hash, RowID(row))
                    #expect(removed && !again)
                }
                if step % 500 == 0 { try compare(index, model) }
            }
            try compare(index, model)
        }
        for (row, hash) in model { index.remove(hash, RowID(row)) }
        try compare(index, [:])
    }

    private func compare(_ index: borrowing HashIndex, _ model: [UInt32: UInt32]) throws {
        let entries = try index.checkedEntries()
        #expect(Dictionary(uniqueKeysWithValues: entries.map { ($0.row.rawValue, $0.hash) }) == model)
        for (row, hash) in model {
            let found = index.find(hash) { $0.rawValue == row }
            #expect(found == RowID(row))
        }
        let absent = index.find(0x1234_5678) { _ in model.isEmpty }
        #expect(absent == nil)
    }

    @Test func lookUpsOfTheSameHashSeeEveryRow() {
        var index = HashIndex()
        for row in 0..<100 { index.insert(5, RowID(UInt32(row))) }
        var seen: Set<UInt32> = []
        _ = index.find(5) { row in
            seen.insert(row.rawValue)
            return false
        }
        #expect(seen.count == 100)
    }

    @Test func deletingEverythingGivesMemoryBack() throws {
        var index = HashIndex()
        for row in 0..<50_000 { index.insert(UInt32(row) &* 0x9E37_79B9, RowID(UInt32(row))) }
        let full = index.byteCount
        #expect(full / 50_000 <= 16)
        for row in 0..<50_000 { index.remove(UInt32(row) &* 0x9E37_79B9, RowID(UInt32(row))) }
        let empty = index.byteCount
        #expect(empty < full / 8)
        let entries = try index.checkedEntries()
        #expect(entries.isEmpty)
    }

    /// What the design promises of a row's share: 16 bytes while rows come, and little more while they go.
    @Test(arguments: [1_000, 30_000, 77_777, 200_000])
    func anEntryStaysSmallWhileEntriesGoAndCome(_ total: Int) throws {
        var random = seededRandom("\(total) entries")
        var index = HashIndex()
        func hash(_ row: UInt32) -> UInt32 { hashInteger(UInt64(row), seed: 1) }
        for row in 0..<UInt32(total) { index.insert(hash(row), RowID(row)) }
        var bytes = index.byteCount
        // While entries are moved from one small array to another, both are there.
        if index.move == nil { #expect(bytes <= total * 16) } else { #expect(bytes <= total * 26) }
        let order = (0..<UInt32(total)).shuffled(using: &random)
        for (gone, row) in order.prefix(total / 2).enumerated() {
            index.remove(hash(row), RowID(row))
            let left = total - gone - 1
            bytes = index.byteCount
            let (share, other) = index.move.map { (22, $0.value.to.byteCount) } ?? (21, 0)
            if bytes > max(left * share + 600, 6_000) + other { Issue.record("\(bytes) bytes for \(left) entries") }
        }
        for row in order.prefix(total / 2) { index.insert(hash(row), RowID(row)) }
        bytes = index.byteCount
        if index.move == nil { #expect(bytes <= total * 16) } else { #expect(bytes <= total * 26) }
        let count = try index.checkedEntries().count
        #expect(count == total)
    }

    @Test func bytesOfEqualContentHashEquallyWhereverTheyLie() {
        let bytes: [UInt8] = Array(0..<23)
        let shifted: [UInt8] = [0] + bytes
        let first = bytes.withUnsafeBytes { hashBytes($0, state: 7) }
        let second = shifted.withUnsafeBytes { hashBytes(UnsafeRawBufferPointer(rebasing: $0[1...]), state: 7) }
        #expect(first == second)
        #expect(first != bytes.withUnsafeBytes { hashBytes($0, state: 8) })
        #expect(first != bytes.dropLast().withUnsafeBytes { hashBytes($0, state: 7) })
    }
}
