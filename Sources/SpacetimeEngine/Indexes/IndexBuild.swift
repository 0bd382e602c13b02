// Memory safety. Living ids: of rows that are walked through while nothing is written to the pages. Own memory:
// scratch is as long as what is sorted; sorted entries are looked at before the next row is gathered.

/// The making of one index of a table out of all of its rows, which obey its constraints: a unit of work.
///
/// Makings of different indexes read rows and write what is their own. So they may run at the same time, on different
/// threads, as long as nobody uses the datastore for anything else. Each takes up to 32 bytes for each row while it runs,
/// for at most ``TableIndex/buildLimit`` rows.
///
/// `@unchecked Sendable`: see above; whoever runs it keeps the datastore.
package struct IndexBuild: @unchecked Sendable {
    private let table: TableRef
    /// Nil for the hash of whole rows.
    private let index: Ref<TableIndex>?
    private let rowLimit: Int

    fileprivate init(_ table: TableRef, _ index: Ref<TableIndex>?, rowLimit: Int) {
        self.table = table
        self.index = index
        self.rowLimit = rowLimit
    }

    /// Rows that it enters.
    package var rowCount: Int { table.count }

    /// Does it. Once.
    package func run() {
        guard rowCount > 0 else { return }
        if let index { index.value.build(from: table.rows, rowLimit: rowLimit) } else { table.buildWholeRows(rowLimit) }
    }
}

extension TableRef {
    /// What is to be done to make the indexes of a table that has none of its rows in them yet.
    ///
    /// - Parameter rowLimit: rows that are sorted together.
    func indexBuilds(rowLimit: Int = TableIndex.buildLimit) -> [IndexBuild] {
        var builds = (0..<indexCount).map { IndexBuild(self, indexes.reference(to: $0), rowLimit: rowLimit) }
        if hashesWholeRows { builds.append(IndexBuild(self, nil, rowLimit: rowLimit)) }
        return builds
    }

    /// Enters all rows, which are known to obey the constraints, into the indexes.
    func indexAll() { for build in indexBuilds() { build.run() } }

    fileprivate func buildWholeRows(_ rowLimit: Int) {
        let seed = value.seed
        value.wholeRows.reserve(count)
        var slots = SlotSorter(capacity: min(count, rowLimit))
        rows.forEachRow { row in
            unsafe slots.append(finishHash(hashBytes(storage.image(row), state: seed)), row)
            if slots.isFull { slots.flush(into: &value.wholeRows) }
        }
        slots.flush(into: &value.wholeRows)
    }
}

extension TableIndex {
    /// So many rows are sorted at a time.
    static let buildLimit = 1 << 24

    /// Enters all rows of a table. The index must be empty.
    fileprivate mutating func build(from table: RowsRef, rowLimit: Int) {
        switch structure {
        case .hash: buildHash(from: table, rowLimit: rowLimit)
        case .direct:
            table.forEachRow { unsafe insert($0, image: UnsafeRawPointer(table.storage.imageStart($0)), table) }
        case .orderedInteger, .orderedBytes:
            var sorter = EntrySorter(capacity: min(table.storage.liveCount, rowLimit))
            var words = KeyWords(specReference, table)
            table.forEachRow { row in
                sorter.append(firstWord(row, &words, table), row)
                if sorter.isFull { enter(&sorter, &words, table) }
            }
            enter(&sorter, &words, table)
        }
    }

    @inline(__always)
    private func firstWord(_ row: RowID, _ words: inout KeyWords, _ table: RowsRef) -> UInt64 {
        if let integer { return unsafe integer.key(ofRow: UnsafeRawPointer(table.storage.imageStart(row)), table) }
        return words.word(0, of: row.rawValue)
    }

    /// Sorts what was gathered and enters it: all at once into an empty tree, else one by one.
    private mutating func enter(_ sorter: inout EntrySorter, _ words: inout KeyWords, _ table: RowsRef) {
        let sorted = unsafe integer != nil ? sorter.sorted() : sorter.sorted(by: &words)
        if tree.count == 0 {
            unsafe tree.build(sorted)
        } else if integer != nil {
            unsafe tree.insertAscending(sorted)
        } else {
            for position in sorted.indices {
                let row = unsafe RowID(sorted[position].row)
                unsafe insert(row, image: UnsafeRawPointer(table.storage.imageStart(row)), table)
            }
        }
        sorter.removeAll()
    }

    private mutating func buildHash(from table: RowsRef, rowLimit: Int) {
        hash.reserve(table.storage.liveCount)
        var slots = SlotSorter(capacity: min(table.storage.liveCount, rowLimit))
        var exempt = EntrySorter(capacity: 0)
        var words = KeyWords(specReference, table)
        table.forEachRow { row in
            let image = unsafe UnsafeRawPointer(table.storage.imageStart(row))
            if unsafe exempts(image, table) {
                exempt.append(words.word(0, of: row.rawValue), row)
            } else {
                unsafe slots.append(hashOfKey(image, table), row)
                if slots.isFull { slots.flush(into: &hash) }
            }
        }
        slots.flush(into: &hash)
        unsafe tree.build(exempt.sorted(by: &words))
    }
}

/// Entries of a tree that are gathered in the order of the rows, and sorted by their keys.
private struct EntrySorter: ~Copyable {
    private var entries: Buffer<SortedEntry>
    private let limit: Int

    init(capacity: Int) {
        limit = capacity
        entries = Buffer(capacity: capacity)
    }

    var isFull: Bool { entries.count == limit }

    @inline(__always)
    mutating func append(_ key: UInt64, _ row: RowID) { entries.append(SortedEntry(key: key, row: row.rawValue)) }

    mutating func removeAll() { entries.removeAll() }

    private var all: UnsafeMutableBufferPointer<SortedEntry> {
        unsafe UnsafeMutableBufferPointer(start: entries.base, count: entries.count)
    }

    /// The entries in the order of keys that are whole in 64 bits.
    mutating func sorted() -> UnsafeBufferPointer<SortedEntry> {
        unsafe withScratch { unsafe radixSort(all, scratch: $0) }
        return unsafe UnsafeBufferPointer(all)
    }

    /// The entries in the order of whole keys.
    mutating func sorted(by words: inout KeyWords) -> UnsafeBufferPointer<SortedEntry> {
        unsafe withScratch { unsafe words.sort(all, scratch: $0) }
        return unsafe UnsafeBufferPointer(all)
    }

    private func withScratch(_ body: (UnsafeMutableBufferPointer<SortedEntry>) -> Void) {
        let scratch = UnsafeMutableBufferPointer<SortedEntry>.allocate(capacity: entries.count)
        unsafe body(scratch)
        unsafe scratch.deallocate()
    }
}

/// Entries of a hash index that are gathered in the order of the rows, and entered in the order of their hashes.
private struct SlotSorter: ~Copyable {
    private var slots: Buffer<UInt64>
    private let limit: Int

    init(capacity: Int) {
        limit = capacity
        slots = Buffer(capacity: capacity)
    }

    var isFull: Bool { slots.count == limit }

    @inline(__always)
    mutating func append(_ hash: UInt32, _ row: RowID) { slots.append(HashSlots.slot(hash, row)) }

    /// Enters what was gathered since the last time.
    mutating func flush(into hash: inout HashIndex) {
        let all = unsafe UnsafeMutableBufferPointer(start: slots.base, count: slots.count)
        let scratch = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: slots.count)
        unsafe radixSort(all, scratch: scratch)
        unsafe scratch.deallocate()
        unsafe hash.enter(UnsafeBufferPointer(all))
        slots.removeAll()
    }
}
