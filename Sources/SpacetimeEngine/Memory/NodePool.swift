// Memory safety. Own memory: a chunk is a header and as many blocks as fit behind it, and is freed when none of them
// is in use. Whoever gives a block back has taken it from here.

/// Blocks of one size for the nodes of one tree, cut from chunks: small ones that double, then blocks of the page pool.
///
/// A chunk without nodes goes back, except for one that is kept. Nodes are taken from the chunk that got room last, which
/// is the fullest, so that the others can drain. ``drain()`` has all of them do so: see ``TreeCompaction``.
struct NodePool: ~Copyable {
    /// The first bytes of a chunk.
    ///
    /// `@safe`: every block in the chain is one that was handed out and given back, and long enough for an address.
    @safe
    private struct Chunk {
        var byteCount: Int
        /// The neighbours in the list of chunks with room.
        var next: Ref<Chunk>?
        var previous: Ref<Chunk>?
        /// The block given back last; its first word leads to the one before.
        var free: UnsafeMutableRawPointer?
        var inUse: Int32 = 0
        /// Blocks handed out at least once.
        var bump: Int32 = 0
        /// Whether its nodes are to be moved away: no more are taken from it.
        var isDraining = false

        static let headerByteCount = 64
    }
    private typealias ChunkRef = Ref<Chunk>

    private let nodeByteCount: Int
    private let pool: PagePool
    /// Ascending, so that a node's chunk is found.
    private var chunks: [ChunkRef] = []
    /// The first chunk with room.
    private var first: ChunkRef?
    /// Chunks without nodes: one at most.
    private var empty: ChunkRef?
    /// Bytes of all chunks.
    private(set) var byteCount = 0
    /// Nodes handed out and not given back.
    private(set) var inUse = 0
    /// Bytes of the chunks that are to go.
    private var drainingByteCount = 0

    /// Bytes of the chunks that come from the page pool.
    var poolByteCount: Int {
        chunks.count { $0.value.byteCount == PagePool.blockByteCount } * PagePool.blockByteCount
    }

    /// True if less than five eighths of the chunks is in use, and they are more than a few.
    var isSparse: Bool { byteCount > 4 * PagePool.blockByteCount && inUse * nodeByteCount * 8 < byteCount * 5 }

    init(blockByteCount: Int, pool: PagePool) {
        nodeByteCount = (blockByteCount + 63) & ~63
        self.pool = pool
    }

    deinit { for chunk in chunks { Self.free(chunk, pool) } }

    private static func free(_ chunk: ChunkRef, _ pool: PagePool) {
        if chunk.value.byteCount == PagePool.blockByteCount {
            unsafe pool.giveBack(chunk.address)
        } else {
            unsafe chunk.address.deallocate()
        }
    }

    /// A node with any content.
    mutating func take() -> UnsafeMutableRawPointer {
        let chunk = first ?? addChunk()
        inUse += 1
        if chunk == empty { empty = nil }
        chunk.value.inUse += 1
        if let node = unsafe chunk.value.free {
            unsafe chunk.value.free = node.load(as: UnsafeMutableRawPointer?.self)
            if unsafe chunk.value.free == nil, isUsedUp(chunk) { unlist(chunk) }
            return unsafe node
        }
        let node =
            unsafe chunk.address + Chunk.headerByteCount + Int(chunk.value.bump) * nodeByteCount
        chunk.value.bump += 1
        if isUsedUp(chunk) { unlist(chunk) }
        return unsafe node
    }

    /// True if the chunk has no nodes left that were never handed out.
    private func isUsedUp(_ chunk: ChunkRef) -> Bool {
        Chunk.headerByteCount + (Int(chunk.value.bump) + 1) * nodeByteCount > chunk.value.byteCount
    }

    mutating func giveBack(_ node: UnsafeMutableRawPointer) {
        let position = unsafe position(of: node)
        let chunk = chunks[position]
        inUse -= 1
        chunk.value.inUse -= 1
        let wasListed = isListed(chunk)
        if chunk.value.inUse == 0, chunk.value.isDraining || empty != nil {
            if wasListed { unlist(chunk) }
            return removeChunk(at: position)
        }
        if chunk.value.inUse == 0 { empty = chunk }
        unsafe node.storeBytes(of: chunk.value.free, as: UnsafeMutableRawPointer?.self)
        unsafe chunk.value.free = node
        if !wasListed, !chunk.value.isDraining { list(chunk) }
    }

