/// A node of the ordered index: a block of a ``NodePool``, laid out by hand.
///
/// | Leaf | offset | Inner node | offset |
/// | --- | --- | --- | --- |
/// | count of entries (UInt32) | 0 | count of children (UInt32) | 0 |
/// | next leaf, or zero | 8 | children (64 addresses) | 8 |
/// | previous leaf, or zero | 16 | keys of separators (63 × UInt64) | 520 |
/// | keys (64 × UInt64) | 24 | rows of separators (63 × UInt32) | 1024 |
/// | rows (64 × UInt32) | 536 | | |
///
/// Both kinds are mixed up by nothing but the level at which a node is met: leaves are at the bottom, all at one height.
/// Separator `i` of an inner node is the first entry below child `i + 1`: everything below child `i` comes before it.
///
/// `@safe`: a node is had from `makeLeaf`, `makeInner` or another node, so its block is as long as its kind says, and it is
/// used while it is in the tree. ``Elements`` keeps its arrays apart.
@safe
struct BTreeNode: Equatable, TreeNode {
    let base: UnsafeMutableRawPointer

    /// Entries of a leaf, children of an inner node.
    static let capacity = 64
    static let leafByteCount = 792
    static let innerByteCount = 1276

    static func makeLeaf(in pool: inout NodePool) -> BTreeNode {
        let node = unsafe BTreeNode(base: pool.take())
        unsafe node.base.initializeMemory(as: UInt8.self, repeating: 0, count: 24)
        return node
    }

    static func makeInner(in pool: inout NodePool) -> BTreeNode {
        let node = unsafe BTreeNode(base: pool.take())
        unsafe node.base.initializeMemory(as: UInt8.self, repeating: 0, count: 8)
        return node
    }

    static func == (left: BTreeNode, right: BTreeNode) -> Bool { unsafe left.base == right.base }

    var count: Int {
        get { unsafe Int(base.load(as: UInt32.self)) }
        nonmutating set { unsafe base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), as: UInt32.self) }
    }

    // Leaf
    var next: BTreeNode? {
        get { unsafe base.load(fromByteOffset: 8, as: UnsafeMutableRawPointer?.self).map(BTreeNode.init(base:)) }
        nonmutating set {
            unsafe base.storeBytes(of: newValue?.base, toByteOffset: 8, as: UnsafeMutableRawPointer?.self)
        }
    }
    var previous: BTreeNode? {
        get { unsafe base.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self).map(BTreeNode.init(base:)) }
        nonmutating set {
            unsafe base.storeBytes(of: newValue?.base, toByteOffset: 16, as: UnsafeMutableRawPointer?.self)
        }
    }
    var keys: Elements<UInt64> {
        @inline(__always) get { unsafe Elements(at: base + 24, count: Self.capacity) }
    }
    /// Asks for all entries of a leaf.
    @inline(__always)
    func prefetchEntries() {
        for position in stride(from: 0, to: Self.capacity, by: 8) { keys.prefetch(position) }
        for position in stride(from: 0, to: Self.capacity, by: 16) { rows.prefetch(position) }
    }

    /// Asks for all that a search looks at in an inner node.
    @inline(__always)
    func prefetchSeparators() {
        for position in stride(from: 0, to: Self.capacity - 1, by: 8) { separatorKeys.prefetch(position) }
        for position in stride(from: 0, to: Self.capacity, by: 8) { children.prefetch(position) }
    }

    var rows: Elements<UInt32> {
        @inline(__always) get { unsafe Elements(at: base + 536, count: Self.capacity) }
    }

    // Inner node
    var children: Elements<BTreeNode> {
        @inline(__always) get { unsafe Elements(at: base + 8, count: Self.capacity) }
    }
    var separatorKeys: Elements<UInt64> {
        @inline(__always) get { unsafe Elements(at: base + 520, count: Self.capacity - 1) }
    }
    var separatorRows: Elements<UInt32> {
        @inline(__always) get { unsafe Elements(at: base + 1024, count: Self.capacity - 1) }
    }

    func insertEntry(at index: Int, key: UInt64, row: UInt32) {
        let tail = count - index
        keys.copy(to: index + 1, from: keys, at: index, count: tail)
        rows.copy(to: index + 1, from: rows, at: index, count: tail)
        keys[index] = key
        rows[index] = row
        count += 1
    }

    func removeEntry(at index: Int) {
        let tail = count - index - 1
        keys.copy(to: index, from: keys, at: index + 1, count: tail)
        rows.copy(to: index, from: rows, at: index + 1, count: tail)
        count -= 1
    }

    /// Adds a child behind position `index`, separated from it by that entry.
    func insertChild(after index: Int, key: UInt64, row: UInt32, child: BTreeNode) {
        let tail = count - index - 1
        children.copy(to: index + 2, from: children, at: index + 1, count: tail)
        separatorKeys.copy(to: index + 1, from: separatorKeys, at: index, count: tail)
        separatorRows.copy(to: index + 1, from: separatorRows, at: index, count: tail)
        children[index + 1] = child
        separatorKeys[index] = key
        separatorRows[index] = row
        count += 1
    }

    /// Takes child `index` out, with the separator beside it.
    func removeChild(at index: Int) {
        let separator = max(index - 1, 0)
        let tail = count - index - 1
        children.copy(to: index, from: children, at: index + 1, count: tail)
        let separatorTail = max(count - 1 - separator - 1, 0)
        separatorKeys.copy(to: separator, from: separatorKeys, at: separator + 1, count: separatorTail)
        separatorRows.copy(to: separator, from: separatorRows, at: separator + 1, count: separatorTail)
        count -= 1
    }
}
