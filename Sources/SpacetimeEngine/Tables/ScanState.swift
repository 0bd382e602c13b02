// Memory safety. Living ids, still pages: the scan is detached before the table is written. Own memory: the batch, and
// the copies.

/// What an open scan keeps: where it is, and the rows that it has found and not handed on.
///
/// `@safe`: `batch` has room for `batchLimit` rows and `filled` never exceeds `target`, which does not exceed that. Rows
/// stay where they are until the table is written, and before that the scan is detached. Copies lie behind each other in
/// `held`, each behind its length.
@safe
struct ScanState {
    static let batchLimit = 64

    enum Source {
        /// Every row in page order, from a unit of a page on.
        case pages(page: Int, unit: Int)
        case tree(BTree.Position, BTree.Position)
        /// The same from the back, where the second position is the end that is still to be shown.
        case treeBackward(BTree.Position, BTree.Position)
        /// The same from the back: what lies below a unit of a page, and on the pages before it.
        case pagesBackward(page: Int, unit: Int)
        /// Keys of a direct index that are still to come, first to last.
        case direct(Ref<TableIndex>, UInt64, UInt64)
        case directBackward(Ref<TableIndex>, UInt64, UInt64)
        case list([UInt32], next: Int)
        /// Copies made when the table was about to be written: (length, image) records in `held`.
        case copies(next: Int)
        case done
    }

    var source: Source
    /// The table, while the scan is on its list of open scans.
    var table: TableRef?
    var predicate: CompiledPredicate?
    /// How many rows there may still be.
    private var remaining: Int
    /// How many rows are looked for at a time.
    var batchTarget = batchLimit
    /// How many rows `batch` is to hold.
    private(set) var target = batchLimit
    /// Rows in `batch`.
    var filled = 0
    var previous: Ref<ScanState>?
    var next: Ref<ScanState>?
    let batch: UnsafeMutablePointer<UnsafeRawBufferPointer>
    var held: UnsafeMutableRawPointer?
    var heldByteCount = 0
    /// Where copies are counted; nil if they may be any number.
    var copies: ScanCopies?
    /// Bytes that are counted there.
    private var countedByteCount = 0
    /// Whether there was no room for copies. There are no rows then, not those of the batch either.
    private(set) var isLost = false
    /// What follows when the tree of a direct index has been shown.
    var rest: Source?
    /// Set if rows are made of the keys of the tree instead of being read: they have nothing but the key, where
    /// ``coveredOffset`` says.
    private(set) var covered: KeySpec.Integer?
    private var coveredOffset = 0
    /// Memory for such rows: for a batch of them.
    private var keyRows: UnsafeMutableRawPointer?
    private var keyRowsByteCount = 0

    init(source: Source, limit: Int, table: TableRef, predicate: CompiledPredicate?) {
        self.source = source
        remaining = limit
        self.table = table
        self.predicate = predicate
        unsafe batch = .allocate(capacity: Self.batchLimit)
    }

    /// For a query that goes through rows again and again while nothing is written: it tells by ``restart(_:)``
    /// which.
    init() {
        source = .done
        remaining = .max
        unsafe batch = .allocate(capacity: Self.batchLimit)
    }

    /// Begins to go through other rows, all of them.
    mutating func restart(_ source: Source) {
        self.source = source
        if rest != nil { rest = nil }
        if covered != nil { covered = nil }
        filled = 0
        remaining = .max
    }

    /// Makes rows of keys, of which nothing is read but the integer at an offset: until the next restart.
    mutating func cover(_ integer: KeySpec.Integer, at offset: Int) {
        covered = integer
        coveredOffset = offset
        let byteCount = offset + Self.batchLimit * 8
        if byteCount <= keyRowsByteCount { return }
        unsafe keyRows?.deallocate()
        unsafe keyRows = .allocate(byteCount: byteCount, alignment: 8)
        keyRowsByteCount = byteCount
    }

