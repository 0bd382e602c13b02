// Memory safety. Pages hold what their headers say, which is what is checked here; nothing is read behind the end that
// their size gives.

extension RowStorage {
    /// Checks every page and returns the live rows.
    ///
    /// Every slot that was handed out is live, pending or on the free list of its page, and only one of them.
    func checkedRows(pending: Set<RowID>) throws(InvariantViolation) -> [RowID] {
        var live: [RowID] = []
        for page in 0..<pageCount where pages[page] != nil {
            do throws(InvariantViolation) { try checkPage(page, pending, &live) } catch {
                throw InvariantViolation("page \(page): \(error)")
            }
        }
        for page in 0..<pageCount {
            try check((pages[page] == nil) == (entries[page].generation == Entry.absent), "page \(page) is half there")
        }
        try check(live.count == liveCount, "\(live.count) live rows on the pages, \(liveCount) counted")
        for row in pending {
            try check(pages[geometry.page(of: row)] != nil, "a deleted row's page is gone")
        }
        try checkLists()
        return live
    }

    private func checkPage(_ page: Int, _ pending: Set<RowID>, _ live: inout [RowID]) throws(InvariantViolation) {
        let base = unsafe entries[page].base
        let head = unsafe base.load(as: PageHeader.self)
        let run = Int(head.slotUnits)
        let isDedicated = run > PageGeometry.sharedRunLimit
        try check(run >= 1 && (!geometry.isPacked || run == 1), "slots of \(run) units")
        let byteCount = isDedicated ? geometry.dataOffset + run * geometry.unit : PageGeometry.pageByteCount
        try unsafe check(
            pages[page]?.byteCount == byteCount && pages[page]?.base == base, "another page, or another size")
        try check(Int(head.bump) <= geometry.unitsPerPage, "handed out \(head.bump) units of \(geometry.unitsPerPage)")
        try check(isDedicated ? head.bump == 1 : Int(head.bump) % run == 0, "bump \(head.bump) inside of a slot")

        let free = try freeUnits(page, head)
        var used = 0
        let slotCount = isDedicated ? 1 : Int(head.bump) / run
        for slot in 0..<slotCount {
            let unit = UInt32(slot * run)
            let row = geometry.rowID(page: page, unit: Int(unit))
            let states = [isLive(row), pending.contains(row), free.contains(unit)].count { $0 }
            try check(states == 1, "unit \(unit) is in \(states) of the states live, free and pending")
            if !free.contains(unit) { used += 1 }
            if isLive(row) {
                live.append(row)
                try checkLength(row, run)
            }
        }
        try check(used == Int(head.used), "\(head.used) slots counted, \(used) in use")
        try checkBitmap(page, run, Int(head.bump), isDedicated)
    }

    private func checkLength(_ row: RowID, _ run: Int) throws(InvariantViolation) {
        guard !geometry.isPacked else { return }
        let count = unsafe image(row).count
        try check(geometry.unitsForRow(byteCount: count) == run, "a row of \(count) bytes in a slot of \(run) units")
    }

    /// No bit is set except at the starts of slots below the bump.
    private func checkBitmap(_ page: Int, _ run: Int, _ bump: Int, _ isDedicated: Bool) throws(InvariantViolation) {
        let wordCount = (geometry.dataOffset - PageGeometry.headerByteCount) / 8
        for unit in unsafe LiveUnits(ofPage: entries[page].base, wordCount: wordCount) {
            try check(unit < bump && unit % run == 0, "a live bit at unit \(unit)")
        }
    }

    private func freeUnits(_ page: Int, _ head: PageHeader) throws(InvariantViolation) -> Set<UInt32> {
        var free: Set<UInt32> = []
        var next = head.freeHead
        while next != 0 {
            let unit = next - 1
            try check(
                unit < head.bump && unit % head.slotUnits == 0 && free.insert(unit).inserted,
                "the free list goes through unit \(unit) wrongly")
            next = unsafe address(geometry.rowID(page: page, unit: Int(unit))).loadUnaligned(as: UInt32.self)
        }
        return free
    }

    /// Each page with room is on the list of its class, once, and the classes' counts are right.
    private func checkLists() throws(InvariantViolation) {
        var listed: Set<UInt32> = []
        for place in 0..<classes.count {
            var previous = PageLink.none
            var page = classes[place].first
            while page != PageLink.none {
                try check(listed.insert(page).inserted, "page \(page) is listed twice")
                try check(pages[Int(page)] != nil, "page \(page) is listed but gone")
                try check(links[Int(page)].previous == previous, "page \(page) is badly linked")
                let head = unsafe entries[Int(page)].base.load(as: PageHeader.self)
                try check(place == classPlace(run: Int(head.slotUnits)), "page \(page) is on the wrong list")
                previous = page
                page = links[Int(page)].next
            }
            try check(classes[place].last == previous, "the list of class \(place) ends elsewhere")
        }
        var counted = Array(repeating: (pages: 0, used: 0), count: classes.count)
        for page in 0..<pageCount where pages[page] != nil {
            let head = unsafe entries[page].base.load(as: PageHeader.self)
            let run = Int(head.slotUnits)
            try check(links[page].isListed == listed.contains(UInt32(page)), "page \(page) believes to be listed")
            try check(head.used > 0 || keptPage == UInt32(page), "page \(page) is empty and not the kept one")
            guard run <= PageGeometry.sharedRunLimit else { continue }
            let hasRoom = head.freeHead != 0 || Int(head.bump) + run <= geometry.unitsPerPage
            try check(!hasRoom || links[page].isListed, "page \(page) has room but is not listed")
            if head.used == 0 { continue }
            counted[classPlace(run: run)].pages += 1
            counted[classPlace(run: run)].used += Int(head.used)
        }
        for place in 0..<classes.count {
            try check(
                counted[place].pages == Int(classes[place].pageCount)
                    && counted[place].used == Int(classes[place].usedSlots),
                "\(counted[place]) in class \(place), counted were \(classes[place])")
        }
        try checkNumbers()
    }

    private func checkNumbers() throws(InvariantViolation) {
        let absent = (0..<pageCount).filter { pages[$0] == nil }.map { UInt32($0) }
        try check(absent == emptyPageNumbers.sorted(), "numbers \(absent) have no page, kept are \(emptyPageNumbers)")
        guard keptPage != PageLink.none else { return }
        try check(Int(keptPage) < pageCount && pages[Int(keptPage)] != nil, "the kept page is gone")
        let head = unsafe entries[Int(keptPage)].base.load(as: PageHeader.self)
        try check(head.used == 0 && head.bump == 0 && head.freeHead == 0, "the kept page is in use")
    }
}
