import Synchronization

// Memory safety. Own memory: an address is handed out once until it comes back, and memory goes to the system when
// none of its blocks is out.

/// Hands out the 64 KiB blocks that pages and nodes of indexes are made of, to all tables of a database.
///
/// The first few come one by one, so that a small database stays small. After that they are cut from slabs of 2 MiB,
/// which the system backs by huge pages where it can: with rows spread over many megabytes, translating addresses would
/// otherwise cost more than reading the rows.
///
/// Blocks that come back wait here for whoever needs one next, from the lowest address on, so that the slabs at the top
/// drain. When more than an eighth of what is in use waits, and more than 4 MiB, memory goes back to the system: whole
/// slabs, and where none is free, single blocks of the topmost.
///
/// Clearing a huge page takes a tenth of a millisecond, and several where memory is scarce or virtual. A table that grows
/// pays that as it goes; what is saved for a snapshot must not wait for it. If a slab has to be made for that, it is of small
/// pages, and stays so until it is given back: having the system move it to a huge page later stalls whoever uses it
/// meanwhile.
///
/// Blocks come back from whichever thread drops the last reference to a page. Guard: `state`.
final class PagePool: Sendable {
    static let blockByteCount = PageGeometry.pageByteCount
    static let blocksPerSlab = hugePageByteCount / blockByteCount
    /// Blocks that are allocated one by one.
    static let singleLimit = 16
    /// So many blocks may wait in any case.
    static let smallestShare = 64

    /// Where the pool's memory is, in bytes.
    struct Usage: Equatable {
        /// Handed out: blocks, and the pages of long rows.
        var used = 0
        /// Blocks that wait to be handed out again.
        var pooled = 0
    }

    private let state = Mutex(State())

    deinit {
        state.withLock { state in
            for slab in state.slabs { Self.free(slab.base) }
        }
    }

    var usage: Usage { state.withLock { $0.usage } }

    /// A block; its bytes are whatever they are.
    ///
    /// - Parameter inSmallPages: true where the caller must not wait for a huge page, should a slab have to be made.
    func take(inSmallPages: Bool = false) -> UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(bitPattern: state.withLock { $0.take(inSmallPages) }).unsafelyUnwrapped
    }

    func giveBack(_ block: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: block)
        // Memory goes back to the system without the lock: others need it in the meantime.
        release(state.withLock { $0.giveBack(address) })
    }

    private func release(_ surplus: Surplus) {
        switch surplus {
        case .nothing: break
        case .memory(let address, let byteCount): Self.free(address, byteCount: byteCount)
        case .blocks(let parts):
            for part in parts {
                for number in 0..<Self.blocksPerSlab where part.blocks >> UInt32(number) & 1 == 1 {
                    discard(part.base + UInt(number * Self.blockByteCount), byteCount: Self.blockByteCount)
                }
                release(state.withLock { $0.accept(discarded: part.blocks, of: part.base) })
            }
        }
    }

    private static func free(_ address: UInt, byteCount: Int = hugePageByteCount) {
        if let start = unsafe UnsafeMutableRawPointer(bitPattern: address) {
            unsafe freeZeroed(start, byteCount: byteCount)
        }
    }

    // MARK: Long rows

    /// Memory for a page that is not a block; its bytes are whatever they are.
    func takeLarge(_ byteCount: Int) -> UnsafeMutableRawPointer {
        state.withLock { $0.usage.used += byteCount }
        if byteCount < hugePageByteCount { return .allocate(byteCount: byteCount, alignment: 16) }
        // In huge pages a row of little more than 2 MiB would take four.
        return unsafe allocateZeroed(byteCount: byteCount, inHugePages: false)
    }

    func giveBackLarge(_ memory: UnsafeMutableRawPointer, _ byteCount: Int) {
        state.withLock { $0.usage.used -= byteCount }
        if byteCount < hugePageByteCount {
            unsafe memory.deallocate()
        } else {
            unsafe freeZeroed(memory, byteCount: byteCount)
        }
    }
}

extension PagePool {
    /// A set of blocks of a slab: bit `i` is block `i`.
    fileprivate typealias Blocks = UInt32

    fileprivate struct Slab {
        let base: UInt
        /// Not handed out.
        var free: Blocks = .max
        /// Of the free ones, those that take no memory: never used, or given back to the system.
        var cold: Blocks = .max

        var warm: Blocks { free & ~cold }
    }

