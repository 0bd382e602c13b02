/// What the writer owes to snapshots.
///
/// A snapshot refers to the pages of the table and not to copies of them, and the writer goes on writing to them where they
/// are. Before it changes a piece of a page for the first time since the last snapshot, it saves that piece
/// (``SavedPieces``). A snapshot is read as the pages are, but for the pieces that are saved.
///
/// Both happen on several threads without a lock around them. Why no byte is read while it is written:
///
/// 1. A reader copies a page to memory of its own before it looks at it (``PageCopy``), under the lock of the page. It takes
///    from the page itself only pieces that are not saved for it by then.
/// 2. The writer takes the same lock to save a piece, and writes to it only afterwards.
/// 3. So a reader that had the lock first has finished when the writer gets it; and one that gets it later finds the piece
///    saved, complete, and takes nothing from that place of the page again.
///
/// What is marked as saved needs no lock any more: only the writer reads the marks, and no reader needs the piece.
///
/// The writer never waits for the lock: the thread that has it may be one that steps back for all others. If a page is
/// just being copied, the writer goes on with a copy of its own, and leaves the page to the snapshots for good.
///
/// A page of one long row is not saved in pieces: an overwrite of it makes a new page, as it writes all of it anyway, and
/// only header and bitmap are ever changed in place. Such rows are therefore read where they are, and never copied.
extension RowStorage {
    /// Says that bytes of a page are about to be written.
    @inline(__always)
    mutating func willWrite(_ page: Int, at offset: Int, _ byteCount: Int) {
        if entries[page].generation <= sharedGeneration { save(page, offset, byteCount) }
    }

    @inline(__always)
    mutating func willWriteHeader(_ page: Int) { willWrite(page, at: 0, PageGeometry.headerByteCount) }

    /// Says that a slot and the bit of its row are about to be written.
    @inline(__always)
    mutating func willWriteSlot(_ row: RowID, _ byteCount: Int) {
        let page = geometry.page(of: row)
        if entries[page].generation <= sharedGeneration {
            let unit = geometry.unit(of: row)
            save(page, geometry.offset(ofUnit: unit), byteCount)
            willWriteBit(page, unit)
        }
    }

    @inline(__always)
    mutating func willWriteBit(_ page: Int, _ unit: Int) {
        willWrite(page, at: PageGeometry.headerByteCount &+ (unit &>> 6) &* 8, 8)
    }

    @inline(never)
    private mutating func save(_ number: Int, _ offset: Int, _ byteCount: Int) {
        // A page of another table is in no list of this one.
        guard let newest = savers.last, number < newest.pageCount, entries[number].generation != Entry.foreign,
            let page = pages[number]
        else { return copyPage(number) }
        guard byteCount > 0 else { return }
        if offset >= geometry.dataOffset, Int(header(number).value.slotUnits) > PageGeometry.sharedRunLimit {
            return replaceOwnPage(number)
        }
        let pieces = SavedPieces.piece(at: offset)...SavedPieces.piece(at: offset + byteCount - 1)
        if pieces.allSatisfy({ newest.isMarked(number, $0) }) { return }
        if savers.count == 1, formerSavers.isEmpty {
            // If nobody is there to need it any more, that is as good.
            if newest.save(page, number, pieces, until: newest.generation) == .busy { return copyPage(number) }
        } else {
            for piece in pieces where !newest.isMarked(number, piece) {
                if save(page, number, piece, newest.generation) == .busy { return copyPage(number) }
            }
        }
        for piece in pieces { newest.mark(number, piece) }
    }

    /// Saves a piece for the oldest snapshot that has not got it.
    private func save(_ page: Page, _ number: Int, _ piece: Int, _ newest: UInt64) -> SavedPieces.Outcome {
        var served = entries[number].generation &- 1
        for saver in formerSavers { served = max(served, saver.lastGeneration(number, piece)) }
        for saver in savers { served = max(served, saver.lastGeneration(number, piece)) }
        for saver in savers where saver.generation > served {
            let outcome = saver.save(page, number, piece...piece, until: newest)
            if outcome != .notNeeded { return outcome }
        }
        return .notNeeded
    }

    /// Copies a whole page before it is changed. The old one stays with those who share it, and is written by nobody.
    private mutating func copyPage(_ number: Int) {
        guard let page = pages[number] else { return }
        replacePage(
            number, by: Page(copying: page, usedByteCount: geometry.usedByteCount(page.header), pool: pool))
    }

    /// Makes a new page for another image of the long row that is there.
    private mutating func replaceOwnPage(_ number: Int) {
        guard let page = pages[number] else { return }
        replacePage(number, by: Page(copying: page, usedByteCount: geometry.dataOffset, pool: pool))
    }

    // MARK: Snapshots that come and go

    /// The pages as they are now, and what will be saved of them, to be read beside later writes.
    ///
    /// - Parameters:
    ///   - memory: the new snapshot's, whose generation is above that of all earlier ones.
    ///   - older: the memory of living snapshots that the new one holds, too.
    mutating func share(_ memory: SnapshotMemory, _ older: [SnapshotMemory]) -> (pages: [Page?], saved: [SavedPieces]) {
        sharedGeneration = memory.generation
        currentGeneration = memory.generation + 1
        if pages.isEmpty { return ([], []) }
        let held = savers.filter { saver in older.contains { $0 === saver.memory } }
        let saver = SavedPieces(memory: memory, pageCount: pages.count)
        savers.append(saver)
        return (pages, held + [saver])
    }

    /// Tells the generations of the snapshots that are alive, ascending.
    ///
    /// A table that is younger than the newest of them is not in it: nothing of it is shared.
    mutating func keepSaving(for living: [UInt64]) {
        sharedGeneration = min(living.last ?? 0, currentGeneration - 1)
        formerSavers += savers.filter { !living.contains($0.generation) }
        savers.removeAll { !living.contains($0.generation) }
        formerSavers.removeAll { $0.memory.isGivenBack }
    }
}
