// Memory safety. Own memory: the path has room for as many steps as a tree can have levels.

/// Decides between entries whose 64-bit keys are equal.
protocol TieBreaker {
    /// Where the row's key is in relation to the probe's: negative, zero or positive.
    func order(of row: RowID) -> Int
}

/// For keys that are whole in 64 bits.
struct ExactKeys: TieBreaker {
    @inline(__always) func order(of row: RowID) -> Int { 0 }
}

/// An ordered set of (key, row) pairs: 64-bit keys, then whatever the tie breaker says, then the row id.
///
/// Leaves are linked for scans. Splitting the last leaf at its end keeps ascending inserts dense. A node that has become
/// thin is merged with a neighbour as soon as both together leave some room in one node, so neighbours are half full on
/// average. Nothing is borrowed from a neighbour that is too full for that: moving entries would not save a node.
///
/// Separator `i` of an inner node is always the first entry under child `i + 1`, so every entry that is ever compared
/// belongs to a row that is in the tree and can be read by the tie breaker. An insert cannot break that (what is not
/// smaller than the first entry goes behind it); `remove` restores it.
struct BTree: ~Copyable {
    /// Where an entry is, or would be: `index` may be one past the last entry of the last leaf.
    struct Position: Equatable {
        var leaf: BTreeNode
        var index: Int
    }

    /// An inner node on the way down, and the child taken there.
    struct Step {
        var node: BTreeNode
        var child: Int
    }

    var root: BTreeNode
    /// Inner levels above the leaves.
    var height = 0
    var count = 0
    var leaves: NodePool
    var inners: NodePool
    /// While nodes are brought together.
    var compaction: TreeCompaction?
    let pool: PagePool
    /// The inner nodes passed on the way down and the child taken at each; 64^16 entries are out of reach.
    let path: Elements<Step>
    static let heightLimit = 16

    init(pool: PagePool = PagePool()) {
        self.pool = pool
        leaves = NodePool(blockByteCount: BTreeNode.leafByteCount, pool: pool)
        inners = NodePool(blockByteCount: BTreeNode.innerByteCount, pool: pool)
        root = .makeLeaf(in: &leaves)
        path = unsafe Elements(
            at: UnsafeMutablePointer<Step>.allocate(capacity: Self.heightLimit), count: Self.heightLimit)
    }

    // The nodes go with their pools.
    deinit { unsafe path.address.deallocate() }

    var byteCount: Int { leaves.byteCount + inners.byteCount }
    var poolByteCount: Int { leaves.poolByteCount + inners.poolByteCount }

    // MARK: Searching

    @inline(__always)
    private static func isBefore<Ties: TieBreaker>(
        _ entryKey: UInt64, _ entryRow: UInt32, _ key: UInt64, _ row: UInt32, _ ties: Ties
    ) -> Bool {
        if entryKey != key { return entryKey < key }
        let order = ties.order(of: RowID(entryRow))
        if order != 0 { return order < 0 }
        return entryRow < row
    }

    /// How many of the first `count` entries are before the probe.
    @inline(__always)
    static func rank<Ties: TieBreaker>(
        _ keys: Elements<UInt64>, _ rows: Elements<UInt32>, _ count: Int, _ key: UInt64, _ row: UInt32, _ ties: Ties
    ) -> Int {
        var low = 0
        var length = count
        while length > 0 {
            let half = length >> 1
            if isBefore(keys[low &+ half], rows[low &+ half], key, row, ties) {
                low &+= half &+ 1
                length &-= half &+ 1
            } else {
                length = half
            }
        }
        return low
    }

    /// How many of the first `count` keys are smaller than that one: ``rank(_:_:_:_:_:_:)`` for keys that are whole and row 0,
    /// without a jump that could be guessed wrongly.
    @inline(__always)
    private static func rank(_ keys: Elements<UInt64>, _ count: Int, below key: UInt64) -> Int {
        if count == 0 { return 0 }
        var low = 0
        var length = count
        while length > 1 {
            let half = length &>> 1
            low &+= keys[low &+ half &- 1] < key ? half : 0
            length &-= half
        }
        return low &+ (keys[low] < key ? 1 : 0)
    }

