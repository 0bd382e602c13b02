import Synchronization

/// Hands out the 64 KiB blocks that pages are made of.
///
/// The first few come one by one, so that a small database stays small. After that they are cut from slabs of 2 MiB,
/// which the system backs by huge pages where it can: with rows spread over many megabytes, translating addresses would
/// otherwise cost more than reading the rows. A slab whose blocks are all free is given back.
///
/// Clearing a huge page takes a tenth of a millisecond, and several where memory is scarce or virtual. A table that grows
/// pays that as it goes; the copies that a snapshot asks of the writer must not. For them whoever writes the snapshot
/// keeps slabs ready (``prepareSpares()``), and when these are used up a slab is taken in small pages. It stays so until it
/// is given back: having the system move it to a huge page later stalls whoever uses it meanwhile.
///
/// Blocks come back from whichever thread drops the last reference to a page. Guard: `state`.
final class PagePool: Sendable {
    static let blockByteCount = PageGeometry.pageByteCount
    static let blocksPerSlab = hugePageByteCount / blockByteCount
    /// Blocks that are allocated one by one.
    static let singleLimit = 16

    fileprivate struct Slab {
        /// Blocks handed out at least once; those from here on are still zero.
        var bump = 0
        /// Numbers of blocks that came back.
        var free: [UInt8] = []

        var freeCount: Int { PagePool.blocksPerSlab - bump + free.count }
    }

    fileprivate struct State {
        /// By address.
        var slabs: [UInt: Slab] = [:]
        /// Addresses of slabs with free blocks, the one to use next last.
        var roomy: [UInt] = []
        var singles: Set<UInt> = []
        /// Slabs that were written to, and still are zero.
        var spares: [UInt] = []
    }

    private let state = Mutex(State())

    deinit {
        state.withLock { state in
            for base in state.slabs.keys + state.spares { Self.free(base) }
        }
    }

    /// A block for a copy: its bytes are whatever they are.
    func takeForCopy() -> UnsafeMutableRawPointer { take(isCopy: true).base }

    /// A block, and whether it is all zeros.
    private func take(isCopy: Bool) -> (base: UnsafeMutableRawPointer, isZero: Bool) {
        let (address, isZero) = state.withLock { state in state.take(isCopy: isCopy) }
        return (UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped, isZero)
    }

    func takeZeroed() -> UnsafeMutableRawPointer {
        let (base, isZero) = take(isCopy: false)
        if !isZero { base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.blockByteCount) }
        return base
    }

    /// Sees to it that some slabs are ready, at the cost of the thread that calls. Nothing for small databases.
    func prepareSpares() {
        while state.withLock({ $0.spares.count < Self.spareLimit && $0.slabs.count > Self.spareLimit }) {
            let base = allocateZeroed(byteCount: hugePageByteCount)
            touch(base, byteCount: hugePageByteCount)
            state.withLock { $0.spares.append(UInt(bitPattern: base)) }
        }
    }

    private static let spareLimit = 4

    /// Gives back what was prepared and not used.
    func releaseSpares() {
        let spares = state.withLock { state in
            defer { state.spares = [] }
            return state.spares
        }
        for base in spares { Self.free(base) }
    }

    private static func free(_ address: UInt, byteCount: Int = hugePageByteCount) {
        if let start = UnsafeMutableRawPointer(bitPattern: address) { freeZeroed(start, byteCount: byteCount) }
    }

    func giveBack(_ block: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: block)
        // Memory goes back to the system without the lock: others need it in the meantime.
        guard let freed = state.withLock({ $0.giveBack(address) }) else { return }
        Self.free(freed.address, byteCount: freed.byteCount)
    }
}

extension PagePool.State {
    fileprivate mutating func take(isCopy: Bool) -> (UInt, Bool) {
        if slabs.isEmpty, singles.count < PagePool.singleLimit {
            let block = UInt(bitPattern: allocateZeroed(byteCount: PagePool.blockByteCount))
            singles.insert(block)
            return (block, true)
        }
        if roomy.isEmpty {
            let base =
                spares.popLast()
                ?? UInt(bitPattern: allocateZeroed(byteCount: hugePageByteCount, inHugePages: !isCopy))
            slabs[base] = PagePool.Slab()
            roomy.append(base)
        }
        let base = roomy[roomy.count - 1]
        let (number, isZero) = slabs[base, default: PagePool.Slab()].take()
        if slabs[base]?.freeCount == 0 { roomy.removeLast() }
        return (base + UInt(number * PagePool.blockByteCount), isZero)
    }

    /// - Returns: memory that is to be given back to the system.
    fileprivate mutating func giveBack(_ block: UInt) -> (address: UInt, byteCount: Int)? {
        if singles.remove(block) != nil { return (block, PagePool.blockByteCount) }
        let base = block & ~UInt(hugePageByteCount - 1)
        guard var slab = slabs.removeValue(forKey: base) else { return nil }
        let wasFull = slab.freeCount == 0
        slab.free.append(UInt8(truncatingIfNeeded: Int(block - base) / PagePool.blockByteCount))
        if slab.freeCount == PagePool.blocksPerSlab, roomy.count > 1 {
            roomy.removeAll { $0 == base }
            return (base, hugePageByteCount)
        }
        slabs[base] = slab
        if wasFull { roomy.append(base) }
        return nil
    }
}

extension PagePool.Slab {
    fileprivate mutating func take() -> (number: Int, isZero: Bool) {
        if let number = free.popLast() { return (Int(number), false) }
        defer { bump += 1 }
        return (bump, true)
    }
}
