// Memory safety. Checked bytes: the length is compared with what the header says before anything is copied, the page
// is as long, and so units below the bump lie on it.

/// Pages made of bytes that were saved, `PageGeometry+Saving`'s counterpart.
extension PageGeometry {
    /// A page whose first bytes are these, as `DatastoreSnapshot.forEachPage` gave them. Nil for a page without rows, as
    /// earlier versions saved them.
    ///
    /// Which slots are free is worked out anew from the live ones, so that nothing but rows is taken from the bytes.
    func load(_ bytes: UnsafeRawBufferPointer, pool: PagePool) throws(EngineError) -> Page? {
        guard bytes.count >= dataOffset, let source = bytes.baseAddress else { throw Self.damage("is too short") }
        let head = unsafe source.loadUnaligned(as: PageHeader.self)
        let run = Int(head.slotUnits)
        let isOwn = run > Self.sharedRunLimit
        guard run >= 1, !isPacked || run == 1, run <= unitsForRow(byteCount: Self.rowByteLimit)
        else { throw Self.damage("has slots of impossible size") }
        guard isOwn ? head.bump == 1 : Int(head.bump) <= unitsPerPage && Int(head.bump) % run == 0 else {
            throw Self.damage("says it is fuller than it can be")
        }
        let used = usedByteCount(head)
        guard bytes.count == used else { throw Self.damage("has \(bytes.count) bytes instead of \(used)") }
        let bitmap = unsafe bytes[Self.headerByteCount..<(Self.headerByteCount + (Int(head.bump) + 63) / 64 * 8)]
        if unsafe bitmap.allSatisfy({ $0 == 0 }) { return nil }
        let page = Page(
            byteCount: isOwn ? used : Self.pageByteCount, dataOffset: dataOffset, pool: pool)
        unsafe page.base.copyMemory(from: source, byteCount: used)
        try rebuildSlots(of: page)
        return page
    }

    private static func damage(_ what: String) -> EngineError { .malformedChanges("a page of rows \(what)") }

    /// Counts live slots, checks their lengths and chains the others.
    private func rebuildSlots(of page: Page) throws(EngineError) {
        var head = page.header
        let run = Int(head.slotUnits)
        let bump = Int(head.bump)
        let words = unsafe (page.base + Self.headerByteCount).assumingMemoryBound(to: UInt64.self)
        var live = 0
        head.freeHead = 0
        var unit = 0
        while unit < bump {
            let word = unsafe words[unit >> 6]
            if isPacked, unit & 63 == 0, unit + 64 <= bump, word == .max {
                live += 64
                unit += 64
                continue
            }
            let slot = unsafe page.base + dataOffset + unit * self.unit
            if word >> UInt64(unit & 63) & 1 == 1 {
                live += 1
                if !isPacked {
                    let byteCount = unsafe Int(slot.load(as: UInt32.self))
                    guard unitsForRow(byteCount: byteCount) == run else {
                        throw Self.damage("has a row that does not fit its slot")
                    }
                }
            } else {
                unsafe slot.storeBytes(of: head.freeHead, as: UInt32.self)
                head.freeHead = UInt32(unit) + 1
            }
            unit += run
        }
        var marked = 0
        for word in 0..<((bump + 63) >> 6) { unsafe marked += words[word].nonzeroBitCount }
        guard marked == live else { throw Self.damage("marks rows where none can start") }
        if run > Self.sharedRunLimit, live != 1 { throw Self.damage("has no row") }
        head.used = UInt32(live)
        head.unused = 0
        unsafe page.base.storeBytes(of: head, as: PageHeader.self)
    }
}
