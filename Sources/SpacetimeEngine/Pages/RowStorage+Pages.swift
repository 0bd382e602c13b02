// Memory safety. A page keeps the memory that the table refers to by its address.

/// The pages of a table whose slots have one size.
struct SizeClass {
    /// The page with room that is filled next, or `PageLink.none`. Pages that got room last are filled first: they are the
    /// fullest, and the others can drain.
    var first = PageLink.none
    /// The page that has had room for longest and was not needed.
    var last = PageLink.none
    /// Pages with rows.
    private(set) var pageCount: UInt32 = 0
    /// Slots handed out and not freed.
    var usedSlots: UInt32 = 0
    /// With fewer slots in use, pages are worth draining: three quarters of all pages but one.
    private(set) var sparseBelow: UInt32 = 0

    mutating func changePageCount(by change: Int, slotsPerPage: Int) {
        pageCount = UInt32(Int(pageCount) + change)
        sparseBelow = pageCount < 2 ? 0 : (pageCount - 1) * UInt32(slotsPerPage) / 4 * 3
    }
}

/// A page's place in the list of pages with room: the numbers of its neighbours.
struct PageLink {
    var next: UInt32
    var previous: UInt32

    /// In place of a number.
    static var none: UInt32 { .max }
    static var unlisted: PageLink { PageLink(next: none - 1, previous: none - 1) }

    @inline(__always)
    var isListed: Bool { next != Self.none - 1 }
}

/// Where pages come from and where they go.
///
/// A page without rows goes back to the pool at once, except for one that the table keeps. By then nobody refers to a
/// row of it: a row that a transaction deleted counts as used until the transaction has ended, and a snapshot has its
/// own reference to the page. Row ids name pages by number; numbers without a page are used again.
extension RowStorage {
    // MARK: Classes

    /// The place in ``classes`` of the pages that serve a run length.
    @inline(__always)
    func classPlace(run: Int) -> Int { geometry.isPacked ? 0 : run }

    @inline(never)
    mutating func growClasses(toInclude place: Int) {
        // Runs above 16 units leave gaps, which cost 20 bytes each.
        while classes.count <= place { classes.append(SizeClass()) }
    }

    /// The place in ``classes`` of a shared page.
    func place(of page: Int) -> Int { classPlace(run: Int(header(page).value.slotUnits)) }

    func usedSlots(of page: Int) -> Int { Int(header(page).value.used) }

    mutating func changePageCount(of place: Int, by change: Int) {
        classes[place].changePageCount(
            by: change, slotsPerPage: geometry.slotCount(run: geometry.isPacked ? 1 : place))
    }

    mutating func list(_ page: Int, in place: Int) {
        let first = classes[place].first
        links[page] = PageLink(next: first, previous: PageLink.none)
        if first != PageLink.none {
            links[Int(first)].previous = UInt32(page)
        } else {
            classes[place].last = UInt32(page)
        }
        classes[place].first = UInt32(page)
    }

    /// Lists a page so that all others are filled before it.
    mutating func listLast(_ page: Int, in place: Int) {
        let last = classes[place].last
        links[page] = PageLink(next: PageLink.none, previous: last)
        if last != PageLink.none { links[Int(last)].next = UInt32(page) } else { classes[place].first = UInt32(page) }
        classes[place].last = UInt32(page)
    }

    mutating func unlist(_ page: Int, from place: Int) {
        let link = links[page]
        if link.next != PageLink.none {
            links[Int(link.next)].previous = link.previous
        } else {
            classes[place].last = link.previous
        }
        if link.previous != PageLink.none {
            links[Int(link.previous)].next = link.next
        } else {
            classes[place].first = link.next
        }
        links[page] = .unlisted
    }

    /// Bytes of slots that hold no row.
    var freeByteCount: Int {
        let kept = keptPage == PageLink.none ? 0 : geometry.unitsPerPage * geometry.unit
        return (0..<classes.count).reduce(kept) { sum, place in
            let run = geometry.isPacked ? 1 : max(place, 1)
            let slots = Int(classes[place].pageCount) * geometry.slotCount(run: run)
            return sum + (slots - Int(classes[place].usedSlots)) * run * geometry.unit
        }
    }

    // MARK: Coming