    /// Adds a row that has nothing but a key. The fields of those before it lie behind each other.
    @inline(__always)
    mutating func offer(key: UInt64, of integer: KeySpec.Integer) {
        let start = unsafe keyRows.unsafelyUnwrapped + filled &* 8
        unsafe start.storeBytes(of: key ^ integer.flip, toByteOffset: coveredOffset, as: UInt64.self)
        unsafe batch[filled] = UnsafeRawBufferPointer(start: start, count: coveredOffset &+ Int(integer.width))
        filled &+= 1
    }

    /// Frees what the state owns; its own memory is the scan's.
    func destroy() {
        unsafe batch.deallocate()
        unsafe held?.deallocate()
        unsafe keyRows?.deallocate()
        copies?.remove(countedByteCount)
    }

    // MARK: Filling

    /// Finds the next rows, at most `batchLimit`, and returns how many.
    mutating func refill() -> Int {
        filled = 0
        target = min(batchTarget, remaining)
        if target == 0 { source = .done }
        repeat {
            switch source {
            case .pages(let page, let unit): refillFromPages(page, from: unit)
            case .pagesBackward(let page, let unit): refillFromPagesBackward(page, below: unit)
            case .tree(let start, let end): refillFromTree(start, end)
            case .treeBackward(let start, let end): refillFromTreeBackward(start, end)
            case .direct(let index, let first, let last): refillFromDirect(index, first, last)
            case .directBackward(let index, let first, let last): refillFromDirectBackward(index, first, last)
            case .list(let rows, let next): refillFromList(rows, next)
            case .copies(let next): refillFromCopies(next)
            case .done: return filled
            }
        } while filled == 0
        remaining &-= filled
        return filled
    }

    @inline(__always)
    mutating func offer(_ image: UnsafeRawBufferPointer) {
        if let predicate, unsafe !predicate.matches(image) { return }
        unsafe batch[filled] = image
        filled &+= 1
    }

