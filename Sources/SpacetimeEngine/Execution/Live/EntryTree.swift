// Memory safety. Own memory: the path has room for as many steps as a tree can have levels.

/// An ordered set of entries: 96 bits of a key, then whatever the ties say. No two entries are equal in both.
///
/// What ``BTree`` is for rows of a table, this is for keys and images that live queries keep by themselves: those are not at
/// hand as the rows of a table are, so entries hold more of the key, and neighbours of an entry can be asked for. The rules are
/// the same: leaves are linked; splitting the last leaf at its end keeps ascending inserts dense; thin nodes are merged with a
/// neighbour; separator `i` of an inner node is always the first entry under child `i + 1`, so each item that is ever compared
/// is there.
struct EntryTree: ~Copyable {
    /// Where an entry is.
    struct Position {
        var leaf: EntryTreeNode
        var index: Int

        var entry: TreeEntry { leaf.entries[index] }
    }

    /// An inner node on the way down, and the child taken there.
    struct Step {
        var node: EntryTreeNode
        var child: Int
    }

    var root: EntryTreeNode
    /// Inner levels above the leaves.
    var height = 0
    var count = 0
    var leaves: NodePool
    var inners: NodePool
    /// While nodes are brought together.
    var compaction: TreeCompaction?
    let pool: PagePool
    let path: Elements<Step>
    static let heightLimit = 16

    init(pool: PagePool = PagePool()) {
        self.pool = pool
        leaves = NodePool(blockByteCount: EntryTreeNode.leafByteCount, pool: pool)
        inners = NodePool(blockByteCount: EntryTreeNode.innerByteCount, pool: pool)
        root = .makeLeaf(in: &leaves)
        path = unsafe Elements(
            at: UnsafeMutablePointer<Step>.allocate(capacity: Self.heightLimit), count: Self.heightLimit)
    }

    // The nodes go with their pools.
    deinit { unsafe path.address.deallocate() }

    var byteCount: Int { leaves.byteCount + inners.byteCount }

    // MARK: Searching

    @inline(__always)
    private static func order<Ties: EntryTies>(_ entry: TreeEntry, _ probe: TreeEntry, _ ties: Ties) -> Int {
        let order = TreeEntry.order(entry, probe)
        return order != 0 ? order : ties.order(of: entry.item)
    }

    /// How many of the first `count` entries are before the probe, and whether the next one is equal to it.
    @inline(__always)
    private static func rank<Ties: EntryTies>(
        _ entries: Elements<TreeEntry>, _ count: Int, _ probe: TreeEntry, _ ties: Ties
    ) -> (index: Int, isEqual: Bool) {
        var low = 0
        var length = count
        while length > 0 {
            let half = length &>> 1
            let order = order(entries[low &+ half], probe, ties)
            if order < 0 {
                low &+= half &+ 1
                length &-= half &+ 1
            } else if order > 0 {
                length = half
            } else {
                return (low &+ half, true)
            }
        }
        return (low, false)
    }

    /// The leaf that holds the probe, or would; the way to it is in `path`.
    @inline(__always)
    private func descend<Ties: EntryTies>(_ probe: TreeEntry, _ ties: Ties) -> EntryTreeNode {
        var node = root
        let isLarge = count > Self.cachedCount
        for level in 0..<height {
            let (index, isEqual) = Self.rank(node.separators, node.count &- 1, probe, ties)
            // A separator is under the child to its right.
            let child = isEqual ? index &+ 1 : index
            path[level] = Step(node: node, child: child)
            node = node.children[child]
            if isLarge { node.prefetch(isLeaf: level &+ 1 == height) }
        }
        return node
    }

    /// A tree of so many entries is expected to be in the caches of the processor.
    private static let cachedCount = 20_000

    /// Where an equal entry is, if there is one.
    @inline(__always)
    func find<Ties: EntryTies>(_ probe: TreeEntry, _ ties: Ties) -> Position? {
        let leaf = descend(probe, ties)
        let (index, isEqual) = Self.rank(leaf.entries, leaf.count, probe, ties)
        return isEqual ? Position(leaf: leaf, index: index) : nil
    }

    /// The first entry that is not before the probe.
    @inline(__always)
    func seek<Ties: EntryTies>(_ probe: TreeEntry, _ ties: Ties) -> Position? {
        let leaf = descend(probe, ties)
        let (index, _) = Self.rank(leaf.entries, leaf.count, probe, ties)
        if index < leaf.count { return Position(leaf: leaf, index: index) }
        return leaf.next.map { Position(leaf: $0, index: 0) }
    }

    /// The last entry that is before the probe.
    @inline(__always)
    func seekBefore<Ties: EntryTies>(_ probe: TreeEntry, _ ties: Ties) -> Position? {
        let leaf = descend(probe, ties)
        let (index, _) = Self.rank(leaf.entries, leaf.count, probe, ties)
        return position(before: Position(leaf: leaf, index: index))
    }

