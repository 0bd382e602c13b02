// Memory safety. Lent buffers: entries are read up to their count.

/// Making a tree of many entries at once.
extension EntryTree {
    /// Entries of a leaf, and children of an inner node, that are filled at first: the next entries find some room.
    private static let filled = 56

    /// A node and the first entry below it.
    typealias Child = (node: EntryTreeNode, first: TreeEntry)

    /// Makes the tree of entries, which are in their order. It must be empty.
    mutating func build(_ entries: UnsafeBufferPointer<TreeEntry>) {
        precondition(count == 0 && height == 0, "only an empty tree can be built")
        guard !entries.isEmpty else { return }
        var made: [Child] = []
        made.reserveCapacity(entries.count / Self.filled + 1)
        for start in stride(from: 0, to: entries.count, by: Self.filled) {
            let leaf = start == 0 ? root : EntryTreeNode.makeLeaf(in: &leaves)
            leaf.count = min(Self.filled, entries.count - start)
            for place in 0..<leaf.count { leaf.entries[place] = unsafe entries[start + place] }
            leaf.previous = made.last?.node
            made.last?.node.next = leaf
            unsafe made.append((leaf, entries[start]))
        }
        count = entries.count
        raise(made)
    }

    /// Puts inner nodes above leaves that are linked already: at least one.
    private mutating func raise(_ leaves: [Child]) {
        var nodes = leaves
        while nodes.count > 1 {
            height += 1
            precondition(height < Self.heightLimit, "a tree cannot be that high")
            nodes = makeInners(nodes)
        }
        root = nodes[0].node
    }

    private mutating func makeInners(_ children: [Child]) -> [Child] {
        var made: [Child] = []
        for start in stride(from: 0, to: children.count, by: Self.filled) {
            let inner = EntryTreeNode.makeInner(in: &inners)
            let part = children[start..<min(start + Self.filled, children.count)]
            for (place, child) in part.enumerated() {
                inner.children[place] = child.node
                if place > 0 { inner.separators[place - 1] = child.first }
            }
            inner.count = part.count
            made.append((inner, children[start].first))
        }
        return made
    }
}
