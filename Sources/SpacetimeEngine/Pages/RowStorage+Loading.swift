/// Pages that come from elsewhere: from a file, or shared with a snapshot.
extension RowStorage {
    /// Takes over the pages with rows that a snapshot holds. They are copied before the first write to them, as the
    /// snapshot's own table would do.
    mutating func adopt(_ shared: [Page?]) {
        precondition(pages.isEmpty, "rows are adopted by empty tables only")
        // No number can be missing: there are no more pages than in the other table.
        for case let page? in shared where page.header.used > 0 {
            guard let number = addPage(page, generation: 0) else { return }
            let head = page.header
            liveCount += Int(head.used)
            count(number, used: head.used)
        }
    }

    /// Adds a page whose first bytes are these, as `DatastoreSnapshot.forEachPage` gave them. A page without rows, as
    /// earlier versions saved them, is left out.
    ///
    /// Which slots are free is worked out anew from the live ones, so that nothing but rows is taken from the bytes.
    mutating func load(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
        guard bytes.count >= geometry.dataOffset, let source = bytes.baseAddress else {
            throw Self.damage("is too short")
        }
        let head = source.loadUnaligned(as: PageHeader.self)
        let run = Int(head.slotUnits)
        let isOwn = run > PageGeometry.sharedRunLimit
        guard run >= 1, !geometry.isPacked || run == 1,
            run <= geometry.unitsForRow(byteCount: PageGeometry.rowByteLimit)
        else { throw Self.damage("has slots of impossible size") }
        guard isOwn ? head.bump == 1 : Int(head.bump) <= geometry.unitsPerPage && Int(head.bump) % run == 0 else {
            throw Self.damage("says it is fuller than it can be")
        }
        let used = geometry.usedByteCount(head)
        guard bytes.count == used else { throw Self.damage("has \(bytes.count) bytes instead of \(used)") }
        let bitmap = bytes[
            PageGeometry.headerByteCount..<(PageGeometry.headerByteCount + (Int(head.bump) + 63) / 64 * 8)]
        if bitmap.allSatisfy({ $0 == 0 }) { return }
        let page = makePage(byteCount: isOwn ? used : PageGeometry.pageByteCount)
        page.base.copyMemory(from: source, byteCount: used)
        guard let number = addPage(page, generation: currentGeneration) else {
            throw .malformedChanges("more pages than a table can have")
        }
        try rebuildSlots(of: number)
    }

    /// Enters a page that came with rows into its class, and lists it if it has room.
    private mutating func count(_ page: Int, used: UInt32) {
        let head = header(page).value
        let run = Int(head.slotUnits)
        guard run <= PageGeometry.sharedRunLimit else { return }
        let place = classPlace(run: run)
        if place >= classes.count { growClasses(toInclude: place) }
        changePageCount(of: place, by: 1)
        classes[place].usedSlots += used
        if head.freeHead != 0 || Int(head.bump) + run <= geometry.unitsPerPage { list(page, in: place) }
    }

    private static func damage(_ what: String) -> EngineError { .malformedChanges("a page of rows \(what)") }

    /// Counts live slots, checks their lengths and chains the others.
    private mutating func rebuildSlots(of page: Int) throws(EngineError) {
        let head = header(page)
        let run = Int(head.value.slotUnits)
        let bump = Int(head.value.bump)
        var live = 0
        head.value.freeHead = 0
        var unit = 0
        while unit < bump {
            if geometry.isPacked, unit & 63 == 0, unit + 64 <= bump, liveWord(page: page, unit >> 6).value == .max {
                live += 64
                unit += 64
                continue
            }
            let row = RowID(UInt32(page) << geometry.unitBits | UInt32(unit))
            if isLive(row) {
                live += 1
                if !geometry.isPacked {
                    let byteCount = Int(address(row).load(as: UInt32.self))
                    guard geometry.unitsForRow(byteCount: byteCount) == run else {
                        throw Self.damage("has a row that does not fit its slot")
                    }
                }
            } else {
                address(row).storeBytes(of: head.value.freeHead, as: UInt32.self)
                head.value.freeHead = UInt32(unit) + 1
            }
            unit += run
        }
        var marked = 0
        for word in 0..<((bump + 63) >> 6) { marked += liveWord(page: page, word).value.nonzeroBitCount }
        guard marked == live else { throw Self.damage("marks rows where none can start") }
        head.value.used = UInt32(live)
        head.value.unused = 0
        liveCount += live
        if run > PageGeometry.sharedRunLimit, live != 1 { throw Self.damage("has no row") }
        count(page, used: UInt32(live))
    }
}
