/// A node of an ``EntryTree``: a block of a ``NodePool``, laid out by hand.
///
/// | Leaf | offset | Inner node | offset |
/// | --- | --- | --- | --- |
/// | count of entries (UInt32) | 0 | count of children (UInt32) | 0 |
/// | next leaf, or zero | 8 | children (64 addresses) | 8 |
/// | previous leaf, or zero | 16 | separators (63 × 16 bytes) | 520 |
/// | entries (62 × 16 bytes) | 24 | | |
///
/// Leaves are at the bottom, all at one height. Separator `i` of an inner node is the first entry below child `i + 1`.
///
/// `@safe`: a node is had from `makeLeaf`, `makeInner` or another node, so its block is as long as its kind says, and it is
/// used while it is in the tree. ``Elements`` keeps its arrays apart.
@safe
struct EntryTreeNode: Equatable, TreeNode {
    let base: UnsafeMutableRawPointer

    static let leafCapacity = 62
    static let innerCapacity = 64
    static let leafByteCount = 24 + leafCapacity * 16
    static let innerByteCount = 8 + innerCapacity * 8 + (innerCapacity - 1) * 16

    static func makeLeaf(in pool: inout NodePool) -> EntryTreeNode {
        let node = unsafe EntryTreeNode(base: pool.take())
        unsafe node.base.initializeMemory(as: UInt8.self, repeating: 0, count: 24)
        return node
    }

    static func makeInner(in pool: inout NodePool) -> EntryTreeNode {
        let node = unsafe EntryTreeNode(base: pool.take())
        node.count = 0
        return node
    }

    static func == (left: EntryTreeNode, right: EntryTreeNode) -> Bool { unsafe left.base == right.base }

    var count: Int {
        @inline(__always) get { unsafe Int(base.load(as: UInt32.self)) }
        nonmutating set { unsafe base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), as: UInt32.self) }
    }

    // Leaf
    var next: EntryTreeNode? {
        get { unsafe base.load(fromByteOffset: 8, as: UnsafeMutableRawPointer?.self).map(EntryTreeNode.init(base:)) }
        nonmutating set {
            unsafe base.storeBytes(of: newValue?.base, toByteOffset: 8, as: UnsafeMutableRawPointer?.self)
        }
    }
    var previous: EntryTreeNode? {
        get { unsafe base.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self).map(EntryTreeNode.init(base:)) }
        nonmutating set {
            unsafe base.storeBytes(of: newValue?.base, toByteOffset: 16, as: UnsafeMutableRawPointer?.self)
        }
    }
    var entries: Elements<TreeEntry> {
        @inline(__always) get { unsafe Elements(at: base + 24, count: Self.leafCapacity) }
    }

    // Inner node
    var children: Elements<EntryTreeNode> {
        @inline(__always) get { unsafe Elements(at: base + 8, count: Self.innerCapacity) }
    }
    var separators: Elements<TreeEntry> {
        @inline(__always) get { unsafe Elements(at: base + 520, count: Self.innerCapacity - 1) }
    }

    /// Asks for all that a search looks at: it would meet one line of memory after the other, and wait for each.
    @inline(__always)
    func prefetch(isLeaf: Bool) {
        let entries = isLeaf ? self.entries : separators
        for position in stride(from: 0, to: Self.leafCapacity, by: 4) { entries.prefetch(position) }
    }

    func insertEntry(_ entry: TreeEntry, at index: Int) {
        entries.copy(to: index + 1, from: entries, at: index, count: count - index)
        entries[index] = entry
        count += 1
    }

    func removeEntry(at index: Int) {
        entries.copy(to: index, from: entries, at: index + 1, count: count - index - 1)
        count -= 1
    }

    /// Adds a child behind position `index`, separated from it by that entry.
    func insertChild(_ child: EntryTreeNode, behind index: Int, separator: TreeEntry) {
        let tail = count - index - 1
        children.copy(to: index + 2, from: children, at: index + 1, count: tail)
        separators.copy(to: index + 1, from: separators, at: index, count: tail)
        children[index + 1] = child
        separators[index] = separator
        count += 1
    }

    /// Takes child `index` out, with the separator beside it.
    func removeChild(at index: Int) {
        let separator = max(index - 1, 0)
        children.copy(to: index, from: children, at: index + 1, count: count - index - 1)
        let tail = max(count - 1 - separator - 1, 0)
        separators.copy(to: separator, from: separators, at: separator + 1, count: tail)
        count -= 1
    }
}