    /// Adds an empty page to a class and lists it. False if the table has used up its page numbers.
    @inline(never)
    mutating func addSharedPage(run: Int, to place: Int) -> Bool {
        let number: Int
        if keptPage != PageLink.none {
            number = Int(keptPage)
            let old = classPlace(run: Int(header(number).value.slotUnits))
            unlist(number, from: old)
            // A snapshot may hold the page; there is nothing to copy of it.
            if entries[number].generation <= sharedGeneration {
                replacePage(number, by: makePage(byteCount: PageGeometry.pageByteCount))
            }
        } else {
            guard let added = addPage(makePage(byteCount: PageGeometry.pageByteCount), generation: currentGeneration)
            else { return false }
            number = added
        }
        keptPage = UInt32(number)
        header(number).value = PageHeader(slotUnits: UInt32(run))
        list(number, in: place)
        return true
    }

    /// The page without rows gets one.
    @inline(never)
    mutating func useKeptPage(of place: Int) {
        keptPage = PageLink.none
        changePageCount(of: place, by: 1)
    }

    /// A slot for a row that has a page to itself.
    @inline(never)
    mutating func allocateOwnPage(byteCount: Int, run: Int) -> RowID? {
        guard byteCount <= PageGeometry.rowByteLimit,
            let page = addPage(
                makePage(byteCount: geometry.dataOffset + run * geometry.unit), generation: currentGeneration)
        else { return nil }
        var head = PageHeader(slotUnits: UInt32(run))
        // Only unit 0 can start a row; a bump behind the run would count bitmap words that are row bytes.
        head.bump = 1
        head.used = 1
        header(page).value = head
        return RowID(UInt32(page) &<< geometry.unitBits)
    }

    func makePage(byteCount: Int) -> Page { Page(byteCount: byteCount, dataOffset: geometry.dataOffset, pool: pool) }

    /// Gives a page a number. Nil if there is none left.
    mutating func addPage(_ page: Page, generation: UInt64) -> Int? {
        let number: Int
        if let reused = emptyPageNumbers.popLast() {
            number = Int(reused)
            pages[number] = page
        } else {
            number = pages.count
            guard number < geometry.pageLimit else { return nil }
            pages.append(page)
            unsafe entries.append(Entry(base: page.base, generation: generation))
            links.append(.unlisted)
            return number
        }
        entries[number] = unsafe Entry(base: page.base, generation: generation)
        links[number] = .unlisted
        return number
    }

    mutating func replacePage(_ number: Int, by page: Page) {
        pages[number] = page
        entries[number] = unsafe Entry(base: page.base, generation: currentGeneration)
    }

    // MARK: Going

    /// Takes back a page whose last slot was freed.
    @inline(never)
    mutating func retire(_ page: Int) {
        let head = header(page)
        let run = Int(head.value.slotUnits)
        if run > PageGeometry.sharedRunLimit {
            giveBack(page)
        } else {
            let place = classPlace(run: run)
            classes[place].usedSlots -= 1
            changePageCount(of: place, by: -1)
            if links[page].isListed { unlist(page, from: place) }
            if keptPage == PageLink.none {
                // Filled from its start again, it stays dense, and nothing of it is looked at by scans.
                head.value = PageHeader(slotUnits: UInt32(run))
                keptPage = UInt32(page)
                listLast(page, in: place)
            } else {
                giveBack(page)
            }
        }
        if pages.count > Self.keptNumbers, pages.count - emptyPageNumbers.count == (keptPage == PageLink.none ? 0 : 1) {
            forgetNumbers()
        }
    }

    private mutating func giveBack(_ page: Int) {
        pages[page] = nil
        entries[page].generation = Entry.absent
        emptyPageNumbers.append(UInt32(page))
    }

    private static let keptNumbers = 64

    /// Starts numbering anew when the table has no rows and many page numbers: scans go through all of them.
    private mutating func forgetNumbers() {
        emptyPageNumbers = []
        guard keptPage != PageLink.none else {
            forgetPages()
            return
        }
        let place = place(of: Int(keptPage))
        unlist(Int(keptPage), from: place)
        // A snapshot knows the page by its number; there is nothing to keep of it.
        if entries[Int(keptPage)].generation <= sharedGeneration {
            let head = header(Int(keptPage)).value
            replacePage(Int(keptPage), by: makePage(byteCount: PageGeometry.pageByteCount))
            header(Int(keptPage)).value = head
        }
        let page = pages[Int(keptPage)]
        let entry = entries[Int(keptPage)]
        forgetPages()
        pages = [page]
        entries.append(entry)
        links.append(.unlisted)
        keptPage = 0
        list(0, in: place)
    }

    private mutating func forgetPages() {
        pages = []
        entries.removeAll(keeping: 0, orShrinkingTo: Self.smallestCapacity)
        links.removeAll(keeping: 0, orShrinkingTo: Self.smallestCapacity)
    }
}
