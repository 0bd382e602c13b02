/// Pages that come from elsewhere: from a file, or shared with a snapshot.
extension RowStorage {
    /// Takes over the pages with rows that a snapshot holds. This table copies one before it first writes to it; the one
    /// that the snapshot was taken of must not be written to any more.
    mutating func adopt(_ table: DatastoreSnapshot.Table) {
        precondition(pages.isEmpty, "rows are adopted by empty tables only")
        for number in table.pages.indices {
            guard let page = table.sharedPage(number, pool) else { continue }
            // No number can be missing: there are no more pages than in the other table.
            guard add(page, generation: Entry.foreign) else { return }
        }
    }

    /// Takes over a page that was made for this table alone.
    mutating func add(_ page: Page) throws(EngineError) {
        guard add(page, generation: currentGeneration) else {
            throw .malformedChanges("more pages than a table can have")
        }
    }

    /// Numbers a page that comes with rows, enters it into its class, and lists it if it has room. False if the table has
    /// used up its page numbers.
    private mutating func add(_ page: Page, generation: UInt64) -> Bool {
        guard let number = addPage(page, generation: generation) else { return false }
        let head = page.header
        let run = Int(head.slotUnits)
        liveCount += Int(head.used)
        guard run <= PageGeometry.sharedRunLimit else { return true }
        let place = classPlace(run: run)
        if place >= classes.count { growClasses(toInclude: place) }
        changePageCount(of: place, by: 1)
        classes[place].usedSlots += head.used
        if head.freeHead != 0 || Int(head.bump) + run <= geometry.unitsPerPage { list(number, in: place) }
        return true
    }
}
