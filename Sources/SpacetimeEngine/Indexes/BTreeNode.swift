/// Nodes of the ordered index, as raw blocks with fixed offsets.
///
/// | Leaf | offset | Inner | offset |
/// | --- | --- | --- | --- |
/// | count (UInt32), unused (UInt32) | 0 | count of children (UInt32), unused | 0 |
/// | next leaf | 8 | children (65 addresses) | 8 |
/// | previous leaf | 16 | separators' keys (64 × UInt64) | 528 |
/// | keys (64 × UInt64) | 24 | separators' rows (64 × UInt32) | 1040 |
/// | rows (64 × UInt32) | 536 | | |
///
/// Separator `i` of an inner node is the first entry below child `i + 1`: everything under child `i` is smaller.
struct BTreeNode: Equatable {
    let base: UnsafeMutableRawPointer

    static let capacity = 64
    static let leafByteCount = 792
    static let innerByteCount = 1296

    static func makeLeaf(in pool: inout NodePool) -> BTreeNode {
        let base = pool.take()
        base.initializeMemory(as: UInt8.self, repeating: 0, count: 24)
        return BTreeNode(base: base)
    }

    static func makeInner(in pool: inout NodePool) -> BTreeNode {
        let base = pool.take()
        base.initializeMemory(as: UInt8.self, repeating: 0, count: 8)
        return BTreeNode(base: base)
    }

    var count: Int {
        get { Int(base.load(as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), as: UInt32.self) }
    }

    // Leaf
    var next: BTreeNode? {
        get { base.load(fromByteOffset: 8, as: UnsafeMutableRawPointer?.self).map(BTreeNode.init(base:)) }
        nonmutating set { base.storeBytes(of: newValue?.base, toByteOffset: 8, as: UnsafeMutableRawPointer?.self) }
    }
    var previous: BTreeNode? {
        get { base.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self).map(BTreeNode.init(base:)) }
        nonmutating set { base.storeBytes(of: newValue?.base, toByteOffset: 16, as: UnsafeMutableRawPointer?.self) }
    }
    var keys: UnsafeMutablePointer<UInt64> { (base + 24).assumingMemoryBound(to: UInt64.self) }
    var rows: UnsafeMutablePointer<UInt32> { (base + 536).assumingMemoryBound(to: UInt32.self) }

    // Inner
    var children: UnsafeMutablePointer<UnsafeMutableRawPointer> {
        (base + 8).assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    }
    var separatorKeys: UnsafeMutablePointer<UInt64> { (base + 528).assumingMemoryBound(to: UInt64.self) }
    var separatorRows: UnsafeMutablePointer<UInt32> { (base + 1040).assumingMemoryBound(to: UInt32.self) }

    func insertEntry(at index: Int, key: UInt64, row: UInt32) {
        let tail = count - index
        (keys + index + 1).update(from: keys + index, count: tail)
        (rows + index + 1).update(from: rows + index, count: tail)
        keys[index] = key
        rows[index] = row
        count += 1
    }

    func removeEntry(at index: Int) {
        let tail = count - index - 1
        (keys + index).update(from: keys + index + 1, count: tail)
        (rows + index).update(from: rows + index + 1, count: tail)
        count -= 1
    }

    /// Adds a child behind position `index`, separated from it by that entry.
    func insertChild(after index: Int, key: UInt64, row: UInt32, child: BTreeNode) {
        let tail = count - index - 1
        (children + index + 2).update(from: children + index + 1, count: tail)
        (separatorKeys + index + 1).update(from: separatorKeys + index, count: tail)
        (separatorRows + index + 1).update(from: separatorRows + index, count: tail)
        children[index + 1] = child.base
        separatorKeys[index] = key
        separatorRows[index] = row
        count += 1
    }

    /// Takes child `index` out, with the separator beside it.
    func removeChild(at index: Int) {
        let separator = max(index - 1, 0)
        let tail = count - index - 1
        (children + index).update(from: children + index + 1, count: tail)
        let separatorTail = max(count - 1 - separator - 1, 0)
        (separatorKeys + separator).update(from: separatorKeys + separator + 1, count: separatorTail)
        (separatorRows + separator).update(from: separatorRows + separator + 1, count: separatorTail)
        count -= 1
    }
}
