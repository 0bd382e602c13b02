import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Own memory: the scan's batch, and what the buffers keep. Valid images, still pages: nothing is written
// while a plan runs over a datastore. Rows of a snapshot lie in copies that are made with the batch, and are good until the
// next; whoever needs one for longer puts it in `kept`.

/// Where a run is in one of its steps.
///
/// `@safe`: the batch has room for as many rows as ``ScanState/batchLimit``, and so many are found at a time at most.
@safe
struct StepState: ~Copyable {
    /// Where the next rows come from.
    @safe
    enum Source {
        case none
        /// One row, which is in the batch already.
        case single
        /// The datastore's ``scan``.
        case scan
        /// Row images that were handed in.
        case images(PlanChanges.Images, next: Int)
        /// Rows of the hash table, from an entry on.
        case chain(UInt32)
        /// Deleted rows that may have the wanted key, from an entry of their hash table on.
        case deletedChain(UInt32)
        /// Every row of the snapshot's table, from a unit of a page on; or what lies below it.
        case pages(page: Int, unit: Int)
        case pagesBackward(page: Int, unit: Int)
        /// Rows of an index of the snapshot.
        case sorted(first: Int, end: Int)
        /// Rows that were found before, as they are to be shown.
        case list([UnsafeRawBufferPointer], next: Int)
    }

    // What a run is over.
    var scan = ScanState()
    var indexPosition = 0
    var index: Ref<TableIndex>?
    var snapshotTable: DatastoreSnapshot.Table?
    /// The pages of the snapshot's table that are gone through, if not all are: those of one piece of a run.
    var piece: Range<Int>?
    /// Those of the scan that goes on.
    var pages = 0..<0
    var snapshotIndex: SnapshotIndex?
    /// The page of the snapshot that rows are taken from.
    private var pageCopy: PageCopy?
    private var copiedPage: (number: Int, page: FrozenPage)?
    /// Rows that were found by the snapshot's index, one behind the other.
    private var rowCopies = KeyBuffer()
    private var rowEnds = Buffer<Int>(capacity: 1)
    /// Rows of the snapshot that are needed to the end of the run, or until the step is begun again.
    var kept = StillRows()
    /// Of changes that the table is to be seen before.
    var inserted: PlanChanges.Images?
    var deleted: PlanChanges.Images?
    /// The deleted rows by the key that the step looks for, once that was needed.
    var deletedHash = PlanHash()
    var hasDeletedHash = false
    let filter: PredicateInstance?
    /// The keys that are looked up, if a parameter has them.
    var list: SharedConstants?
    var listCount = 0
    /// The ranges that are looked up.
    var intervals = KeyIntervals()
    var hash = PlanHash()

    // Where it is.
    var source = Source.none
    var filled = 0
    var position = 0
    /// Rows that met everything.
    var found = 0
    /// How often the combination of the steps before counts.
    var times = 1
    /// All rows were shown.
    var isOver = false
    /// What is in the batch is all there is.
    var isLastBatch = false
    /// Of a step that looks a number up: the last one, and its row. Rows that come in order of it ask for the same again.
    var lastKey: UInt64 = 0
    var lastRow: UnsafeRawBufferPointer?
    /// What is found was not looked for by the access, which must be asked of each row.
    var needsTest = false
    var needsFilter = false
    var skipsInserted = false
    /// What was deleted is still to be shown.
    var hasDeletedToShow = false
    /// Keys of a list, or ranges, that are still to be looked up.
    var nextKey = 0
    var keysLeft = 0

    /// The hash that is looked for.
    var wanted: UInt64 = 0

    // Scratch.
    var probe = KeyBuffer()
    var lower = KeyBuffer()
    var upper = KeyBuffer()
    /// The values that are looked for: of the prefix, then the bounds; or of the hash keys.
    var operands = unsafe Buffer<UnsafeRawPointer>(capacity: 4)

    init(filter: PredicateInstance?) { self.filter = filter }

    deinit { scan.destroy() }

    var batch: UnsafeMutablePointer<UnsafeRawBufferPointer> { unsafe scan.batch }

    /// Forgets the rows and what they are in, so that nothing is kept alive between runs.
    mutating func close() {
        source = .none
        scan.source = .done
        scan.table = nil
        index = nil
        unsafe lastRow = nil
        isLastBatch = false
        if snapshotTable != nil {
            snapshotTable = nil
            piece = nil
            snapshotIndex = nil
            copiedPage = nil
            pageCopy = nil
        }
        if kept.byteCount > 0 { kept.removeAll() }
        if inserted != nil { inserted = nil }
        if deleted != nil { deleted = nil }
        if hash.isUsed { hash.removeAll() }
        if hasDeletedHash {
            deletedHash.removeAll()
            hasDeletedHash = false
        }
    }
}

