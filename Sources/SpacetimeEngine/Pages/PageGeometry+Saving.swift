// Memory safety. Valid images: of live rows, which lie in front of the end of their page; the target is as long as the
// page up to its last row. A frozen page stays as it is.

/// What is saved of pages: their live rows, and zeros where anything else is.
///
/// Slots that were freed keep the bytes of the rows that were in them, and a row that became shorter leaves a rest
/// behind it. To clear them when that happens would make every delete pay, so it is done here, beside compressing.
extension PageGeometry {
    /// Writes the bytes to save of a page.
    ///
    /// The free slots are not chained: whoever loads the page works them out. Slots behind the last live row are left
    /// out.
    /// - Returns: how many bytes the page takes in `buffer`, which grows if need be; 0 if it has no live row.
    func save(_ page: FrozenPage, into buffer: inout SavingBuffer) -> Int {
        var head = page.header
        guard let last = page.lastLiveUnit else { return 0 }
        let isOwn = Int(head.slotUnits) > Self.sharedRunLimit
        if !isOwn { head.bump = UInt32(last) + head.slotUnits }
        head.freeHead = 0
        head.unused = 0
        head.reserved = 0
        let byteCount = usedByteCount(head)
        let target = unsafe buffer.zeroed(byteCount)
        // The words up to that of the last live row: what is set behind them would lie behind the end.
        unsafe (target + Self.headerByteCount).copyMemory(
            from: page.start + Self.headerByteCount, byteCount: (last >> 6 + 1) * 8)
        head.used = unsafe copyRows(of: page, to: target)
        unsafe target.storeBytes(of: head, as: PageHeader.self)
        return byteCount
    }

    /// Copies the live rows of a page to their places in another. Returns how many there are.
    private func copyRows(of page: FrozenPage, to target: UnsafeMutableRawPointer) -> UInt32 {
        let source = unsafe page.rows
        var count: UInt32 = 0
        func copy(_ unit: Int) {
            let start = offset(ofUnit: unit)
            let byteCount = unsafe isPacked ? packedByteCount : 4 + Int((source + start).load(as: UInt32.self))
            unsafe (target + start).copyMemory(from: source + start, byteCount: byteCount)
            count += 1
        }
        page.liveUnits.forEach(copy) { first in
            guard packedByteCount == unit else { return (first..<(first + 64)).forEach(copy) }
            let start = offset(ofUnit: first)
            unsafe (target + start).copyMemory(from: source + start, byteCount: 64 * unit)
            count += 64
        }
        return count
    }
}

/// Memory for one saved page after the other.
///
/// `@safe`: the memory is this buffer's, and no longer asked for than it was made.
@safe
struct SavingBuffer: ~Copyable {
    private var base = UnsafeMutableRawPointer.allocate(byteCount: PageGeometry.pageByteCount, alignment: 16)
    private var capacity = PageGeometry.pageByteCount

    deinit { unsafe base.deallocate() }

    /// The first bytes of a page that was saved last.
    func bytes(_ count: Int) -> UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    mutating func zeroed(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount > capacity {
            unsafe base.deallocate()
            unsafe base = .allocate(byteCount: byteCount, alignment: 16)
            capacity = byteCount
        }
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        return unsafe base
    }
}