    /// ``seek(_:row:_:)`` for keys that are whole: the first entry whose key is not smaller.
    func seek(exactly key: UInt64) -> Position {
        var node = root
        for level in 0..<height {
            if level > 0 { node.prefetchSeparators() }
            let count = node.count &- 1
            let index = Self.rank(node.separatorKeys, count, below: key)
            // A separator that is the smallest possible entry with that key is under the child to its right.
            let isThere = index < count && node.separatorKeys[index] == key && node.separatorRows[index] == 0
            node = node.children[isThere ? index &+ 1 : index]
        }
        if height > 1 { node.prefetchEntries() }
        let index = Self.rank(node.keys, node.count, below: key)
        if index == node.count, let next = node.next { return Position(leaf: next, index: 0) }
        return Position(leaf: node, index: index)
    }

    /// The child that holds the probe: the number of separators that are not behind it.
    @inline(__always)
    private static func childIndex<Ties: TieBreaker>(
        _ node: BTreeNode, _ key: UInt64, _ row: UInt32, _ ties: Ties
    ) -> Int {
        let count = node.count - 1
        let index = rank(node.separatorKeys, node.separatorRows, count, key, row, ties)
        // The separator itself is under the child to its right.
        if index < count, node.separatorKeys[index] == key, node.separatorRows[index] == row,
            ties.order(of: RowID(row)) == 0
        {
            return index + 1
        }
        return index
    }

    /// The first entry that is not before (key, row). With row 0, the first whose key is not before the probe's.
    @inline(__always)
    func seek<Ties: TieBreaker>(_ key: UInt64, row: RowID = RowID(0), _ ties: Ties) -> Position {
        var node = root
        for level in 0..<height {
            // Most nodes of a large tree are in no cache, and a search would wait for one line of keys after the other.
            if level > 0 { node.prefetchSeparators() }
            node = node.children[Self.childIndex(node, key, row.rawValue, ties)]
        }
        if height > 1 { node.prefetchEntries() }
        let index = Self.rank(node.keys, node.rows, node.count, key, row.rawValue, ties)
        if index == node.count, let next = node.next { return Position(leaf: next, index: 0) }
        return Position(leaf: node, index: index)
    }

    var start: Position {
        var node = root
        for _ in 0..<height { node = node.children[0] }
        return Position(leaf: node, index: 0)
    }

    var end: Position {
        var node = root
        for _ in 0..<height { node = node.children[node.count - 1] }
        return Position(leaf: node, index: node.count)
    }

    /// Entries between two positions, or `limit` if there are more. Costs one step per leaf.
    static func distance(from start: Position, to end: Position, limit: Int = .max) -> Int {
        var leaf = start.leaf
        var total = -start.index
        while leaf != end.leaf {
            total += leaf.count
            if total >= limit { return limit }
            guard let next = leaf.next else { return max(total, 0) }
            leaf = next
        }
        return min(max(total + end.index, 0), limit)
    }

    // MARK: Changing

    @inline(__always)
    func descend<Ties: TieBreaker>(_ key: UInt64, _ row: UInt32, _ ties: Ties) -> BTreeNode {
        var node = root
        for level in 0..<height {
            let child = Self.childIndex(node, key, row, ties)
            path[level] = Step(node: node, child: child)
            node = node.children[child]
        }
        return node
    }