    /// What is to be given back to the system.
    fileprivate enum Surplus {
        case nothing
        case memory(UInt, byteCount: Int)
        /// Parts of slabs that stay. Nobody gets these blocks until they are accepted again.
        case blocks([(base: UInt, blocks: Blocks)])
    }

    fileprivate struct State {
        /// By address.
        var slabs: [Slab] = []
        /// No slab before this one has a free block.
        var firstWithRoom = 0
        /// Slabs of which no block is handed out.
        var emptySlabs = 0
        var warmBlocks = 0
        var singles: Set<UInt> = []
        var usage = Usage()
    }
}

extension PagePool.State {
    fileprivate mutating func take(_ inSmallPages: Bool) -> UInt {
        usage.used += PagePool.blockByteCount
        if slabs.isEmpty, singles.count < PagePool.singleLimit {
            let block = UInt(
                bitPattern: UnsafeMutableRawPointer.allocate(byteCount: PagePool.blockByteCount, alignment: 64))
            singles.insert(block)
            return block
        }
        while firstWithRoom < slabs.count, slabs[firstWithRoom].free == 0 { firstWithRoom += 1 }
        if firstWithRoom == slabs.count { addSlab(inSmallPages) }
        let slab = slabs[firstWithRoom]
        if slab.free == .max { emptySlabs -= 1 }
        let number = (slab.warm != 0 ? slab.warm : slab.free).trailingZeroBitCount
        if slab.warm != 0 { changeWarm(by: -1) }
        slabs[firstWithRoom].free &= ~(1 << UInt32(number))
        slabs[firstWithRoom].cold &= ~(1 << UInt32(number))
        return slab.base + UInt(number * PagePool.blockByteCount)
    }

    private mutating func changeWarm(by count: Int) {
        warmBlocks += count
        usage.pooled += count * PagePool.blockByteCount
    }

    private mutating func addSlab(_ inSmallPages: Bool) {
        let memory = unsafe allocateZeroed(byteCount: hugePageByteCount, inHugePages: !inSmallPages)
        let slab = PagePool.Slab(base: UInt(bitPattern: memory))
        firstWithRoom = position(after: slab.base)
        slabs.insert(slab, at: firstWithRoom)
        emptySlabs += 1
    }

    /// The number of slabs that start at or before an address.
    private func position(after address: UInt) -> Int {
        var low = 0
        var high = slabs.count
        while low < high {
            let middle = (low + high) / 2
            if slabs[middle].base <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }

    fileprivate mutating func giveBack(_ block: UInt) -> PagePool.Surplus {
        usage.used -= PagePool.blockByteCount
        if singles.remove(block) != nil { return .memory(block, byteCount: PagePool.blockByteCount) }
        let position = position(after: block) - 1
        let number = Int(block - slabs[position].base) / PagePool.blockByteCount
        slabs[position].free |= 1 << UInt32(number)
        changeWarm(by: 1)
        noteFree(position)
        let share = max(PagePool.smallestShare, usage.used / PagePool.blockByteCount / 8)
        return warmBlocks > share ? surplus(keeping: share - share / 8) : .nothing
    }

    private mutating func noteFree(_ position: Int) {
        firstWithRoom = min(firstWithRoom, position)
        if slabs[position].free == .max { emptySlabs += 1 }
    }

    @inline(never)
    private mutating func surplus(keeping share: Int) -> PagePool.Surplus {
        if emptySlabs > 0, let position = slabs.lastIndex(where: { $0.free == .max }) { return remove(position) }
        var parts: [(base: UInt, blocks: PagePool.Blocks)] = []
        var position = slabs.count
        while position > 0, warmBlocks > share {
            position -= 1
            let warm = slabs[position].warm
            if warm == 0 { continue }
            changeWarm(by: -warm.nonzeroBitCount)
            slabs[position].free &= ~warm
            parts.append((slabs[position].base, warm))
        }
        return .blocks(parts)
    }

    private mutating func remove(_ position: Int) -> PagePool.Surplus {
        let slab = slabs.remove(at: position)
        emptySlabs -= 1
        changeWarm(by: -slab.warm.nonzeroBitCount)
        firstWithRoom = min(firstWithRoom, position)
        return .memory(slab.base, byteCount: hugePageByteCount)
    }

    /// Takes back blocks whose memory the system has got.
    fileprivate mutating func accept(discarded blocks: PagePool.Blocks, of base: UInt) -> PagePool.Surplus {
        let position = position(after: base) - 1
        slabs[position].free |= blocks
        slabs[position].cold |= blocks
        noteFree(position)
        return slabs[position].free == .max ? remove(position) : .nothing
    }
}
