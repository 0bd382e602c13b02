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
    func save(_ page: Page, into buffer: inout SavingBuffer) -> Int {
        var head = page.header
        let words = bitmap(of: page)
        guard let last = lastLiveUnit(head, words) else { return 0 }
        let isOwn = Int(head.slotUnits) > Self.sharedRunLimit
        if !isOwn { head.bump = UInt32(last) + head.slotUnits }
        head.freeHead = 0
        head.unused = 0
        head.reserved = 0
        let byteCount = usedByteCount(head)
        let target = buffer.zeroed(byteCount)
        let wordCount = last >> 6 + 1
        (target + Self.headerByteCount).copyMemory(from: words, byteCount: wordCount * 8)
        head.used = 0
        for word in 0..<wordCount {
            head.used += UInt32(words[word].nonzeroBitCount)
            copyRows(of: words[word], from: page.base, to: target, firstUnit: word << 6)
        }
        target.storeBytes(of: head, as: PageHeader.self)
        return byteCount
    }

    private func bitmap(of page: Page) -> UnsafePointer<UInt64> {
        UnsafePointer((page.base + Self.headerByteCount).assumingMemoryBound(to: UInt64.self))
    }

    private func lastLiveUnit(_ head: PageHeader, _ words: UnsafePointer<UInt64>) -> Int? {
        var word = (Int(head.bump) + 63) >> 6
        while word > 0 {
            word -= 1
            if words[word] != 0 { return word << 6 + 63 - words[word].leadingZeroBitCount }
        }
        return nil
    }

    private func copyRows(
        of bits: UInt64, from source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, firstUnit: Int
    ) {
        if bits == .max, packedByteCount == unit {
            let start = dataOffset + firstUnit * unit
            (target + start).copyMemory(from: source + start, byteCount: 64 * unit)
            return
        }
        var bits = bits
        while bits != 0 {
            let start = dataOffset + (firstUnit + bits.trailingZeroBitCount) * unit
            bits &= bits &- 1
            let count = isPacked ? packedByteCount : 4 + Int((source + start).load(as: UInt32.self))
            (target + start).copyMemory(from: source + start, byteCount: count)
        }
    }
}

/// Memory for one saved page after the other.
struct SavingBuffer: ~Copyable {
    private var base = UnsafeMutableRawPointer.allocate(byteCount: PageGeometry.pageByteCount, alignment: 16)
    private var capacity = PageGeometry.pageByteCount

    deinit { base.deallocate() }

    /// The first bytes of a page that was saved last.
    func bytes(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func zeroed(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount > capacity {
            base.deallocate()
            base = .allocate(byteCount: byteCount, alignment: 16)
            capacity = byteCount
        }
        base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        return base
    }
}