    func position(before position: Position) -> Position? {
        if position.index > 0 { return Position(leaf: position.leaf, index: position.index - 1) }
        return position.leaf.previous.map { Position(leaf: $0, index: $0.count - 1) }
    }

    func position(behind position: Position) -> Position? {
        if position.index + 1 < position.leaf.count { return Position(leaf: position.leaf, index: position.index + 1) }
        return position.leaf.next.map { Position(leaf: $0, index: 0) }
    }

    var first: Position? {
        if count == 0 { return nil }
        var node = root
        for _ in 0..<height { node = node.children[0] }
        return Position(leaf: node, index: 0)
    }

    var last: Position? {
        if count == 0 { return nil }
        var node = root
        for _ in 0..<height { node = node.children[node.count - 1] }
        return Position(leaf: node, index: node.count - 1)
    }

    /// The entry that so many others are before. Costs a step for each leaf on the way.
    func position(at rank: Int) -> Position? {
        guard rank < count, var leaf = first?.leaf else { return nil }
        var rest = rank
        while rest >= leaf.count {
            rest -= leaf.count
            guard let next = leaf.next else { return nil }
            leaf = next
        }
        return Position(leaf: leaf, index: rest)
    }

    // MARK: Changing

    /// Adds an entry. If there is an equal one nothing is changed, and its place is returned.
    @inline(__always)
    mutating func insert<Ties: EntryTies>(_ entry: TreeEntry, _ ties: Ties) -> Position? {
        let leaf = descend(entry, ties)
        let (index, isEqual) = Self.rank(leaf.entries, leaf.count, entry, ties)
        if isEqual { return Position(leaf: leaf, index: index) }
        count &+= 1
        if leaf.count < EntryTreeNode.leafCapacity {
            leaf.insertEntry(entry, at: index)
        } else {
            split(leaf, inserting: entry, at: index)
            if compaction != nil { compactSome() }
        }
        return nil
    }

    @inline(never)
    private mutating func split(_ leaf: EntryTreeNode, inserting entry: TreeEntry, at index: Int) {
        let right = EntryTreeNode.makeLeaf(in: &leaves)
        let full = EntryTreeNode.leafCapacity
        // Ascending inserts leave full leaves behind them.
        let keep = index == full && leaf.next == nil ? full : full / 2
        right.entries.copy(to: 0, from: leaf.entries, at: keep, count: full - keep)
        right.count = full - keep
        leaf.count = keep
        right.next = leaf.next
        right.previous = leaf
        leaf.next?.previous = right
        leaf.next = right
        if index < keep || index == keep && keep < full {
            leaf.insertEntry(entry, at: index)
        } else {
            right.insertEntry(entry, at: index - keep)
        }
        insertChild(right, separator: right.entries[0])
    }

    /// Hangs a new node behind the one that `path` leads to, splitting inner nodes on the way up.
    private mutating func insertChild(_ child: EntryTreeNode, separator: TreeEntry) {
        var child = child
        var separator = separator
        var level = height - 1
        while level >= 0 {
            let (node, index) = (path[level].node, path[level].child)
            let full = EntryTreeNode.innerCapacity
            if node.count < full { return node.insertChild(child, behind: index, separator: separator) }
            let right = EntryTreeNode.makeInner(in: &inners)
            let keep = index == full - 1 ? full - 1 : full / 2
            // Children keep..<full move; the separator before child `keep` moves up.
            let moved = full - keep
            right.children.copy(to: 0, from: node.children, at: keep, count: moved)
            right.separators.copy(to: 0, from: node.separators, at: keep, count: moved - 1)
            right.count = moved
            let up = node.separators[keep - 1]
            node.count = keep
            if index < keep {
                node.insertChild(child, behind: index, separator: separator)
            } else {
                right.insertChild(child, behind: index - keep, separator: separator)
            }
            child = right
            separator = up
            level -= 1
        }
        let newRoot = EntryTreeNode.makeInner(in: &inners)
        newRoot.children[0] = root
        newRoot.count = 1
        newRoot.insertChild(child, behind: 0, separator: separator)
        root = newRoot
        height += 1
        precondition(height < Self.heightLimit, "a tree cannot be that high")
    }

    /// Takes out the entry that ``find(_:_:)`` found just before.
    @inline(__always)
    mutating func remove(found position: Position) { remove(position.leaf, position.index) }

    /// Takes the last entry out; nil if there is none.
    mutating func removeLast() -> TreeEntry? {
        if count == 0 { return nil }
        var node = root
        for level in 0..<height {
            path[level] = Step(node: node, child: node.count - 1)
            node = node.children[node.count - 1]
        }
        let entry = node.entries[node.count - 1]
        remove(node, node.count - 1)
        return entry
    }
}
