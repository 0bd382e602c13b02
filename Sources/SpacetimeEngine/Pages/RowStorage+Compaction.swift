// Memory safety. Still pages: the image that is moved lies on a page that goes only when its slot is freed, behind the
// copy.

/// Choosing pages to be drained.
///
/// Pages come to be sparse where rows are deleted here and there, or where most rows have another size now. When the
/// slots of a class are less than three quarters in use, beside one page that is always granted, rows are moved from
/// the page that has had room for longest to the others, until it is empty and goes.
extension RowStorage {
    /// Takes a page to be drained out of the list of its class, so that it is not filled; nil if no class is sparse. Whoever
    /// takes it gives it back by ``giveBackSparsePage(_:)``.
    mutating func takeSparsePage() -> Int? {
        for place in 0..<classes.count where classes[place].usedSlots < classes[place].sparseBelow {
            var page = classes[place].last
            if page == keptPage, page != PageLink.none { page = links[Int(page)].previous }
            guard page != PageLink.none else { continue }
            unlist(Int(page), from: place)
            drainedPage = Int(page)
            return drainedPage
        }
        isSparse = false
        return nil
    }

    /// True if a row that is moved would go to a page that has rows already.
    func hasRoomElsewhere(in place: Int) -> Bool {
        let page = classes[place].first
        return page != PageLink.none && page != keptPage
    }

    /// Lists a page that was taken to be drained, if it is still there.
    mutating func giveBackSparsePage(_ page: Int) {
        drainedPage = -1
        guard page < pages.count, pages[page] != nil, !links[page].isListed else { return }
        let place = place(of: page)
        listLast(page, in: place)
        // The page without rows stays behind those with some.
        if keptPage != PageLink.none, self.place(of: Int(keptPage)) == place {
            unlist(Int(keptPage), from: place)
            listLast(Int(keptPage), in: place)
        }
    }
}

extension TableRef {
    /// Moves rows from sparse pages to others. Not inside a transaction: rows get other ids. Goes on while a snapshot holds
    /// the pages; to wait for its end would let the layout depend on when that is.
    ///
    /// - Parameter limit: rows that are moved at most; each costs what taking it out of all indexes and entering it costs.
    /// - Returns: how many were moved.
    @discardableResult
    func compact(moving limit: Int) -> Int {
        var moved = 0
        while moved < limit, let page = storage.takeSparsePage() {
            let count = drain(page, limit: limit - moved)
            storage.giveBackSparsePage(page)
            if count == 0 { break }
            moved += count
        }
        return moved
    }

    /// Moves the rows of a page, in their order. Returns how many.
    private func drain(_ page: Int, limit: Int) -> Int {
        let place = storage.place(of: page)
        guard storage.hasRoomElsewhere(in: place) else { return 0 }
        // With the last row the page is gone, and with it the bitmap that is walked through.
        let count = min(limit, storage.usedSlots(of: page))
        var units = storage.liveUnits(page: page)
        var moved = 0
        // What is walked through stays, also if a change replaces it.
        withExtendedLifetime(storage.pages[page]) {
            while moved < count, storage.hasRoomElsewhere(in: place), let unit = units.next() {
                move(storage.geometry.rowID(page: page, unit: unit))
                moved += 1
            }
        }
        return moved
    }

    private func move(_ row: RowID) {
        unindex(row)
        // There is room, so no page number is needed.
        if let new = unsafe storage.insert(storage.image(row)) { index(new) }
        storage.setLive(row, false)
        storage.free(row)
    }
}
