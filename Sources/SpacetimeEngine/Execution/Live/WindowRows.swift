// Memory safety. Own memory: order and images have addresses of their own, which this owns. Handles in the tree are those of
// images that are there: the image of a row that was taken out stays until `release`. Valid images: rows are those of the
// table. Lent buffers: the scratch key has one use in a function.

/// Copies of rows in an order, as the windows over them need them: a tree of entries that hold the first 96 bits of the order,
/// and the images that they stand for.
///
/// ``isComplete`` tells whether all rows of the query are here. If not, these are the first ones: every row of the query that is
/// not behind the last row here is here.
struct WindowRows: ~Copyable {
    private(set) var tree = EntryTree()
    private(set) var isComplete = true
    private let order: Ref<WindowOrder>
    private let images: Ref<ImagePool>
    private var key = KeyBuffer()
    /// Rows that have been taken out since the last `release`.
    private var removed = Buffer<UInt32>(capacity: 8)
    /// Rows that are being filled in.
    private var filling = Buffer<TreeEntry>(capacity: 8)

    init(_ order: consuming WindowOrder) {
        self.order = Ref(order)
        images = Ref(ImagePool())
    }

    deinit {
        order.destroy()
        images.destroy()
    }

    var count: Int { tree.count }
    var byteCount: Int { tree.byteCount + images.value.byteCount }
    var leadingColumn: (column: Int, isDescending: Bool)? { order.value.leadingColumn }

    /// Compares rows whose entries do not tell.
    ///
    /// `@safe`: the probe stays during the call that it is made for.
    @safe
    private struct RowTies: EntryTies {
        let order: Ref<WindowOrder>
        let images: Ref<ImagePool>
        let probe: UnsafeRawBufferPointer

        @inline(__always)
        func order(of item: UInt32) -> Int { unsafe order.value.compare(images.value[item], probe) }
    }

    @inline(__always)
    private func ties(_ row: UnsafeRawBufferPointer) -> RowTies {
        unsafe RowTies(order: order, images: images, probe: row)
    }

    @inline(__always)
    private mutating func entry(of row: UnsafeRawBufferPointer, item: UInt32) -> TreeEntry {
        unsafe order.value.entry(of: row, item: item, &key)
    }

    /// The row of an entry.
    func image(_ entry: TreeEntry) -> UnsafeRawBufferPointer { unsafe images.value[entry.item] }

    /// Which of two entries comes first; zero if they stand for equal rows.
    @inline(__always)
    func compare(_ left: TreeEntry, _ right: TreeEntry) -> Int {
        let order = TreeEntry.order(left, right)
        if order != 0 { return order }
        return left.item == right.item ? 0 : unsafe self.order.value.compare(image(left), image(right))
    }

    // MARK: Neighbours

    /// The first row behind one that is, or was, here.
    func entry(behind entry: TreeEntry) -> TreeEntry? {
        guard let found = tree.seek(entry, unsafe ties(image(entry))) else { return nil }
        if compare(found.entry, entry) > 0 { return found.entry }
        return tree.position(behind: found)?.entry
    }

    func entry(before entry: TreeEntry) -> TreeEntry? { tree.seekBefore(entry, unsafe ties(image(entry)))?.entry }

    // MARK: Changing

    /// Takes in a row that came into the query; nil if it is behind what is kept, or there already.
    mutating func insert(_ row: UnsafeRawBufferPointer) -> TreeEntry? {
        var entry = unsafe entry(of: row, item: 0)
        if !isComplete {
            guard let last = tree.last?.entry else { return nil }
            let order = TreeEntry.order(entry, last)
            if unsafe order > 0 || order == 0 && self.order.value.compare(row, image(last)) > 0 { return nil }
        }
        entry.item = unsafe images.value.insert(row)
        if tree.insert(entry, unsafe ties(row)) == nil { return entry }
        images.value.giveBack(entry.item)
        return nil
    }

    /// Takes out a row that left the query; nil if it is not here.
    mutating func remove(_ row: UnsafeRawBufferPointer) -> TreeEntry? {
        let probe = unsafe entry(of: row, item: 0)
        guard let found = tree.find(probe, unsafe ties(row)) else { return nil }
        let entry = found.entry
        tree.remove(found: found)
        removed.append(entry.item)
        return entry
    }

    /// Frees the images of the rows that were taken out.
    mutating func release() {
        for position in 0..<removed.count { images.value.giveBack(removed[position]) }
        removed.removeAll(keeping: 4_096, orShrinkingTo: 8)
    }

