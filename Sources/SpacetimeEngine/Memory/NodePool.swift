/// Blocks of one size for the nodes of one tree, cut from chunks that double from a few blocks up to huge pages.
///
/// Nodes that come back are handed out again; the chunks go with the pool, which spares a closing database the walk over
/// its trees.
struct NodePool: ~Copyable {
    private let blockByteCount: Int
    private var chunks: [(base: UnsafeMutableRawPointer, byteCount: Int)] = []
    private var next: UnsafeMutableRawPointer?
    private var remaining = 0
    /// The block given back last; its first word leads to the one before.
    private var free: UnsafeMutableRawPointer?
    /// Bytes of all chunks.
    private(set) var byteCount = 0
    /// Blocks handed out and not given back.
    private(set) var inUse = 0

    init(blockByteCount: Int) { self.blockByteCount = (blockByteCount + 63) & ~63 }

    deinit {
        for chunk in chunks { freeZeroed(chunk.base, byteCount: chunk.byteCount) }
    }

    /// A block with any content.
    mutating func take() -> UnsafeMutableRawPointer {
        inUse += 1
        if let block = free {
            free = block.load(as: UnsafeMutableRawPointer?.self)
            return block
        }
        if remaining == 0 { addChunk() }
        let block = next.unsafelyUnwrapped
        next = block + blockByteCount
        remaining -= 1
        return block
    }

    mutating func giveBack(_ block: UnsafeMutableRawPointer) {
        inUse -= 1
        block.storeBytes(of: free, as: UnsafeMutableRawPointer?.self)
        free = block
    }

    @inline(never)
    private mutating func addChunk() {
        // One block first: most trees of most databases are small.
        let size = max(blockByteCount, min(byteCount, hugePageByteCount))
        let base = allocateZeroed(byteCount: size)
        chunks.append((base, size))
        byteCount += size
        next = base
        remaining = size / blockByteCount
    }
}
