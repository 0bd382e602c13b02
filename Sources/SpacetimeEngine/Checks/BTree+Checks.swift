extension BTree {
    /// Checks order, separators, links and counts; returns the entries in order.
    ///
    /// - Parameter order: compares the keys of two rows whose 64-bit keys are equal: negative, zero or positive.
    func checkedEntries(
        _ order: (RowID, RowID) -> Int
    ) throws(InvariantViolation) -> [(key: UInt64, row: RowID)] {
        var walk = Walk()
        try walk.visit(root, height: height)
        try check(walk.leaves == leaves.inUse, "\(walk.leaves) leaves, \(leaves.inUse) counted")
        try check(walk.inners == inners.inUse, "\(walk.inners) inner nodes, \(inners.inUse) counted")
        try leaves.checkInvariants()
        try inners.checkInvariants()
        try check(walk.entries.count == count, "\(walk.entries.count) entries, \(count) counted")
        try check(walk.lastLeaf?.next == nil, "the last leaf has a next one")
        try check(start.leaf == walk.firstLeaf && end.leaf == walk.lastLeaf, "start or end is another leaf")
        for i in walk.entries.indices.dropFirst() {
            let (left, right) = (walk.entries[i - 1], walk.entries[i])
            let ties = left.key == right.key ? order(left.row, right.row) : left.key < right.key ? -1 : 1
            try check(
                ties < 0 || (ties == 0 && left.row.rawValue < right.row.rawValue),
                "entries \(i - 1) and \(i) are out of order")
        }
        return walk.entries
    }

    private struct Walk {
        var entries: [(key: UInt64, row: RowID)] = []
        var leaves = 0
        var inners = 0
        var firstLeaf: BTreeNode?
        var lastLeaf: BTreeNode?

        mutating func visit(_ node: BTreeNode, height: Int) throws(InvariantViolation) {
            if height == 0 { return try visitLeaf(node) }
            inners += 1
            try check(node.count >= 1 && node.count <= BTreeNode.capacity, "an inner node of \(node.count) children")
            for i in 0..<node.count {
                let first = entries.count
                try visit(node.children[i], height: height - 1)
                guard i > 0 else { continue }
                try check(
                    first < entries.count && node.separatorKeys[i - 1] == entries[first].key
                        && node.separatorRows[i - 1] == entries[first].row.rawValue,
                    "separator \(i - 1) at height \(height) is not the first entry behind it")
            }
        }

        private mutating func visitLeaf(_ leaf: BTreeNode) throws(InvariantViolation) {
            leaves += 1
            try check(leaf.count <= BTreeNode.capacity, "a leaf of \(leaf.count) entries")
            try check(leaf.count > 0 || leaf.previous == nil && leaf.next == nil, "an empty leaf")
            try check(leaf.previous == lastLeaf, "a leaf's link back is wrong")
            if let lastLeaf { try check(lastLeaf.next == leaf, "a leaf's link forward is wrong") }
            if firstLeaf == nil { firstLeaf = leaf }
            lastLeaf = leaf
            for i in 0..<leaf.count { entries.append((leaf.keys[i], RowID(leaf.rows[i]))) }
        }
    }
}