    /// True if nodes are taken from the chunk.
    private func isListed(_ chunk: ChunkRef) -> Bool {
        unsafe !chunk.value.isDraining && (chunk.value.free != nil || !isUsedUp(chunk))
    }

    private mutating func removeChunk(at position: Int) {
        let chunk = chunks.remove(at: position)
        byteCount -= chunk.value.byteCount
        if chunk.value.isDraining { drainingByteCount -= chunk.value.byteCount }
        Self.free(chunk, pool)
    }

    // MARK: Draining

    /// Takes no more nodes from the chunks that there are: each goes as soon as its last node is given back.
    mutating func drain() {
        if let chunk = empty {
            unlist(chunk)
            empty = nil
            removeChunk(at: unsafe position(of: chunk.address))
        }
        for chunk in chunks {
            chunk.value.isDraining = true
            (chunk.value.next, chunk.value.previous) = (nil, nil)
        }
        first = nil
        drainingByteCount = byteCount
    }

    /// Whether a node lies in a chunk that is to go.
    func isDraining(_ node: UnsafeMutableRawPointer) -> Bool {
        unsafe drainingByteCount > 0 && chunks[position(of: node)].value.isDraining
    }

    /// Whether any chunk is to go.
    var isDraining: Bool { drainingByteCount > 0 }

    /// The position of the chunk that an address lies in.
    private func position(of node: UnsafeMutableRawPointer) -> Int {
        var low = 0
        var high = chunks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if unsafe chunks[middle].address <= node { low = middle } else { high = middle }
        }
        return low
    }

    @inline(never)
    private mutating func addChunk() -> ChunkRef {
        // One node first: most trees of most databases are small.
        let wanted = max(
            Chunk.headerByteCount + nodeByteCount, min(byteCount - drainingByteCount, PagePool.blockByteCount))
        let isBlock = wanted == PagePool.blockByteCount
        let base = unsafe isBlock ? pool.take() : UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 64)
        let chunk = unsafe Ref(to: base.initializeMemory(as: Chunk.self, to: Chunk(byteCount: wanted)))
        var position = chunks.count
        while position > 0, unsafe chunks[position - 1].address > chunk.address { position -= 1 }
        chunks.insert(chunk, at: position)
        byteCount += wanted
        list(chunk)
        return chunk
    }

    private mutating func list(_ chunk: ChunkRef) {
        chunk.value.previous = nil
        chunk.value.next = first
        first?.value.previous = chunk
        first = chunk
    }

    private mutating func unlist(_ chunk: ChunkRef) {
        chunk.value.next?.value.previous = chunk.value.previous
        if let previous = chunk.value.previous {
            previous.value.next = chunk.value.next
        } else {
            first = chunk.value.next
        }
    }

    // MARK: Checks

    /// Whether counts and lists agree; for tests.
    func checkInvariants() throws(InvariantViolation) {
        var listed: Set<ChunkRef> = []
        var next = first
        while let chunk = next {
            try check(listed.insert(chunk).inserted, "a chunk of nodes is listed twice")
            next = chunk.value.next
        }
        var used = 0
        var bytes = 0
        var draining = 0
        for chunk in chunks {
            var free = 0
            var node = unsafe chunk.value.free
            while let block = unsafe node {
                free += 1
                unsafe node = block.load(as: UnsafeMutableRawPointer?.self)
            }
            try check(Int(chunk.value.inUse) + free == Int(chunk.value.bump), "nodes of a chunk are missing")
            try check(listed.contains(chunk) == isListed(chunk), "a chunk with room is not listed")
            try check(chunk.value.inUse > 0 || chunk == empty, "a chunk without nodes is kept")
            if chunk.value.isDraining { draining += chunk.value.byteCount }
            used += Int(chunk.value.inUse)
            bytes += chunk.value.byteCount
        }
        try check(
            used == inUse && bytes == byteCount, "\(used) nodes in \(bytes) bytes, counted \(inUse), \(byteCount)")
        try check(draining == drainingByteCount, "\(draining) bytes drain, \(drainingByteCount) counted")
        try check(
            zip(chunks, chunks.dropFirst()).allSatisfy { unsafe $0.address < $1.address },
            "chunks of nodes are out of order")
    }
}
