/// Keeping nodes from becoming thin, as the ordered index does.
extension EntryTree {
    /// Entries or children below which a node looks for a neighbour to merge with, at every removal.
    static let thinCount = 28
    /// What a merged node holds at most: less than a full one, or the next insert would split it again.
    static let mergedLimit = 54

    /// Takes out an entry of the leaf that `path` leads to.
    mutating func remove(_ leaf: EntryTreeNode, _ index: Int) {
        leaf.removeEntry(at: index)
        count &-= 1
        let left = leaf.count
        if index == 0, left > 0 { repairSeparator(to: leaf, from: height - 1) }
        if Self.isWorthMerging(left) {
            shrink(leaf)
            if compaction != nil { compactSome() }
        }
    }

    /// Thin nodes always are; others look around now and then, so that a thin neighbour does not stay beside them.
    private static func isWorthMerging(_ count: Int) -> Bool { count < thinCount || count & 7 == 0 }

    /// The leaf that `path` leads to has another first entry, or is first below the child taken: so the nearest separator
    /// before it changes.
    private func repairSeparator(to leaf: EntryTreeNode, from bottom: Int) {
        var level = bottom
        while level >= 0 {
            let (node, child) = (path[level].node, path[level].child)
            if child > 0 {
                node.separators[child - 1] = leaf.entries[0]
                return
            }
            level -= 1
        }
    }

    /// Merges the leaf that `path` leads to with a neighbour under the same parent if both fit, or takes it out if it is
    /// empty.
    @inline(never)
    private mutating func shrink(_ leaf: EntryTreeNode) {
        guard height > 0 else { return dropAllIfEmpty() }
        if leaf.count == 0 { return removeEmptyLeaf(leaf) }
        let (parent, child) = (path[height - 1].node, path[height - 1].child)
        if child + 1 < parent.count {
            let right = parent.children[child + 1]
            if leaf.count + right.count <= Self.mergedLimit { return merge(right, into: leaf, child: child + 1) }
        }
        if child > 0 {
            let left = parent.children[child - 1]
            if left.count + leaf.count <= Self.mergedLimit { merge(leaf, into: left, child: child) }
        }
    }

    /// - Parameter child: the position of `right` under the parent.
    private mutating func merge(_ right: EntryTreeNode, into left: EntryTreeNode, child: Int) {
        left.entries.copy(to: left.count, from: right.entries, at: 0, count: right.count)
        left.count += right.count
        left.next = right.next
        right.next?.previous = left
        right.giveBack(to: &leaves)
        path[height - 1].node.removeChild(at: child)
        shrinkInner(height - 1)
    }

    /// Goes on with the inner node at a level of `path`, which has lost a child, and with those above it.
    private mutating func shrinkInner(_ bottom: Int) {
        var level = bottom
        while level > 0, Self.isWorthMerging(path[level].node.count), mergeInner(level) { level -= 1 }
        while height > 0, root.count == 1 {
            let only = root.children[0]
            root.giveBack(to: &inners)
            root = only
            height -= 1
        }
        if compaction == nil, leaves.isSparse || inners.isSparse { compaction = TreeCompaction(&leaves, &inners) }
    }

    private mutating func mergeInner(_ level: Int) -> Bool {
        let node = path[level].node
        let (parent, child) = (path[level - 1].node, path[level - 1].child)
        if child + 1 < parent.count {
            let right = parent.children[child + 1]
            if node.count + right.count <= Self.mergedLimit {
                mergeInner(right, into: node, parent, child: child + 1)
                return true
            }
        }
        guard child > 0 else { return false }
        let left = parent.children[child - 1]
        guard left.count + node.count <= Self.mergedLimit else { return false }
        mergeInner(node, into: left, parent, child: child)
        return true
    }

    private mutating func mergeInner(
        _ right: EntryTreeNode, into left: EntryTreeNode, _ parent: EntryTreeNode, child: Int
    ) {
        let used = left.count
        // The separator between both comes down from the parent.
        left.separators[used - 1] = parent.separators[child - 1]
        left.children.copy(to: used, from: right.children, at: 0, count: right.count)
        left.separators.copy(to: used, from: right.separators, at: 0, count: right.count - 1)
        left.count = used + right.count
        right.giveBack(to: &inners)
        parent.removeChild(at: child)
    }

    /// Only beside neighbours that are too full to merge with does a leaf become empty.
    private mutating func removeEmptyLeaf(_ leaf: EntryTreeNode) {
        leaf.previous?.next = leaf.next
        leaf.next?.previous = leaf.previous
        let next = leaf.next
        leaf.giveBack(to: &leaves)
        var level = height - 1
        while level >= 0 {
            let (node, child) = (path[level].node, path[level].child)
            if node.count > 1 {
                node.removeChild(at: child)
                // What followed the removed child is now first under the nearest ancestor that has something before it.
                if child == 0, let next { repairSeparator(to: next, from: level - 1) }
                return shrinkInner(level)
            }
            node.giveBack(to: &inners)
            level -= 1
        }
        // Every inner node had one child only: nothing is left.
        root = .makeLeaf(in: &leaves)
        height = 0
        dropAllIfEmpty()
    }

    // MARK: Memory

    /// Brings nodes together that lie apart, some of them each time.
    @inline(never)
    mutating func compactSome() {
        if compaction?.advance(&root, height: height, &leaves, &inners) == true { compaction = nil }
    }

    /// An empty tree is as small as a new one.
    private mutating func dropAllIfEmpty() {
        guard count == 0, byteCount > Self.keptByteCount else { return }
        leaves = NodePool(blockByteCount: EntryTreeNode.leafByteCount, pool: pool)
        inners = NodePool(blockByteCount: EntryTreeNode.innerByteCount, pool: pool)
        root = .makeLeaf(in: &leaves)
        compaction = nil
    }

    /// Below that an empty tree keeps its memory: it may be filled and emptied again and again.
    private static let keptByteCount = 8_192
}