    /// Drops the last rows, so that the first ones are left.
    mutating func truncate(to count: Int) {
        while tree.count > count, let last = tree.removeLast() {
            images.value.giveBack(last.item)
            isComplete = false
        }
    }

    // MARK: Filling

    /// Adds a row to those that are taken in together.
    mutating func fill(_ row: UnsafeRawBufferPointer) {
        let entry = unsafe entry(of: row, item: images.value.insert(row))
        filling.append(entry)
    }

    var fillingCount: Int { filling.count }

    /// The row that was filled in last.
    var lastFilled: UnsafeRawBufferPointer? {
        filling.count > 0 ? unsafe image(filling[filling.count - 1]) : nil
    }

    /// Which of two rows comes first by the first field of the order alone.
    func compareLeading(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        unsafe order.value.compareLeading(left, right)
    }

    /// Whether a row is behind all that are here.
    mutating func isBehindAll(_ row: UnsafeRawBufferPointer) -> Bool {
        guard let last = tree.last?.entry else { return true }
        let order = unsafe TreeEntry.order(entry(of: row, item: 0), last)
        return unsafe order > 0 || order == 0 && self.order.value.compare(row, image(last)) > 0
    }

    /// The value of the leading column of the last row.
    var lastLeadingValue: [UInt8]? {
        guard let last = tree.last?.entry else { return nil }
        return unsafe order.value.leadingValue(of: image(last)).map { unsafe Array($0) }
    }

    /// Takes in what was filled in, into an empty tree.
    mutating func buildOfFilled(isComplete: Bool) {
        self.isComplete = isComplete
        sortFilled()
        unsafe tree.build(UnsafeBufferPointer(start: filling.base, count: filling.count))
        endFilling()
    }

    /// Sorts what was filled in, which is behind everything that is here. It is taken in by ``takeFilled(_:)``, one row after
    /// the other.
    mutating func beginTakingFilled(isComplete: Bool) {
        self.isComplete = isComplete
        sortFilled()
    }

    /// Takes in one of the rows that were filled in, by its position among them.
    mutating func takeFilled(_ position: Int) -> TreeEntry? {
        let entry = filling[position]
        return tree.insert(entry, unsafe ties(image(entry))) == nil ? entry : nil
    }

    mutating func endFilling() { filling.removeAll(keeping: 4_096, orShrinkingTo: 8) }

    private mutating func sortFilled() {
        defer { dropEqualFilled() }
        let entries = unsafe UnsafeMutableBufferPointer(start: filling.base, count: filling.count)
        if unsafe isSorted(entries) { return }
        if entries.count <= Self.radixCount { return unsafe sort(entries) }
        let scratch = UnsafeMutableBufferPointer<TreeEntry>.allocate(capacity: entries.count)
        unsafe radixSort(entries, scratch: scratch, bytes: 0..<8) { $0.high }
        unsafe scratch.deallocate()
        var start = 0
        for end in 1...filling.count where unsafe end == filling.count || entries[end].high != entries[start].high {
            if end - start > 1 { unsafe sort(UnsafeMutableBufferPointer(rebasing: entries[start..<end])) }
            start = end
        }
    }

    private static let radixCount = 512

    private func isSorted(_ entries: UnsafeMutableBufferPointer<TreeEntry>) -> Bool {
        for position in entries.indices.dropFirst() {
            if unsafe compare(entries[position - 1], entries[position]) > 0 { return false }
        }
        return true
    }

    private func sort(_ entries: UnsafeMutableBufferPointer<TreeEntry>) {
        var entries = unsafe entries
        unsafe entries.sort { compare($0, $1) < 0 }
    }

    /// Rows are different, but what is filled in from several places might not be.
    private mutating func dropEqualFilled() {
        var kept = 0
        for position in 0..<filling.count {
            let entry = filling[position]
            if kept > 0, compare(filling[kept - 1], entry) == 0 {
                images.value.giveBack(entry.item)
            } else {
                filling[kept] = entry
                kept += 1
            }
        }
        filling.truncate(to: kept)
    }

    func checkInvariants() throws(InvariantViolation) {
        let entries = try tree.checkedEntries { unsafe order.value.compare(images.value[$0], images.value[$1]) }
        try check(
            images.value.count == entries.count + removed.count,
            "\(images.value.count) images of \(entries.count) rows and \(removed.count) that went")
    }
}
