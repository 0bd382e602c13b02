// Memory safety. Living nodes: each is in the tree, and is given back once what led to it leads to its copy.

/// A node of a tree whose leaves all lie at one height, linked in their order, and whose inner nodes hold their children's
/// addresses.
protocol TreeNode: BitwiseCopyable {
    static var leafByteCount: Int { get }
    static var innerByteCount: Int { get }
    var base: UnsafeMutableRawPointer { get }
    init(base: UnsafeMutableRawPointer)
    /// Of an inner node: its children.
    var count: Int { get }
    var children: Elements<Self> { get }
    /// Of leaves.
    var next: Self? { get nonmutating set }
    var previous: Self? { get nonmutating set }
}

extension TreeNode {
    func giveBack(to pool: inout NodePool) { unsafe pool.giveBack(base) }

    /// Puts a node's copy into another chunk of its pool. What led to the node has to lead to the copy.
    fileprivate func moved(in pool: inout NodePool, byteCount: Int) -> Self {
        let copy = unsafe Self(base: pool.take())
        unsafe copy.base.copyMemory(from: base, byteCount: byteCount)
        giveBack(to: &pool)
        return copy
    }
}

/// Moves all nodes of a tree to new chunks without gaps, a few at a time.
///
/// Nodes that are merged away leave gaps, and a few nodes that stay, spread over the chunks, would keep all of them. To copy all
/// nodes at once takes tens of milliseconds for a million entries, for which whoever takes an entry out would have to wait. So
/// each removal that merges, and each insert that splits, moves a few: in the order of the tree, from the root down to the next
/// leaves. Merging and splitting go on meanwhile, so that a node may be missed; then the walk begins anew. At the end all old chunks have
/// gone by themselves.
///
/// About one entry for each node is taken out or added until all nodes are moved. Till then gaps in the old chunks are not used again.
struct TreeCompaction {
    /// The children on the way to the inner node whose leaves are next, by their positions, the root's first.
    private var way: [Int] = []

    /// Leaves that are moved at once. Each is in no cache, and takes about a microsecond.
    private static let movedAtOnce = 8

    init(_ leaves: inout NodePool, _ inners: inout NodePool) {
        leaves.drain()
        inners.drain()
    }

    /// Moves the next nodes.
    ///
    /// - Returns: true if no node is left that has to be moved.
    mutating func advance<Node: TreeNode>(
        _ root: inout Node, height: Int, _ leaves: inout NodePool, _ inners: inout NodePool
    ) -> Bool {
        if height == 0 {
            root = Self.moved(leaf: root, &leaves)
        } else {
            moveNext(&root, height, &leaves, &inners)
        }
        return !leaves.isDraining && !inners.isDraining
    }

    private mutating func moveNext<Node: TreeNode>(
        _ root: inout Node, _ height: Int, _ leaves: inout NodePool, _ inners: inout NodePool
    ) {
        // A tree that has become higher or lower is gone through from its start.
        if way.count != height { way = Array(repeating: 0, count: height) }
        root = Self.moved(inner: root, &inners)
        var node = root
        for level in 0..<height - 1 {
            let child = way[level]
            guard child < node.count else { return stepOver(level) }
            let below = Self.moved(inner: node.children[child], &inners)
            node.children[child] = below
            node = below
        }
        var left = Self.movedAtOnce
        for child in min(way[height - 1], node.count)..<node.count
        where unsafe leaves.isDraining(node.children[child].base) {
            if left == 0 { return way[height - 1] = child }
            left -= 1
            node.children[child] = Self.moved(leaf: node.children[child], &leaves)
        }
        stepOver(height - 1)
    }

    /// Goes on behind the node at a level; behind the root at the start.
    private mutating func stepOver(_ level: Int) {
        for below in level..<way.count { way[below] = 0 }
        if level > 0 { way[level - 1] += 1 }
    }

    private static func moved<Node: TreeNode>(inner node: Node, _ inners: inout NodePool) -> Node {
        guard unsafe inners.isDraining(node.base) else { return node }
        return node.moved(in: &inners, byteCount: Node.innerByteCount)
    }

    private static func moved<Node: TreeNode>(leaf node: Node, _ leaves: inout NodePool) -> Node {
        guard unsafe leaves.isDraining(node.base) else { return node }
        let copy = node.moved(in: &leaves, byteCount: Node.leafByteCount)
        copy.previous?.next = copy
        copy.next?.previous = copy
        return copy
    }
}
