import Testing

@testable import SpacetimeEngine

/// Compares items by texts kept in an array.
private struct TextTies: EntryTies {
    let texts: UnsafePointer<[UInt8]>
    let probe: [UInt8]

    func order(of item: UInt32) -> Int {
        let text = texts[Int(item)]
        return text == probe ? 0 : text.lexicographicallyPrecedes(probe) ? -1 : 1
    }
}

/// An entry that should be there is not.
private struct Missing: Error {}

@Suite struct EntryTreeTests {
    enum Pattern: CaseIterable {
        case ascending, descending, random, few, outsideIn
    }

    private func key(_ pattern: Pattern, _ step: Int, _ random: inout SplitMix64) -> UInt64 {
        switch pattern {
        case .ascending: UInt64(step)
        case .descending: .max - UInt64(step)
        case .random: random.next()
        case .few: UInt64(random.below(2_000))
        case .outsideIn: step % 2 == 0 ? UInt64(step) : .max - UInt64(step)
        }
    }

    /// Some keys differ in the first eight bytes, others in the four behind them.
    private func entry(_ key: UInt64, item: UInt32 = 0) -> TreeEntry {
        key % 3 == 0
            ? TreeEntry(high: key, middle: 7, item: item)
            : TreeEntry(high: 1 << 40, middle: UInt32(truncatingIfNeeded: key), item: item)
    }

    private func whole(_ entry: TreeEntry) -> UInt128 { UInt128(entry.high) << 32 | UInt128(entry.low >> 32) }

    @Test(arguments: Pattern.allCases)
    func behavesLikeASortedArray(_ pattern: Pattern) throws {
        var random = seededRandom("entry tree \(pattern)")
        var tree = EntryTree()
        var model: [UInt128] = []
        func place(_ key: UInt128) -> Int { model.partitioningIndex { $0 >= key } }
        for step in 0..<12_000 {
            if step % 4_000 >= 2_600 || random.oneIn(5), !model.isEmpty {
                let position = pattern == .ascending ? 0 : random.below(model.count)
                let key = model.remove(at: position)
                let entry = TreeEntry(
                    high: UInt64(key >> 32), middle: UInt32(truncatingIfNeeded: key), item: 0)
                guard let found = tree.find(entry, ExactEntries()) else { throw Missing() }
                #expect(whole(found.entry) == key)
                tree.remove(found: found)
                let again = tree.find(entry, ExactEntries())
                #expect(again.map(\.entry).map(whole) == nil)
            } else {
                let entry = entry(key(pattern, step, &random), item: UInt32(step))
                let position = place(whole(entry))
                let isPresent = position < model.count && model[position] == whole(entry)
                let present = tree.insert(entry, ExactEntries())
                #expect((present != nil) == isPresent)
                if !isPresent { model.insert(whole(entry), at: position) }
            }
            if step % 1_000 == 999 {
                let found = try tree.checkedEntries { _, _ in 0 }.map(whole)
                #expect(found == model)
                compareNeighbours(tree, model, &random)
            }
        }
        while let last = tree.removeLast() { #expect(whole(last) == model.popLast()) }
        let (left, leaves, inners) = (try tree.checkedEntries { _, _ in 0 }, tree.leaves.inUse, tree.inners.inUse)
        #expect(model.isEmpty && left.isEmpty && leaves == 1 && inners == 0)
    }

    private func compareNeighbours(_ tree: borrowing EntryTree, _ model: [UInt128], _ random: inout SplitMix64) {
        func key(_ position: EntryTree.Position?) -> UInt128? { position.map { whole($0.entry) } }
        let (first, last) = (key(tree.first), key(tree.last))
        #expect(first == model.first && last == model.last)
        for _ in 0..<50 where !model.isEmpty {
            let rank = random.below(model.count)
            let probe = model[rank] + UInt128(random.below(3)) - 1
            let entry = TreeEntry(high: UInt64(probe >> 32), middle: UInt32(truncatingIfNeeded: probe), item: 0)
            let place = model.partitioningIndex { $0 >= probe }
            let (found, before) = (tree.seek(entry, ExactEntries()), tree.seekBefore(entry, ExactEntries()))
            #expect(key(found) == (place < model.count ? model[place] : nil))
            #expect(key(before) == (place > 0 ? model[place - 1] : nil))
            let there = tree.position(at: rank)
            #expect(key(there) == model[rank])
            let next = there.flatMap { tree.position(behind: $0) }
            let previous = there.flatMap { tree.position(before: $0) }
            #expect(key(next) == (rank + 1 < model.count ? model[rank + 1] : nil))
            #expect(key(previous) == (rank > 0 ? model[rank - 1] : nil))
        }
    }

    @Test func tiesDecideBetweenEqualBits() throws {
        var random = seededRandom()
        let count = 3_000
        let texts: [[UInt8]] = (0..<count).map { Array("the same beginning \($0 * 7_919 % count)".utf8) }
        try texts.withUnsafeBufferPointer { buffer in
            let base = try #require(buffer.baseAddress)
            func entry(_ item: Int) -> TreeEntry { texts[item].withUnsafeBytes { TreeEntry($0, item: UInt32(item)) } }
            func ties(_ item: Int) -> TextTies { TextTies(texts: base, probe: texts[item]) }
            func order(_ left: UInt32, _ right: UInt32) -> Int { ties(Int(right)).order(of: left) }
            var tree = EntryTree()
            var present: Set<Int> = []
            for step in 0..<9_000 {
                let item = random.below(count)
                if present.remove(item) != nil {
                    guard let found = tree.find(entry(item), ties(item)) else { throw Missing() }
                    #expect(found.entry.item == UInt32(item))
                    tree.remove(found: found)
                } else {
                    present.insert(item)
                    let other = tree.insert(entry(item), ties(item))
                    #expect(other == nil)
                }
                if step % 1_500 == 1_499 {
                    let found = try tree.checkedEntries(order).map { Int($0.item) }
                    #expect(found == present.sorted { texts[$0].lexicographicallyPrecedes(texts[$1]) })
                }
            }
        }
    }

    @Test(arguments: [0, 1, 55, 56, 57, 5_000, 300_000])
    func isBuiltOfSortedEntries(_ count: Int) throws {
        let entries = (0..<count).map { TreeEntry(high: UInt64($0 / 10), middle: UInt32($0 % 10), item: 1) }
        var tree = EntryTree()
        entries.withUnsafeBufferPointer { tree.build($0) }
        let found = try tree.checkedEntries { _, _ in 0 }.map(whole)
        #expect(found == entries.map(whole))
        // It goes on like any other.
        for entry in entries where entry.high % 3 != 0 {
            if let found = tree.find(entry, ExactEntries()) { tree.remove(found: found) }
        }
        let (left, bytes) = (try tree.checkedEntries { _, _ in 0 }.count, tree.byteCount)
        #expect(left == entries.count { $0.high % 3 == 0 })
        #expect(bytes <= left * 48 + 300_000, "\(bytes) bytes for \(left) entries")
    }
}

extension Array {
    /// The first position from which on the condition holds, of an array in which it holds from there to the end.
    func partitioningIndex(_ holds: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
