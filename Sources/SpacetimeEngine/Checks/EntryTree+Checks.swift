extension EntryTree {
    /// Checks order, separators, links and counts; returns the entries in order.
    ///
    /// - Parameter order: compares the keys of two items whose first bits are equal: negative or positive.
    func checkedEntries(_ order: (UInt32, UInt32) -> Int) throws(InvariantViolation) -> [TreeEntry] {
        var walk = Walk()
        try walk.visit(root, height: height)
        try check(walk.leaves == leaves.inUse, "\(walk.leaves) leaves, \(leaves.inUse) counted")
        try check(walk.inners == inners.inUse, "\(walk.inners) inner nodes, \(inners.inUse) counted")
        try leaves.checkInvariants()
        try inners.checkInvariants()
        try check(walk.entries.count == count, "\(walk.entries.count) entries, \(count) counted")
        try check(walk.lastLeaf?.next == nil, "the last leaf has a next one")
        for i in walk.entries.indices.dropFirst() {
            let (left, right) = (walk.entries[i - 1], walk.entries[i])
            let known = TreeEntry.order(left, right)
            try check(
                known < 0 || known == 0 && order(left.item, right.item) < 0, "entries \(i - 1), \(i) are out of order")
        }
        return walk.entries
    }

    private struct Walk {
        var entries: [TreeEntry] = []
        var leaves = 0
        var inners = 0
        var lastLeaf: EntryTreeNode?

        /// Recurses to the height of the tree, which is below ``EntryTree/heightLimit``.
        mutating func visit(_ node: EntryTreeNode, height: Int) throws(InvariantViolation) {
            if height == 0 { return try visitLeaf(node) }
            inners += 1
            let limit = EntryTreeNode.innerCapacity
            try check(node.count >= 1 && node.count <= limit, "an inner node of \(node.count) children")
            for i in 0..<node.count {
                let first = entries.count
                try visit(node.children[i], height: height - 1)
                guard i > 0 else { continue }
                // Items of exact entries are counts, which separators do not follow.
                try check(
                    first < entries.count && TreeEntry.order(node.separators[i - 1], entries[first]) == 0,
                    "separator \(i - 1) at height \(height) is not the first entry behind it")
            }
        }

        private mutating func visitLeaf(_ leaf: EntryTreeNode) throws(InvariantViolation) {
            leaves += 1
            try check(leaf.count <= EntryTreeNode.leafCapacity, "a leaf of \(leaf.count) entries")
            try check(leaf.count > 0 || leaf.previous == nil && leaf.next == nil, "an empty leaf")
            try check(leaf.previous == lastLeaf, "a leaf's link back is wrong")
            if let lastLeaf { try check(lastLeaf.next == leaf, "a leaf's link forward is wrong") }
            lastLeaf = leaf
            for i in 0..<leaf.count { entries.append(leaf.entries[i]) }
        }
    }
}
