import Testing

@testable import SpacetimeEngine

/// Compares rows by texts kept in an array; the number of a row is its position.
private struct TextTies: TieBreaker {
    let texts: UnsafePointer<[UInt8]>
    let probe: [UInt8]

    func order(of row: RowID) -> Int {
        let text = texts[Int(row.rawValue)]
        return text == probe ? 0 : text.lexicographicallyPrecedes(probe) ? -1 : 1
    }
}

@Suite struct BTreeTests {
    /// The order in which keys come and go.
    enum Pattern: CaseIterable {
        case ascending, descending, random, duplicates, sameKey, outsideIn
    }

    private func key(_ pattern: Pattern, _ step: Int, _ random: inout SplitMix64) -> UInt64 {
        switch pattern {
        case .ascending: UInt64(step)
        case .descending: .max - UInt64(step)
        case .random: random.next()
        case .duplicates: UInt64(random.below(20))
        case .sameKey: 7
        case .outsideIn: step % 2 == 0 ? UInt64(step) : .max - UInt64(step)
        }
    }

    private struct Entry: Hashable, Comparable {
        var key: UInt64
        var row: UInt32
        static func < (left: Entry, right: Entry) -> Bool {
            left.key != right.key ? left.key < right.key : left.row < right.row
        }
    }

    private func entries(_ tree: borrowing BTree) throws -> [Entry] {
        try tree.checkedEntries { _, _ in 0 }.map { Entry(key: $0.key, row: $0.row.rawValue) }
    }

    @Test(arguments: Pattern.allCases)
    func behavesLikeASortedArray(_ pattern: Pattern) throws {
        var random = seededRandom("tree \(pattern)")
        var tree = BTree()
        var model: Set<Entry> = []
        var order: [Entry] = []
        for step in 0..<9_000 {
            if step % 3_000 >= 2_200 || random.oneIn(5), !order.isEmpty {
                let entry = order.remove(at: pattern == .ascending ? 0 : random.below(order.count))
                model.remove(entry)
                let removed = tree.remove(entry.key, RowID(entry.row), ExactKeys())
                let again = tree.remove(entry.key, RowID(entry.row), ExactKeys())
                #expect(removed && !again)
            } else {
                let entry = Entry(key: key(pattern, step, &random), row: UInt32(truncatingIfNeeded: random.next()) >> 1)
                guard model.insert(entry).inserted else { continue }
                order.append(entry)
                tree.insert(entry.key, RowID(entry.row), ExactKeys())
            }
            if step % 1_000 == 999 {
                let sorted = model.sorted()
                let found = try entries(tree)
                #expect(found == sorted)
                compareSeeks(tree, sorted, &random)
            }
        }
    }

    private func compareSeeks(_ tree: borrowing BTree, _ sorted: [Entry], _ random: inout SplitMix64) {
        for _ in 0..<50 {
            let near = sorted.isEmpty ? 0 : sorted[random.below(sorted.count)].key
            let key = near &+ UInt64(random.below(3)) &- 1
            let position = tree.seek(key, ExactKeys())
            let expected = sorted.first { $0.key >= key }
            if let expected {
                #expect(position.index < position.leaf.count)
                #expect(position.leaf.keys[position.index] == expected.key)
                #expect(position.leaf.rows[position.index] == expected.row)
            } else {
                let end = tree.end
                #expect(position == end)
            }
            let before = sorted.count { $0.key < key }
            let (first, second) = (
                BTree.distance(from: tree.start, to: position), BTree.distance(from: position, to: tree.end)
            )
            #expect(first == before && second == sorted.count - before)
        }
    }

    @Test(arguments: Pattern.allCases)
    func deletingEverythingInAnyOrderEmptiesIt(_ pattern: Pattern) throws {
        var random = seededRandom("emptying a tree \(pattern)")
        for removal in 0..<3 {
            var tree = BTree()
            var all = Set<Entry>()
            for step in 0..<5_000 { all.insert(Entry(key: key(pattern, step, &random), row: UInt32(step))) }
            for entry in all.shuffled(using: &random) { tree.insert(entry.key, RowID(entry.row), ExactKeys()) }
            let order = removal == 0 ? all.sorted() : removal == 1 ? all.sorted(by: >) : all.shuffled(using: &random)
            for (step, entry) in order.enumerated() {
                let removed = tree.remove(entry.key, RowID(entry.row), ExactKeys())
                #expect(removed)
                if step % 700 == 0 { _ = try entries(tree) }
            }
            let (left, leaves, inners) = (try entries(tree), tree.leaves.inUse, tree.inners.inUse)
            #expect(left.isEmpty && leaves == 1 && inners == 0)
        }
    }

