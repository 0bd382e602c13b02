import Synchronization

// Memory safety. Own memory: a buffer as long as a page. What is copied of a page lies in front of its end, and what is
// saved of it is as long as a piece.

/// A page as a snapshot has it. Good until the copy that it is in is used for another, or goes.
@safe
struct FrozenPage {
    /// Header and bitmap, copied.
    fileprivate let base: UnsafeMutableRawPointer
    /// What units are counted from: the copy, or the page itself if it holds one long row.
    let rows: UnsafeRawPointer

    var header: PageHeader { unsafe base.load(as: PageHeader.self) }

    /// Header and bitmap.
    var start: UnsafeRawPointer { unsafe UnsafeRawPointer(base) }

    /// The units at which live rows start.
    var liveUnits: LiveUnits { units(from: 0) }

    /// The same, from a unit on.
    func units(from unit: Int) -> LiveUnits {
        unsafe LiveUnits(ofPage: base, wordCount: PageGeometry.bitmapWordCount(header), from: unit)
    }

    /// Those below a unit, from the last to the first.
    func unitsBackward(below unit: Int = .max) -> LiveUnits.Backward {
        unsafe LiveUnits.Backward(ofPage: base, wordCount: PageGeometry.bitmapWordCount(header), below: unit)
    }

    /// The last unit at which a live row starts; nil if there is none.
    var lastLiveUnit: Int? {
        var units = unitsBackward()
        return units.next()
    }

    fileprivate init(base: UnsafeMutableRawPointer, rows: UnsafeRawPointer) {
        unsafe self.base = base
        unsafe self.rows = rows
    }
}

/// Memory for one page of a snapshot after the other.
///
/// `@safe`: the memory is as long as a page, and what is copied to it is used up to there.
@safe
struct PageCopy: ~Copyable {
    private let base = UnsafeMutableRawPointer.allocate(byteCount: PageGeometry.pageByteCount, alignment: 64)

    deinit { unsafe base.deallocate() }

    /// Copies what a page was when the snapshot was taken.
    mutating func load(_ page: Page, _ number: Int, of table: DatastoreSnapshot.Table) -> FrozenPage {
        let geometry = table.geometry
        var isLong = false
        page.lock.withLock { _ in
            unsafe table.copy(page, number, 0..<geometry.dataOffset, to: base)
            let header = unsafe base.load(as: PageHeader.self)
            isLong = Int(header.slotUnits) > PageGeometry.sharedRunLimit
            if isLong { return }
            let end = geometry.usedByteCount(header)
            unsafe table.copy(page, number, geometry.dataOffset..<end, to: base + geometry.dataOffset)
        }
        return unsafe FrozenPage(base: base, rows: UnsafeRawPointer(isLong ? page.base : base))
    }
}

/// Memory for one row of a snapshot after the other.
///
/// `@safe`: the memory is as long as `capacity` says, and grows before a longer row is copied to it.
@safe
struct RowCopy: ~Copyable {
    private var base = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 8)
    private var capacity = 256

    deinit { unsafe base.deallocate() }

    /// The image of a row that is there. Good until the next one is asked for.
    mutating func image(_ row: RowID, of table: DatastoreSnapshot.Table) -> UnsafeRawBufferPointer {
        let geometry = table.geometry
        let number = geometry.page(of: row)
        guard let page = table.pages[number] else {
            preconditionFailure("a snapshot was asked for a row that it does not hold")
        }
        let start = geometry.offset(ofUnit: geometry.unit(of: row))
        var slot = unsafe UnsafeRawPointer(page.base + start)
        page.lock.withLock { _ in
            var byteCount = geometry.packedByteCount
            if !geometry.isPacked {
                unsafe table.copy(page, number, start..<(start + 4), to: base)
                byteCount = unsafe 4 + Int(base.load(as: UInt32.self))
                // A page of its own is not written to while a snapshot has it.
                if geometry.unitsForRow(byteCount: byteCount - 4) > PageGeometry.sharedRunLimit { return }
            }
            reserve(byteCount)
            unsafe table.copy(page, number, start..<(start + byteCount), to: base)
            unsafe slot = UnsafeRawPointer(base)
        }
        return unsafe geometry.image(inSlot: slot)
    }

    private mutating func reserve(_ byteCount: Int) {
        guard byteCount > capacity else { return }
        unsafe base.deallocate()
        capacity = max(byteCount, capacity * 2)
        unsafe base = .allocate(byteCount: capacity, alignment: 8)
    }
}

extension DatastoreSnapshot.Table {
    /// Copies bytes of a page as they were when the snapshot was taken. Under the lock of the page.
    fileprivate func copy(_ page: Page, _ number: Int, _ range: Range<Int>, to target: UnsafeMutableRawPointer) {
        if range.isEmpty { return }
        let source = unsafe page.base
        guard saved.contains(where: { $0.hasPieces(number) }) else {
            return unsafe target.copyMemory(from: source + range.lowerBound, byteCount: range.count)
        }
        // Where what was not saved begins, of what is still to be copied.
        var begin = range.lowerBound
        func copyLive(upTo end: Int) {
            guard begin < end else { return }
            unsafe (target + (begin - range.lowerBound)).copyMemory(from: source + begin, byteCount: end - begin)
        }
        for piece in SavedPieces.piece(at: begin)...SavedPieces.piece(at: range.upperBound - 1) {
            guard let bytes = unsafe bytes(number, piece) else { continue }
            let first = piece * SavedPieces.pieceByteCount
            let part = range.clamped(to: first..<(first + SavedPieces.pieceByteCount))
            copyLive(upTo: part.lowerBound)
            unsafe (target + (part.lowerBound - range.lowerBound)).copyMemory(
                from: bytes + (part.lowerBound - first), byteCount: part.count)
            begin = part.upperBound
        }
        copyLive(upTo: range.upperBound)
    }

    @inline(__always)
    private func bytes(_ number: Int, _ piece: Int) -> UnsafeRawPointer? {
        for saver in saved {
            if let bytes = unsafe saver.bytes(number, piece, for: hold.generation) { return unsafe bytes }
        }
        return nil
    }

    /// A page for another table to share, or a copy if the writer has changed it since; nil if it has no rows.
    func sharedPage(_ number: Int, _ pool: PagePool) -> Page? {
        guard let page = pages[number] else { return nil }
        let isChanged = page.lock.withLock { _ in saved.contains { $0.hasPieces(number) } }
        if !isChanged { return page.header.used > 0 ? page : nil }
        var copy = PageCopy()
        let frozen = copy.load(page, number, of: self)
        guard frozen.header.used > 0 else { return nil }
        return unsafe Page(
            copyingHead: frozen.start, rows: frozen.rows, dataOffset: geometry.dataOffset, byteCount: page.byteCount,
            usedByteCount: geometry.usedByteCount(frozen.header), pool: pool)
    }
}
