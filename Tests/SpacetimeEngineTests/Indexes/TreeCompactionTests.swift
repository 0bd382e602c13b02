import Testing

@testable import SpacetimeEngine

/// An entry that should be there is not.
private struct Missing: Error {}

/// Nodes are brought together a few at a time, while the tree goes on being used.
@Suite struct TreeCompactionTests {
    /// How entries are taken out until the tree is sparse, and what is done while its nodes are moved.
    enum Pattern: CaseIterable {
        /// Anywhere.
        case scattered
        /// From the end on, so that the tree becomes lower meanwhile.
        case fromTheEnd
        /// Taken out and put in at the same rate: splits and merges before and behind those that are moved.
        case churned
        /// Put in only, from the start of the compaction.
        case refilled
    }

    private static func leaves(_ tree: borrowing BTree) -> [UnsafeMutableRawPointer] {
        var found: [UnsafeMutableRawPointer] = []
        var next: BTreeNode? = tree.start.leaf
        while let leaf = next {
            found.append(leaf.base)
            next = leaf.next
        }
        return found
    }

    private struct Entry: Hashable {
        var key: UInt64
        var row: UInt32
    }

    @Test(arguments: Pattern.allCases) func nodesAreMovedAFewAtATime(_ pattern: Pattern) throws {
        var random = seededRandom("compacting \(pattern)")
        let pool = PagePool()
        var tree = BTree(pool: pool)
        var present: [Entry] = []
        var rows: UInt32 = 0
        func put(_ tree: inout BTree, _ present: inout [Entry], _ random: inout SplitMix64) {
            let entry = Entry(key: UInt64(random.below(30_000)), row: rows)
            rows += 1
            present.append(entry)
            tree.insert(entry.key, RowID(entry.row), ExactKeys())
        }
        for _ in 0..<60_000 { put(&tree, &present, &random) }
        if pattern == .fromTheEnd {
            present.sort { ($0.key, $0.row) < ($1.key, $1.row) }
        } else {
            present.shuffle(using: &random)
        }
        var compacted = 0
        var step = 0
        while !present.isEmpty, compacted < 2, step < 400_000 {
            let isCompacting = tree.compaction != nil
            let before = isCompacting && step % 31 == 0 ? Set(Self.leaves(tree)) : nil
            let puts =
                switch pattern {
                case .scattered, .fromTheEnd: false
                case .churned: isCompacting && random.oneIn(2)
                case .refilled: isCompacting
                }
            if puts {
                put(&tree, &present, &random)
            } else {
                let entry = present.removeLast()
                let removed = tree.remove(entry.key, RowID(entry.row), ExactKeys())
                #expect(removed)
            }
            if let before {
                let new = Self.leaves(tree).count { !before.contains($0) }
                #expect(new <= 9, "\(new) leaves are new")
            }
            if step % 4_001 == 0 {
                let found = try tree.checkedEntries { _, _ in 0 }.map { Entry(key: $0.key, row: $0.row.rawValue) }
                #expect(found.count == present.count && Set(found) == Set(present))
            }
            if isCompacting, tree.compaction == nil {
                compacted += 1
                _ = try tree.checkedEntries { _, _ in 0 }
                let (bytes, leaves) = (tree.byteCount, tree.leaves.inUse)
                #expect(bytes <= leaves * 832 * 8 / 5 + 263_000, "\(bytes) bytes for \(leaves) leaves")
            }
            step += 1
        }
        #expect(compacted > 0, "\(pattern): never compacted")
        for entry in present { tree.remove(entry.key, RowID(entry.row), ExactKeys()) }
        let (left, used) = (tree.count, pool.usage.used)
        #expect(left == 0 && used == 0, "\(left) entries and \(used) bytes are left")
    }

    /// The tree of live queries does as the index does.
    @Test func entriesOfLiveQueriesAreMovedAFewAtATime() throws {
        var random = seededRandom("compacting entries")
        var tree = EntryTree()
        var present = (0..<60_000).map { TreeEntry(high: UInt64($0), middle: 7, item: UInt32($0)) }
        present.shuffle(using: &random)
        for entry in present { _ = tree.insert(entry, ExactEntries()) }
        func leaves(_ tree: borrowing EntryTree) -> Set<UnsafeMutableRawPointer> {
            var found: Set<UnsafeMutableRawPointer> = []
            var next = tree.first?.leaf
            while let leaf = next {
                found.insert(leaf.base)
                next = leaf.next
            }
            return found
        }
        var (compacted, gone, step) = (0, [] as [TreeEntry], 0)
        while let entry = present.popLast(), compacted < 2 {
            step += 1
            let isCompacting = tree.compaction != nil
            let before = isCompacting && step % 31 == 0 ? leaves(tree) : nil
            guard let found = tree.find(entry, ExactEntries()) else { throw Missing() }
            tree.remove(found: found)
            gone.append(entry)
            if let before {
                let new = leaves(tree).subtracting(before).count
                #expect(new <= 9, "\(new) leaves are new")
            }
            if isCompacting, random.oneIn(3), let back = gone.popLast() {
                _ = tree.insert(back, ExactEntries())
                present.insert(back, at: 0)
            }
            if step % 4_001 == 0 {
                let left = try tree.checkedEntries { _, _ in 0 }.map(\.high)
                #expect(left == present.map(\.high).sorted())
            }
            if isCompacting, tree.compaction == nil { compacted += 1 }
        }
        #expect(compacted > 0)
    }
}