    @Test func ascendingInsertsFillLeaves() throws {
        var tree = BTree()
        for step in 0..<64_000 { tree.insert(UInt64(step), RowID(UInt32(step)), ExactKeys()) }
        let byteCount = tree.byteCount
        #expect(byteCount / 64_000 <= 14)
        let count = try entries(tree).count
        #expect(count == 64_000)
    }

    /// Neighbours under one parent hold more than a merged node may, so few leaves are thin.
    @Test(arguments: [2, 5, 20, 100, 1_000])
    func thinNodesAreMerged(_ kept: Int) throws {
        var random = seededRandom("one in \(kept) is kept")
        for isShuffled in [true, false] {
            let pool = PagePool()
            var tree = BTree(pool: pool)
            for step in 0..<100_000 { tree.insert(UInt64(step), RowID(UInt32(step)), ExactKeys()) }
            var order = (0..<100_000).filter { $0 % kept != 0 }
            if isShuffled { order.shuffle(using: &random) }
            for step in order { tree.remove(UInt64(step), RowID(UInt32(step)), ExactKeys()) }
            let (left, leaves, inners) = (try entries(tree).count, tree.leaves.inUse, tree.inners.inUse)
            #expect(left == (100_000 + kept - 1) / kept)
            #expect(leaves <= left / 24 + 2, "\(leaves) leaves for \(left) entries")
            #expect(inners <= leaves / 24 + 3, "\(inners) inner nodes for \(leaves) leaves")
            // Nodes do not stay spread over all chunks.
            let bytes = tree.byteCount
            #expect(bytes <= leaves * 832 * 8 / 5 + 263_000, "\(bytes) bytes for \(leaves) leaves")
        }
    }

    @Test func anEmptiedTreeIsAsSmallAsANewOne() throws {
        let pool = PagePool()
        var tree = BTree(pool: pool)
        let new = tree.byteCount
        for _ in 0..<3 {
            for step in 0..<50_000 { tree.insert(UInt64(step), RowID(UInt32(step)), ExactKeys()) }
            for step in 0..<50_000 { tree.remove(UInt64(step), RowID(UInt32(step)), ExactKeys()) }
            let (bytes, count) = (tree.byteCount, try entries(tree).count)
            #expect(bytes <= max(new, 8_192) && count == 0)
            #expect(pool.usage.used == 0)
        }
    }

    @Test func tiesAreOrderedByTheRowsTexts() throws {
        var random = seededRandom()
        let count = 4_000
        // Eight equal bytes in front: every prefix ties with many others. Some texts are equal as wholes, too.
        let texts: [[UInt8]] = (0..<count).map { _ in
            Array("prefix-\(random.below(3))".utf8) + Array("\(random.below(900))".utf8)
        }
        func prefix(_ row: UInt32) -> UInt64 { texts[Int(row)].withUnsafeBytes { keyPrefix($0) } }
        try texts.withUnsafeBufferPointer { buffer in
            let base = try #require(buffer.baseAddress)
            func ties(_ row: UInt32) -> TextTies { TextTies(texts: base, probe: texts[Int(row)]) }
            func order(_ left: RowID, _ right: RowID) -> Int { -ties(left.rawValue).order(of: right) }
            var tree = BTree()
            var present: Set<UInt32> = []
            for step in 0..<12_000 {
                let row = UInt32(random.below(count))
                if present.contains(row), step > 6_000 || random.oneIn(3) {
                    present.remove(row)
                    let removed = tree.remove(prefix(row), RowID(row), ties(row))
                    #expect(removed)
                } else if present.insert(row).inserted {
                    tree.insert(prefix(row), RowID(row), ties(row))
                }
                if step % 1_500 == 1_499 {
                    let found = try tree.checkedEntries(order).map(\.row.rawValue)
                    let expected = present.sorted {
                        texts[Int($0)] == texts[Int($1)]
                            ? $0 < $1 : texts[Int($0)].lexicographicallyPrecedes(texts[Int($1)])
                    }
                    #expect(found == expected)
                    let probe = UInt32(random.below(count))
                    let position = tree.seek(prefix(probe), ties(probe))
                    let before = expected.count { texts[Int($0)].lexicographicallyPrecedes(texts[Int(probe)]) }
                    let distance = BTree.distance(from: tree.start, to: position)
                    #expect(distance == before)
                }
            }
        }
    }
}