    private mutating func refillFromPages(_ first: Int, from unit: Int) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        let geometry = rows.storage.geometry
        var unit = unit
        for page in first..<rows.storage.pageCount {
            var units = rows.storage.liveUnits(page: page, from: unit)
            let data = unsafe UnsafeRawPointer(rows.storage.entries[page].base + geometry.dataOffset)
            while let next = units.next() {
                unsafe offer(geometry.image(inSlot: data + next &* geometry.unit))
                if filled == target {
                    source = .pages(page: page, unit: next &+ 1)
                    return
                }
            }
            unit = 0
        }
        source = .done
    }

    private mutating func refillFromTree(_ start: BTree.Position, _ end: BTree.Position) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        var position = start
        while filled < target {
            let limit = position.leaf == end.leaf ? end.index : position.leaf.count
            if let covered {
                let keys = position.leaf.keys
                while position.index < limit, filled < target {
                    offer(key: keys[position.index], of: covered)
                    position.index &+= 1
                }
            } else {
                let ids = position.leaf.rows
                // Rows in key order lie anywhere: ask for all of the batch before the first is read.
                for i in position.index..<max(position.index, min(limit, position.index &+ target &- filled)) {
                    rows.storage.prefetch(RowID(ids[i]))
                }
                while position.index < limit, filled < target {
                    unsafe offer(rows.storage.image(RowID(ids[position.index])))
                    position.index &+= 1
                }
            }
            if position.index >= limit {
                guard position.leaf != end.leaf, let next = position.leaf.next else {
                    source = .done
                    return
                }
                position = BTree.Position(leaf: next, index: 0)
            }
        }
        source = .tree(position, end)
        if covered == nil, target == Self.batchLimit { prefetch(from: position, to: end, rows) }
    }

    /// Asks for the rows that come next, while those at hand are dealt with.
    private func prefetch(from position: BTree.Position, to end: BTree.Position, _ rows: RowsRef) {
        let ids = position.leaf.rows
        let limit = position.leaf == end.leaf ? end.index : position.leaf.count
        for i in position.index..<max(position.index, min(limit, position.index &+ Self.batchLimit)) {
            rows.storage.prefetch(RowID(ids[i]))
        }
    }

    private mutating func refillFromList(_ list: [UInt32], _ next: Int) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        var next = next
        while next < list.count, filled < target {
            unsafe offer(rows.storage.image(RowID(list[next])))
            next &+= 1
        }
        source = next < list.count ? .list(list, next: next) : .done
    }

    private mutating func refillFromCopies(_ next: Int) {
        guard let held = unsafe held else {
            source = .done
            return
        }
        var next = next
        while next < heldByteCount, filled < target {
            let count = unsafe held.loadUnaligned(fromByteOffset: next, as: Int.self)
            unsafe batch[filled] = UnsafeRawBufferPointer(start: held + next + 8, count: count)
            filled &+= 1
            next &+= 8 &+ count
        }
        source = next < heldByteCount ? .copies(next: next) : .done
    }

    // MARK: Before a write

    /// Copies everything that is still to come, so that the scan goes on with the rows as they were. If there is no room for
    /// that the scan is lost: whoever writes goes on, and who reads the scan has to ask.
    mutating func detach() {
        let handedOut = filled
        var copies: [UInt8] = []
        for i in 0..<handedOut { unsafe Self.append(batch[i], to: &copies) }
        let boundary = copies.count
        if case .copies = source { return }
        while refill() > 0 {
            for i in 0..<filled { unsafe Self.append(batch[i], to: &copies) }
            if let counted = self.copies, !counted.hasRoom(for: copies.count) { return lose() }
        }
        if let counted = self.copies {
            guard counted.hasRoom(for: copies.count) else { return lose() }
            counted.add(copies.count)
            countedByteCount = copies.count
        }
        unsafe held = .allocate(byteCount: max(copies.count, 1), alignment: 16)
        heldByteCount = copies.count
        unsafe copies.withUnsafeBytes {
            if let start = $0.baseAddress { unsafe held?.copyMemory(from: start, byteCount: $0.count) }
        }
        // The batch that the consumer is going through now shows the copies.
        source = .copies(next: 0)
        filled = 0
        remaining = .max
        target = Self.batchLimit
        if handedOut > 0 { refillFromCopies(0) }
        filled = handedOut
        source = boundary < heldByteCount ? .copies(next: boundary) : .done
        predicate = nil
        table = nil
    }

    private mutating func lose() {
        isLost = true
        source = .done
        filled = 0
        predicate = nil
        table = nil
    }

    /// Begins to go through copies of some rows.
    mutating func hold(_ rows: RowBatch) {
        var copies: [UInt8] = []
        copies.reserveCapacity(rows.bytes.count + rows.count * 8)
        unsafe rows.forEach { unsafe Self.append($0, to: &copies) }
        unsafe held = .allocate(byteCount: max(copies.count, 1), alignment: 16)
        heldByteCount = copies.count
        unsafe copies.withUnsafeBytes {
            if let start = $0.baseAddress { unsafe held?.copyMemory(from: start, byteCount: $0.count) }
        }
        restart(.copies(next: 0))
    }

    /// Copies all rows and goes through the copies from the last to the first.
    mutating func turnRound(limit: Int) {
        var copies: [UInt8] = []
        var places: [Int] = []
        while refill() > 0 {
            for i in 0..<filled {
                places.append(copies.count)
                unsafe Self.append(batch[i], to: &copies)
            }
        }
        // What it goes through now may be copies of an earlier turn.
        let turned = UnsafeMutableRawPointer.allocate(byteCount: max(copies.count, 1), alignment: 16)
        var end = 0
        unsafe copies.withUnsafeBytes { bytes in
            for place in places.reversed() {
                let count = unsafe 8 + bytes.loadUnaligned(fromByteOffset: place, as: Int.self)
                unsafe (turned + end).copyMemory(from: bytes.baseAddress.unsafelyUnwrapped + place, byteCount: count)
                end += count
            }
        }
        unsafe held?.deallocate()
        unsafe held = turned
        heldByteCount = end
        source = .copies(next: 0)
        remaining = limit
        predicate = nil
    }

    private static func append(_ image: UnsafeRawBufferPointer, to copies: inout [UInt8]) {
        unsafe withUnsafeBytes(of: image.count) { unsafe copies.append(contentsOf: $0) }
        unsafe copies.append(contentsOf: image)
    }
}
