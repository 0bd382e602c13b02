import Synchronization

/// Hands out the 64 KiB blocks that pages are made of.
///
/// The first few come one by one, so that a small database stays small. After that they are cut from slabs of 2 MiB,
/// which the system backs by huge pages where it can: with rows spread over many megabytes, translating addresses would
/// otherwise cost more than reading the rows. A slab whose blocks are all free is given back.
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
    }

    private let state = Mutex(State())

    deinit {
        state.withLock { state in
            for base in state.slabs.keys {
                guard let start = UnsafeMutableRawPointer(bitPattern: base) else { continue }
                freeZeroed(start, byteCount: hugePageByteCount)
            }
        }
    }

    /// A block, and whether it is all zeros.
    func take() -> (base: UnsafeMutableRawPointer, isZero: Bool) {
        let (address, isZero) = state.withLock { state in state.take() }
        return (UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped, isZero)
    }

    func takeZeroed() -> UnsafeMutableRawPointer {
        let (base, isZero) = take()
        if !isZero { base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.blockByteCount) }
        return base
    }

    func giveBack(_ block: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: block)
        state.withLock { $0.giveBack(address) }
    }
}

extension PagePool.State {
    fileprivate mutating func take() -> (UInt, Bool) {
        if slabs.isEmpty, singles.count < PagePool.singleLimit {
            let block = UInt(bitPattern: allocateZeroed(byteCount: PagePool.blockByteCount))
            singles.insert(block)
            return (block, true)
        }
        if roomy.isEmpty {
            let base = UInt(bitPattern: allocateZeroed(byteCount: hugePageByteCount))
            slabs[base] = PagePool.Slab()
            roomy.append(base)
        }
        let base = roomy[roomy.count - 1]
        let (number, isZero) = slabs[base, default: PagePool.Slab()].take()
        if slabs[base]?.freeCount == 0 { roomy.removeLast() }
        return (base + UInt(number * PagePool.blockByteCount), isZero)
    }

    fileprivate mutating func giveBack(_ block: UInt) {
        if singles.remove(block) != nil {
            guard let start = UnsafeMutableRawPointer(bitPattern: block) else { return }
            return freeZeroed(start, byteCount: PagePool.blockByteCount)
        }
        let base = block & ~UInt(hugePageByteCount - 1)
        guard var slab = slabs.removeValue(forKey: base) else { return }
        let wasFull = slab.freeCount == 0
        slab.free.append(UInt8(truncatingIfNeeded: Int(block - base) / PagePool.blockByteCount))
        if slab.freeCount == PagePool.blocksPerSlab, roomy.count > 1 {
            roomy.removeAll { $0 == base }
            guard let start = UnsafeMutableRawPointer(bitPattern: base) else { return }
            return freeZeroed(start, byteCount: hugePageByteCount)
        }
        slabs[base] = slab
        if wasFull { roomy.append(base) }
    }
}

extension PagePool.Slab {
    fileprivate mutating func take() -> (number: Int, isZero: Bool) {
        if let number = free.popLast() { return (Int(number), false) }
        defer { bump += 1 }
        return (bump, true)
    }
}
