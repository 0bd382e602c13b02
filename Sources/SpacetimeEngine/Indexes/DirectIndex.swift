// Memory safety. Own memory: a chunk is allocated zeroed, and freed with its size when it goes.

/// A unique index over small dense integers: an array of rows subscripted by the key, in chunks made on demand.
///
/// Keys from `keyLimit` on would make the outer array as large as the key; they live in a B-tree behind it. So memory
/// follows the largest key below the limit, and no key can exhaust it. A chunk without rows is given back, except for one.
struct DirectIndex: ~Copyable {
    static let chunkBits: UInt64 = 10
    static let chunkCount = 1 << Int(chunkBits)
    static let keyLimit: UInt64 = 1 << 26

    /// Row ids plus one, 0 for none; behind them how many there are.
    typealias Chunk = Elements<UInt32>

    /// A missing chunk is all zeros.
    private(set) var chunks: [Chunk?] = []
    private var chunkTotal = 0
    /// The chunk that became empty last: of zeros, and ready for the next.
    private var spare: Chunk?
    private(set) var directCount = 0
    private(set) var far: BTree

    private static let chunkByteCount = (chunkCount + 1) * 4

    init(pool: PagePool = PagePool()) { far = BTree(pool: pool) }

    deinit {
        for case let chunk? in chunks { unsafe freeZeroed(chunk.address, byteCount: Self.chunkByteCount) }
        if let spare { unsafe freeZeroed(spare.address, byteCount: Self.chunkByteCount) }
    }

    var count: Int { directCount + far.count }
    var byteCount: Int { chunkTotal * Self.chunkByteCount + chunks.capacity * 8 + far.byteCount }

    @inline(__always)
    func find(_ key: UInt64) -> RowID? {
        guard key < Self.keyLimit else { return findFar(key) }
        let number = Int(truncatingIfNeeded: key >> Self.chunkBits)
        guard number < chunks.count, let chunk = chunks[number] else { return nil }
        let slot = chunk[Int(truncatingIfNeeded: key) & (Self.chunkCount - 1)]
        return slot == 0 ? nil : RowID(slot - 1)
    }

    private func findFar(_ key: UInt64) -> RowID? {
        let position = far.seek(exactly: key)
        guard position.index < position.leaf.count, position.leaf.keys[position.index] == key else { return nil }
        return RowID(position.leaf.rows[position.index])
    }

    mutating func insert(_ key: UInt64, _ row: RowID) {
        guard key < Self.keyLimit else { return far.insert(key, row, ExactKeys()) }
        let number = Int(key >> Self.chunkBits)
        // A lone large key makes the outer array grow to 8 bytes per thousand keys, 512 KiB at the limit.
        while chunks.count <= number { chunks.append(nil) }
        let chunk: Chunk
        if let present = chunks[number] {
            chunk = present
        } else {
            chunk = takeChunk()
            chunks[number] = chunk
        }
        chunk[Int(key) & (Self.chunkCount - 1)] = row.rawValue + 1
        chunk[Self.chunkCount] += 1
        directCount += 1
    }

    private mutating func takeChunk() -> Chunk {
        if let spare {
            self.spare = nil
            return spare
        }
        chunkTotal += 1
        return unsafe Chunk(at: allocateZeroed(byteCount: Self.chunkByteCount), count: Self.chunkCount + 1)
    }

    mutating func remove(_ key: UInt64, _ row: RowID) {
        guard key < Self.keyLimit else {
            far.remove(key, row, ExactKeys())
            return
        }
        let number = Int(key >> Self.chunkBits)
        guard number < chunks.count, let chunk = chunks[number] else { return }
        let index = Int(key) & (Self.chunkCount - 1)
        guard chunk[index] == row.rawValue + 1 else { return }
        chunk[index] = 0
        directCount -= 1
        chunk[Self.chunkCount] -= 1
        if chunk[Self.chunkCount] == 0 { giveBackChunk(number) }
    }

    @inline(never)
    private mutating func giveBackChunk(_ number: Int) {
        if spare == nil {
            spare = chunks[number]
        } else if let chunk = chunks[number] {
            unsafe freeZeroed(chunk.address, byteCount: Self.chunkByteCount)
            chunkTotal -= 1
        }
        chunks[number] = nil
        while let last = chunks.last, last == nil { chunks.removeLast() }
        // An array that has become much too long is copied to a short one.
        if chunks.capacity > 64, chunks.count < chunks.capacity / 4 { chunks = chunks.map { $0 } }
    }

    /// The row with the least key in `lower...upper` that is found directly.
    func first(from lower: UInt64, through upper: UInt64) -> (key: UInt64, row: RowID)? {
        var key = lower
        let end = min(upper, Self.keyLimit - 1, (UInt64(chunks.count) << Self.chunkBits) &- 1)
        if chunks.isEmpty { return nil }
        while key <= end {
            guard let chunk = chunks[Int(key >> Self.chunkBits)] else {
                key = ((key >> Self.chunkBits) + 1) << Self.chunkBits
                continue
            }
            let slot = chunk[Int(key) & (Self.chunkCount - 1)]
            if slot != 0 { return (key, RowID(slot - 1)) }
            key += 1
        }
        return nil
    }

    /// The row with the greatest key in `lower...upper` that is found directly.
    func last(from lower: UInt64, through upper: UInt64) -> (key: UInt64, row: RowID)? {
        if chunks.isEmpty { return nil }
        var key = min(upper, Self.keyLimit - 1, (UInt64(chunks.count) << Self.chunkBits) - 1)
        while key >= lower {
            if let chunk = chunks[Int(key >> Self.chunkBits)] {
                let slot = chunk[Int(key) & (Self.chunkCount - 1)]
                if slot != 0 { return (key, RowID(slot - 1)) }
            } else {
                key &= ~UInt64(Self.chunkCount - 1)
            }
            if key == 0 { return nil }
            key -= 1
        }
        return nil
    }

    /// The part of `lower...upper` that is beyond the keys found directly; nil if nothing is there.
    func farRange(from lower: UInt64, through upper: UInt64) -> (BTree.Position, BTree.Position)? {
        guard far.count > 0, upper >= Self.keyLimit else { return nil }
        let end = upper == .max ? far.end : far.seek(exactly: upper + 1)
        return (far.seek(exactly: max(lower, Self.keyLimit)), end)
    }

    /// Rows with keys in `lower...upper`, in key order.
    func rows(from lower: UInt64, through upper: UInt64) -> [UInt32] {
        guard lower <= upper else { return [] }
        var rows: [UInt32] = []
        let lastChunk = min(upper >> Self.chunkBits, UInt64(chunks.count))
        var number = lower >> Self.chunkBits
        while number <= lastChunk, number < UInt64(chunks.count) {
            if let chunk = chunks[Int(number)] {
                let base = number << Self.chunkBits
                let first = lower > base ? Int(lower - base) : 0
                let last = min(Int(min(upper - base, UInt64(Int32.max))), Self.chunkCount - 1)
                if first <= last {
                    for i in first...last where chunk[i] != 0 { rows.append(chunk[i] - 1) }
                }
            }
            number += 1
        }
        if far.count > 0, upper >= Self.keyLimit {
            var position = far.seek(exactly: max(lower, Self.keyLimit))
            while position.index < position.leaf.count, position.leaf.keys[position.index] <= upper {
                rows.append(position.leaf.rows[position.index])
                position.index += 1
                if position.index == position.leaf.count, let next = position.leaf.next {
                    position = BTree.Position(leaf: next, index: 0)
                }
            }
        }
        return rows
    }
}
