// Memory safety. Living ids: of callers. Units of an id lie on their page, whose size follows from the geometry; a row
// is written after what snapshots need of its place was saved, and is as long as its slot was chosen for.

/// The rows of one table: pages, which slots are free, which rows are live.
///
/// A row that is deleted stops being live at once, but its slot and bytes stay as they are until the transaction ends,
/// so that a rollback only has to make it live again.
struct RowStorage: ~Copyable {
    /// `@safe`: the address is that of the page in ``pages`` at the same position, which keeps it.
    @safe
    struct Entry {
        var base: UnsafeMutableRawPointer
        /// The snapshot generation in which the table got sole ownership of the page.
        var generation: UInt64

        /// In place of a generation: there is no page.
        static let absent = UInt64.max
        /// In place of a generation: the page is another table's, too.
        static let foreign: UInt64 = 0
    }

    let geometry: PageGeometry
    /// Ownership of the pages; `nil` for a number whose page was given back.
    var pages: [Page?] = []
    /// The same pages for fast access.
    var entries = Buffer<Entry>(capacity: smallestCapacity)
    /// Where each page is in the list of its class.
    var links = Buffer<PageLink>(capacity: smallestCapacity)
    /// By the units of a slot; packed tables use the first only.
    var classes = Buffer<SizeClass>(capacity: 1)
    var liveCount = 0
    /// Pages whose generation is not above this one are held by a snapshot, for which what is there is saved before a
    /// write.
    var sharedGeneration: UInt64 = 0
    /// That of pages which are made now: above that of all snapshots.
    var currentGeneration: UInt64 = 1
    /// What was saved for each living snapshot that has pages of the table, ascending.
    var savers: [SavedPieces] = []
    /// The same for snapshots that are gone but whose memory others hold: a piece that is there need not be saved again.
    var formerSavers: [SavedPieces] = []
    /// Numbers without a page, to be used again.
    var emptyPageNumbers: [UInt32] = []
    /// The one shared page without rows that is kept, or `PageLink.none`: so a table that loses and gains its last row
    /// again and again does not fetch and give back a page each time.
    var keptPage = PageLink.none

    /// True once a slot was freed in a class that has few in use: its pages are worth draining.
    var isSparse = false
    /// The page that rows are being moved away from, which gets none; -1 at all other times.
    var drainedPage = -1

    let pool: PagePool

    init(geometry: PageGeometry, pool: PagePool = PagePool()) {
        self.geometry = geometry
        self.pool = pool
        classes.append(SizeClass())
    }

    static let smallestCapacity = 4

    var pageCount: Int { pages.count }
    /// Bytes of all pages, headers and free slots included.
    var byteCount: Int { pages.reduce(0) { $0 + ($1?.byteCount ?? 0) } }

    // MARK: Reading

    @inline(__always)
    func address(_ row: RowID) -> UnsafeMutableRawPointer {
        unsafe entries[geometry.page(of: row)].base + geometry.offset(ofUnit: geometry.unit(of: row))
    }

    /// Brings a row closer that will be read soon.
    @inline(__always)
    func prefetch(_ row: RowID) {
        let slot = unsafe UnsafeRawPointer(address(row))
        unsafe SpacetimeEngine.prefetch(slot)
        unsafe SpacetimeEngine.prefetch(slot + geometry.secondPrefetch)
    }

    /// The row image. Valid until the next write to the table.
    @inline(__always)
    func image(_ row: RowID) -> UnsafeRawBufferPointer {
        unsafe geometry.image(inSlot: UnsafeRawPointer(address(row)))
    }

    /// The address of the first image byte.
    @inline(__always)
    func imageStart(_ row: RowID) -> UnsafeMutableRawPointer {
        unsafe address(row) + geometry.imageOffset
    }

    /// False, too, for a row whose page was given back.
    func isLive(_ row: RowID) -> Bool {
        let page = geometry.page(of: row)
        if page >= pages.count || entries[page].generation == Entry.absent { return false }
        let unit = geometry.unit(of: row)
        let word = liveWord(page: page, unit >> 6).value
        return word &>> UInt64(unit & 63) & 1 == 1
    }

    @inline(__always)
    func liveWord(page: Int, _ word: Int) -> Ref<UInt64> {
        unsafe Ref(to: (entries[page].base + PageGeometry.headerByteCount).assumingMemoryBound(to: UInt64.self) + word)
    }

    @inline(__always)
    func header(_ page: Int) -> Ref<PageHeader> {
        unsafe Ref(to: entries[page].base.assumingMemoryBound(to: PageHeader.self))
    }

    /// Words of the bitmap that are in use on a page; zero for a page number without a page.
    @inline(__always)
    private func liveWordCount(page: Int) -> Int {
        entries[page].generation == Entry.absent ? 0 : PageGeometry.bitmapWordCount(header(page).value)
    }

    /// The units at which live rows start on a page; none for a page number without a page.
    @inline(__always)
    func liveUnits(page: Int, from unit: Int = 0) -> LiveUnits {
        unsafe LiveUnits(ofPage: entries[page].base, wordCount: liveWordCount(page: page), from: unit)
    }

    /// The same from the last to the first.
    @inline(__always)
    func liveUnitsBackward(page: Int, below unit: Int = .max) -> LiveUnits.Backward {
        unsafe LiveUnits.Backward(ofPage: entries[page].base, wordCount: liveWordCount(page: page), below: unit)
    }

