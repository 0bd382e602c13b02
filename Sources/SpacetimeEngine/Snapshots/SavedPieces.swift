import Synchronization

// Memory safety. Own memory: marks and records lie in one allocation of this object, with as many as the table had pages.
// Records and pieces lie in the snapshot's memory: readers hold it, and the writer is inside of `fill`. Piece numbers are
// below the number of pieces, since no byte behind the end of a shared page is written.

/// What the writer saved of one table's pages before it changed them, for one snapshot.
///
/// A page is saved in pieces of 256 bytes, each before the first change to it. Larger ones would have a write that touches
/// a few bytes wait for more of them; and while writes go all over a table, for more memory from the system.
///
/// When several snapshots are alive a piece is saved once, for the oldest that needs it, together with the generation of
/// the newest one of that moment: it holds for all from the one to the other. A snapshot finds it because it holds what is
/// saved for those that were alive when it was taken.
///
/// `@unchecked Sendable`: snapshots read on any thread what one writer saves. Marks are the writer's alone. The reference to
/// the record of a page, and the record, are written and read under the lock of the page (``Page/lock``); a piece is
/// complete when the record first refers to it, and stays as it is.
@safe
final class SavedPieces: @unchecked Sendable {
    static let pieceByteCount = 256
    private static let piecesPerPage = PageGeometry.pageByteCount / pieceByteCount
    private static let wordsPerPage = piecesPerPage / 64
    /// A record is a bit for each piece, set if it is saved, and then the address of each.
    private static let recordByteCount = piecesPerPage / 8 + piecesPerPage * MemoryLayout<UInt>.size
    /// In front of a piece lies the generation up to which it holds.
    private static let untilByteCount = MemoryLayout<UInt64>.size

    @inline(__always)
    static func piece(at offset: Int) -> Int { offset / pieceByteCount }

    let memory: SnapshotMemory
    let pageCount: Int
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    var generation: UInt64 { memory.generation }

    init(memory: SnapshotMemory, pageCount: Int) {
        self.memory = memory
        self.pageCount = pageCount
        byteCount = pageCount * (Self.wordsPerPage * 8 + MemoryLayout<UInt>.size)
        unsafe base = allocateZeroed(byteCount: byteCount, inHugePages: false)
    }

    deinit { unsafe freeZeroed(base, byteCount: byteCount) }

    // MARK: Marks

    /// For each piece of a page a bit that says that this snapshot has what it needs, here or elsewhere.
    @inline(__always)
    private func marks(_ page: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe base.assumingMemoryBound(to: UInt64.self) + page &* Self.wordsPerPage
    }

    @inline(__always)
    func isMarked(_ page: Int, _ piece: Int) -> Bool {
        unsafe marks(page)[piece &>> 6] &>> UInt64(piece & 63) & 1 == 1
    }

    @inline(__always)
    func mark(_ page: Int, _ piece: Int) { unsafe marks(page)[piece &>> 6] |= 1 &<< UInt64(piece & 63) }

    // MARK: Saving

    enum Outcome {
        case saved
        /// Nobody needs it any more.
        case notNeeded
        /// Somebody has the lock of the page.
        case busy
    }

    /// Saves those of some pieces of a page that are not saved here yet. Some may be without a mark: while there was a newer
    /// snapshot, the marks were made for that one.
    ///
    /// Never waits for a reader.
    ///
    /// - Parameter until: the generation of the newest snapshot.
    func save(_ page: Page, _ number: Int, _ pieces: ClosedRange<Int>, until: UInt64) -> Outcome {
        var outcome = Outcome.notNeeded
        _ = memory.fill { room in
            let isSaved: Void? = page.lock.withLockIfAvailable { _ in
                let record = unsafe record(number, in: &room)
                for piece in pieces where unsafe record.bits[piece &>> 6] &>> UInt64(piece & 63) & 1 == 0 {
                    let saved = unsafe room.take(Self.untilByteCount + Self.pieceByteCount)
                    unsafe saved.storeBytes(of: until, as: UInt64.self)
                    unsafe (saved + Self.untilByteCount).copyMemory(
                        from: page.base + piece * Self.pieceByteCount, byteCount: Self.pieceByteCount)
                    unsafe record.pieces[piece] = saved
                    unsafe record.bits[piece &>> 6] |= 1 &<< UInt64(piece & 63)
                }
            }
            outcome = isSaved == nil ? .busy : .saved
        }
        return outcome
    }

    /// The generation up to which a piece that is saved here holds; 0 if there is none that anybody could need.
    func lastGeneration(_ number: Int, _ piece: Int) -> UInt64 {
        var last: UInt64 = 0
        _ = memory.fill { _ in
            if let saved = unsafe saved(number, piece) { unsafe last = saved.load(as: UInt64.self) }
        }
        return last
    }

    // MARK: Reading

    /// A piece as it was for a snapshot; nil if it is not here. For holders of the memory, under the lock of the page.
    @inline(__always)
    func bytes(_ number: Int, _ piece: Int, for generation: UInt64) -> UnsafeRawPointer? {
        guard let saved = unsafe saved(number, piece), unsafe saved.load(as: UInt64.self) >= generation else {
            return nil
        }
        return unsafe UnsafeRawPointer(saved + Self.untilByteCount)
    }

    /// Whether any piece of a page is saved. Under the lock of the page.
    @inline(__always)
    func hasPieces(_ number: Int) -> Bool { unsafe number < pageCount && record(number).pointee != nil }

    private typealias Record = (
        bits: UnsafeMutablePointer<UInt64>, pieces: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    )

    @inline(__always)
    private func record(_ number: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> {
        unsafe (base + pageCount &* Self.wordsPerPage &* 8).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
            + number
    }

    @inline(__always)
    private func parts(_ record: UnsafeMutableRawPointer) -> Record {
        unsafe (
            record.assumingMemoryBound(to: UInt64.self),
            (record + Self.piecesPerPage / 8).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
        )
    }

    @inline(__always)
    private func record(_ number: Int, in room: inout SnapshotMemory.Room) -> Record {
        let place = unsafe record(number)
        if let record = unsafe place.pointee { return unsafe parts(record) }
        let record = unsafe room.take(Self.recordByteCount)
        // What the bits do not name is not read.
        unsafe record.initializeMemory(as: UInt8.self, repeating: 0, count: Self.piecesPerPage / 8)
        unsafe place.pointee = record
        return unsafe parts(record)
    }

    @inline(__always)
    private func saved(_ number: Int, _ piece: Int) -> UnsafeMutableRawPointer? {
        guard number < pageCount, let record = unsafe record(number).pointee else { return nil }
        let (bits, pieces) = unsafe parts(record)
        guard unsafe bits[piece &>> 6] &>> UInt64(piece & 63) & 1 == 1 else { return nil }
        return unsafe pieces[piece]
    }
}
