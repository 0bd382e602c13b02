// Memory safety. Own memory: blocks, freed with this or when it is emptied; a row is copied to bytes that no other has.

/// Copies of rows that stay where they are until all are dropped: of those that a run over a snapshot keeps, which shows each
/// row for a moment only.
@safe
struct StillRows: ~Copyable {
    private var blocks = unsafe Buffer<UnsafeMutableRawPointer>(capacity: 1)
    /// Bytes of the last block, and how many of them are taken.
    private var capacity = 0
    private var used = 0
    private(set) var byteCount = 0

    private static let blockByteCount = 1 << 16

    deinit { freeBlocks() }

    mutating func keep(_ row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let start = row.baseAddress else { return unsafe row }
        if used + row.count > capacity { addBlock(row.count) }
        let copy = unsafe blocks[blocks.count - 1] + used
        unsafe copyImage(start, to: copy, byteCount: row.count)
        used += row.count
        return unsafe UnsafeRawBufferPointer(start: copy, count: row.count)
    }

    @inline(never)
    private mutating func addBlock(_ needed: Int) {
        capacity = max(needed, Self.blockByteCount)
        used = 0
        byteCount += capacity
        unsafe blocks.append(.allocate(byteCount: capacity, alignment: 8))
    }

    mutating func removeAll() {
        freeBlocks()
        unsafe blocks.removeAll()
        (capacity, used, byteCount) = (0, 0, 0)
    }

    private func freeBlocks() {
        for number in unsafe 0..<blocks.count { unsafe blocks[number].deallocate() }
    }
}