    /// Calls `body` with every live row, in page order.
    func forEachRow<E: Error>(_ body: (RowID, UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        for page in 0..<pageCount {
            for unit in liveUnits(page: page) {
                let row = geometry.rowID(page: page, unit: unit)
                try unsafe body(row, image(row))
            }
        }
    }

    // MARK: Writing

    /// Finds a slot for an image of that size, copies the image into it and makes it live.
    ///
    /// - Returns: nil if the table has used up its page numbers.
    mutating func insert(_ image: UnsafeRawBufferPointer) -> RowID? {
        guard let row = allocate(byteCount: image.count) else { return nil }
        willWriteSlot(row, geometry.imageOffset &+ image.count)
        let slot = unsafe address(row)
        if geometry.isPacked {
            if let start = image.baseAddress { unsafe copyImage(start, to: slot, byteCount: image.count) }
        } else {
            unsafe slot.storeBytes(of: UInt32(truncatingIfNeeded: image.count), as: UInt32.self)
            if let start = image.baseAddress { unsafe copyImage(start, to: slot + 4, byteCount: image.count) }
        }
        writeLive(row, true)
        return row
    }

    /// Overwrites a live row by an image that `fitsInPlace`.
    @inline(__always)
    mutating func overwrite(_ row: RowID, with image: UnsafeRawBufferPointer) {
        willWrite(
            geometry.page(of: row), at: geometry.offset(ofUnit: geometry.unit(of: row)),
            geometry.imageOffset &+ image.count)
        let slot = unsafe address(row)
        if geometry.isPacked {
            unsafe copyImage(image.baseAddress.unsafelyUnwrapped, to: slot, byteCount: image.count)
        } else {
            unsafe slot.storeBytes(of: UInt32(truncatingIfNeeded: image.count), as: UInt32.self)
            unsafe copyImage(image.baseAddress.unsafelyUnwrapped, to: slot + 4, byteCount: image.count)
        }
    }

    /// True if an image of that size can take the row's slot.
    @inline(__always)
    func fitsInPlace(_ row: RowID, byteCount: Int) -> Bool {
        if geometry.isPacked { return byteCount > 0 }
        let page = geometry.page(of: row)
        return byteCount > 0 && geometry.unitsForRow(byteCount: byteCount) == Int(header(page).value.slotUnits)
    }

    /// Makes a row visible to scans, or invisible without giving up its slot.
    mutating func setLive(_ row: RowID, _ live: Bool) {
        willWriteBit(geometry.page(of: row), geometry.unit(of: row))
        writeLive(row, live)
    }

    @inline(__always)
    private mutating func writeLive(_ row: RowID, _ live: Bool) {
        let unit = geometry.unit(of: row)
        let word = liveWord(page: geometry.page(of: row), unit >> 6)
        let bit: UInt64 = 1 &<< UInt64(unit & 63)
        if live {
            word.value |= bit
            liveCount &+= 1
        } else {
            word.value &= ~bit
            liveCount &-= 1
        }
    }

    /// Gives back the slot of a row that is not live, and its page if that was the last one there.
    mutating func free(_ row: RowID) {
        let page = geometry.page(of: row)
        willWriteHeader(page)
        willWrite(page, at: geometry.offset(ofUnit: geometry.unit(of: row)), 4)
        let head = header(page)
        head.value.used -= 1
        if head.value.used == 0 { return retire(page) }
        unsafe address(row).storeBytes(of: head.value.freeHead, as: UInt32.self)
        head.value.freeHead = (row.rawValue & geometry.unitMask) + 1
        let place = classPlace(run: Int(head.value.slotUnits))
        classes[place].usedSlots -= 1
        if classes[place].usedSlots < classes[place].sparseBelow { isSparse = true }
        if !links[page].isListed, page != drainedPage { list(page, in: place) }
    }

    private mutating func allocate(byteCount: Int) -> RowID? {
        let run = geometry.isPacked ? 1 : geometry.unitsForRow(byteCount: byteCount)
        if run > PageGeometry.sharedRunLimit { return allocateOwnPage(byteCount: byteCount, run: run) }
        let place = classPlace(run: run)
        if place >= classes.count { growClasses(toInclude: place) }
        while true {
            let page = classes[place].first
            if page == PageLink.none {
                guard addSharedPage(run: run, to: place) else { return nil }
                continue
            }
            willWriteHeader(Int(page))
            let head = header(Int(page))
            let unit: UInt32
            if head.value.freeHead != 0 {
                unit = head.value.freeHead - 1
                // Packed slots lie at any multiple of the row's size.
                head.value.freeHead = unsafe address(RowID(page &<< geometry.unitBits | unit)).loadUnaligned(
                    as: UInt32.self)
            } else if Int(head.value.bump) + run <= geometry.unitsPerPage {
                unit = head.value.bump
                head.value.bump = unit + UInt32(run)
            } else {
                unlist(Int(page), from: place)
                continue
            }
            if head.value.used == 0 { useKeptPage(of: place) }
            head.value.used += 1
            classes[place].usedSlots += 1
            return RowID(page &<< geometry.unitBits | unit)
        }
    }
}