/// The ways to rows that are not the datastore's.
extension StepState {
    /// Fills the batch out of what is not a scan of the datastore, and returns how many rows it got.
    mutating func refillOther() -> Int {
        switch source {
        case .none, .scan, .chain: return 0
        case .deletedChain(let place): return refillFromDeleted(place)
        case .single:
            source = .none
            return 1
        case .images(let images, let next): return refill(from: images, next)
        case .pages(let page, let unit): return refillFromPages(page, unit)
        case .pagesBackward(let page, let unit): return refillFromPagesBackward(page, unit)
        case .sorted(let first, let end): return refillFromIndex(first, end)
        case .list(let rows, let next):
            let count = unsafe min(rows.count - next, ScanState.batchLimit)
            for i in 0..<count { unsafe batch[i] = rows[next + i] }
            unsafe source = next + count < rows.count ? .list(rows, next: next + count) : .none
            return count
        }
    }

    private mutating func refill(from images: PlanChanges.Images, _ next: Int) -> Int {
        let count = min(images.count - next, ScanState.batchLimit)
        for i in 0..<count { unsafe batch[i] = images[next + i] }
        source = next + count < images.count ? .images(images, next: next + count) : .none
        return count
    }

    private mutating func refillFromDeleted(_ first: UInt32) -> Int {
        var place = first
        var count = 0
        while place != 0, count < ScanState.batchLimit {
            let entry = deletedHash[place]
            place = entry.next
            if entry.hash != wanted { continue }
            unsafe batch[count] = entry.row
            count &+= 1
        }
        source = place == 0 ? .none : .deletedChain(place)
        return count
    }

    /// Rows of one page at a time, because there is a copy of one.
    private mutating func refillFromPages(_ first: Int, _ unit: Int) -> Int {
        var from = unit
        for number in first..<max(first, pages.upperBound) {
            if let page = frozenPage(number) {
                var units = page.units(from: from)
                let (count, next) = fill(from: page) { units.next() }
                if count > 0 {
                    source = .pages(page: next == nil ? number + 1 : number, unit: next.map { $0 + 1 } ?? 0)
                    return count
                }
            }
            from = 0
        }
        source = .none
        return 0
    }

    private mutating func refillFromPagesBackward(_ last: Int, _ unit: Int) -> Int {
        var below = unit
        for number in stride(from: last, through: pages.lowerBound, by: -1) {
            if let page = frozenPage(number) {
                var units = page.unitsBackward(below: below)
                let (count, next) = fill(from: page) { units.next() }
                if count > 0 {
                    source = .pagesBackward(page: next == nil ? number - 1 : number, unit: next ?? .max)
                    return count
                }
            }
            below = .max
        }
        source = .none
        return 0
    }

    /// Fills the batch with rows of a page. Returns how many there are, and the last unit if there may be more.
    @inline(__always)
    private mutating func fill(from page: FrozenPage, _ next: () -> Int?) -> (count: Int, last: Int?) {
        guard let geometry = snapshotTable?.geometry else { return (0, nil) }
        var count = 0
        while let unit = next() {
            unsafe batch[count] = geometry.image(inSlot: page.rows + geometry.offset(ofUnit: unit))
            count &+= 1
            if count == ScanState.batchLimit { return (count, unit) }
        }
        return (count, nil)
    }

    /// A page of the snapshot; nil if the number has none.
    private mutating func frozenPage(_ number: Int) -> FrozenPage? {
        if let copiedPage, copiedPage.number == number { return copiedPage.page }
        guard let table = snapshotTable, let page = table.pages[number] else { return nil }
        if pageCopy == nil { pageCopy = PageCopy() }
        guard let frozen = pageCopy?.load(page, number, of: table) else { return nil }
        copiedPage = (number, frozen)
        return frozen
    }

    /// In whichever direction: with the first behind the end, from the back.
    private mutating func refillFromIndex(_ first: Int, _ end: Int) -> Int {
        guard let index = snapshotIndex else { return 0 }
        let isReversed = first > end
        let count = min(abs(end - first), ScanState.batchLimit)
        var copy = RowCopy()
        rowCopies.removeAll()
        rowEnds.removeAll()
        for i in 0..<count {
            let image = unsafe index.image(at: isReversed ? first - 1 - i : first + i, &copy)
            unsafe rowCopies.append(image)
            rowEnds.append(rowCopies.count)
        }
        // The bytes stay where they are only when they are complete.
        var start = 0
        for i in 0..<count {
            unsafe batch[i] = UnsafeRawBufferPointer(rebasing: rowCopies.bytes[start..<rowEnds[i]])
            start = rowEnds[i]
        }
        let next = isReversed ? first - count : first + count
        source = next == end ? .none : .sorted(first: next, end: end)
        return count
    }

    // MARK: Keeping some

    /// Drops rows that came with the changes.
    mutating func dropInserted(_ count: Int) -> Int {
        guard let inserted else { return count }
        var kept = 0
        for i in 0..<count where unsafe !inserted.contains(batch[i]) {
            unsafe batch[kept] = batch[i]
            kept &+= 1
        }
        return kept
    }
}