    /// Adds an entry. The pair must not be there; the row must be readable by the tie breaker's later users.
    @inline(__always)
    mutating func insert<Ties: TieBreaker>(_ key: UInt64, _ row: RowID, _ ties: Ties) {
        let leaf = descend(key, row.rawValue, ties)
        let index = Self.rank(leaf.keys, leaf.rows, leaf.count, key, row.rawValue, ties)
        count &+= 1
        if leaf.count < BTreeNode.capacity {
            leaf.insertEntry(at: index, key: key, row: row.rawValue)
        } else {
            split(leaf, insertingAt: index, key, row.rawValue)
            if compaction != nil { compactSome() }
        }
    }

    /// Adds entries whose keys are whole, in ascending order. What lies behind all that is there goes straight to the last
    /// leaf.
    mutating func insertAscending(_ entries: UnsafeBufferPointer<SortedEntry>) {
        var last = end.leaf
        for position in entries.indices {
            let entry = unsafe entries[position]
            let used = last.count
            if used > 0, used < BTreeNode.capacity,
                Self.isBefore(last.keys[used &- 1], last.rows[used &- 1], entry.key, entry.row, ExactKeys())
            {
                last.keys[used] = entry.key
                last.rows[used] = entry.row
                last.count = used &+ 1
                count &+= 1
            } else {
                let mayMove = compaction != nil
                insert(entry.key, RowID(entry.row), ExactKeys())
                if mayMove || last.next != nil { last = end.leaf }
            }
        }
    }

    @inline(never)
    private mutating func split(_ leaf: BTreeNode, insertingAt index: Int, _ key: UInt64, _ row: UInt32) {
        let right = BTreeNode.makeLeaf(in: &leaves)
        let full = BTreeNode.capacity
        // Ascending inserts leave full leaves behind them.
        let keep = index == full && leaf.next == nil ? full : full / 2
        right.keys.copy(to: 0, from: leaf.keys, at: keep, count: full - keep)
        right.rows.copy(to: 0, from: leaf.rows, at: keep, count: full - keep)
        right.count = full - keep
        leaf.count = keep
        right.next = leaf.next
        right.previous = leaf
        leaf.next?.previous = right
        leaf.next = right
        if index < keep || (index == keep && keep < full) {
            leaf.insertEntry(at: index, key: key, row: row)
        } else {
            right.insertEntry(at: index - keep, key: key, row: row)
        }
        insertChild(right, key: right.keys[0], row: right.rows[0])
    }

    /// Hangs a new node behind the one that `path` leads to, splitting inner nodes on the way up.
    private mutating func insertChild(_ child: BTreeNode, key: UInt64, row: UInt32) {
        var child = child
        var key = key
        var row = row
        var level = height - 1
        while level >= 0 {
            let (node, index) = (path[level].node, path[level].child)
            if node.count < BTreeNode.capacity {
                node.insertChild(after: index, key: key, row: row, child: child)
                return
            }
            let right = BTreeNode.makeInner(in: &inners)
            let full = BTreeNode.capacity
            let keep = index == full - 1 ? full - 1 : full / 2
            // Children keep..<full move; the separator before child `keep` moves up.
            let moved = full - keep
            right.children.copy(to: 0, from: node.children, at: keep, count: moved)
            right.separatorKeys.copy(to: 0, from: node.separatorKeys, at: keep, count: moved - 1)
            right.separatorRows.copy(to: 0, from: node.separatorRows, at: keep, count: moved - 1)
            right.count = moved
            let upKey = node.separatorKeys[keep - 1]
            let upRow = node.separatorRows[keep - 1]
            node.count = keep
            if index < keep {
                node.insertChild(after: index, key: key, row: row, child: child)
            } else {
                right.insertChild(after: index - keep, key: key, row: row, child: child)
            }
            child = right
            key = upKey
            row = upRow
            level -= 1
        }
        let newRoot = BTreeNode.makeInner(in: &inners)
        newRoot.children[0] = root
        newRoot.count = 1
        newRoot.insertChild(after: 0, key: key, row: row, child: child)
        root = newRoot
        height += 1
        precondition(height < Self.heightLimit, "an index cannot be that high")
    }
}
