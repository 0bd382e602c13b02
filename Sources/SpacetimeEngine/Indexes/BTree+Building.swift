// Memory safety. Lent buffers: entries are read up to their count.

/// Making a tree of many entries at once.
extension BTree {
    /// Entries of a leaf, and children of an inner node, that are filled at first: the next entries find some room.
    private static let filled = BTreeNode.capacity - BTreeNode.capacity / 8

    /// Makes the tree of entries, which are in their order. It must be empty.
    mutating func build(_ entries: UnsafeBufferPointer<SortedEntry>) {
        precondition(count == 0 && height == 0, "only an empty tree can be built")
        guard !entries.isEmpty else { return }
        var nodes = unsafe makeLeaves(entries)
        while nodes.count > 1 {
            height += 1
            precondition(height < Self.heightLimit, "an index cannot be that high")
            nodes = makeInners(nodes)
        }
        root = nodes[0].node
        count = entries.count
    }

    /// A node and the first entry below it.
    private typealias Child = (node: BTreeNode, first: SortedEntry)

    private mutating func makeLeaves(_ entries: UnsafeBufferPointer<SortedEntry>) -> [Child] {
        var made: [Child] = []
        made.reserveCapacity(entries.count / Self.filled + 1)
        for start in stride(from: 0, to: entries.count, by: Self.filled) {
            let leaf = start == 0 ? root : BTreeNode.makeLeaf(in: &leaves)
            let filled = min(Self.filled, entries.count - start)
            for place in 0..<filled {
                leaf.keys[place] = unsafe entries[start + place].key
                leaf.rows[place] = unsafe entries[start + place].row
            }
            leaf.count = filled
            leaf.previous = made.last?.node
            made.last?.node.next = leaf
            unsafe made.append((leaf, entries[start]))
        }
        return made
    }

    private mutating func makeInners(_ children: [Child]) -> [Child] {
        var made: [Child] = []
        for start in stride(from: 0, to: children.count, by: Self.filled) {
            let inner = BTreeNode.makeInner(in: &inners)
            let part = children[start..<min(start + Self.filled, children.count)]
            for (place, child) in part.enumerated() {
                inner.children[place] = child.node
                guard place > 0 else { continue }
                inner.separatorKeys[place - 1] = child.first.key
                inner.separatorRows[place - 1] = child.first.row
            }
            inner.count = part.count
            made.append((inner, children[start].first))
        }
        return made
    }
}
