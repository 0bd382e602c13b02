// Memory safety. Own memory: keys, and rows that were copied, lie in blocks of the sorter. Valid images: rows that are not
// copied stay where they are until they have been read.

/// Puts rows in the order of encoded keys; rows with equal keys in the order of their bytes, so that the result does not depend
/// on how they were found.
///
/// If only the first ones are wanted, others are dropped on the way: it keeps at most twice as many as are wanted, or a few.
///
/// `@safe`: see above.
@safe
struct RowSorter: ~Copyable {
    @safe
    struct Entry: BitwiseCopyable {
        /// The first eight bytes of the key, which mostly decide.
        var prefix: UInt64
        var keyStart: Int
        var keyCount: Int
        /// The row; without an address if it is a copy.
        var row: UnsafeRawBufferPointer
        var copyStart: Int
        var times: Int
    }

    private var entries = Buffer<Entry>(capacity: 16)
    private var keys = KeyBuffer()
    private var copies = KeyBuffer()
    private var limit = Int.max
    /// Entries from which on those that are not wanted are dropped.
    private var bound = Int.max
    /// Rows whose keys begin with more than that are not among the first.
    private var greatestPrefix = UInt64.max

    private static let keptBytes = 1 << 16
    private static let keptEntries = 1 << 12

    var count: Int { entries.count }
    var byteCount: Int { entries.count * MemoryLayout<Entry>.stride + keys.count + copies.count }

    mutating func begin(limit: Int) {
        removeAll()
        self.limit = limit
        bound = limit < 1 << 20 ? max(limit * 2, 64) : .max
        greatestPrefix = .max
    }

    mutating func removeAll() {
        entries.removeAll(keeping: Self.keptEntries, orShrinkingTo: 16)
        keys.removeAll(keeping: Self.keptBytes, orShrinkingTo: 64)
        copies.removeAll(keeping: Self.keptBytes, orShrinkingTo: 64)
    }

    /// False if a row with that key is surely not among the first.
    @inline(__always)
    func mayTake(_ key: UnsafeRawBufferPointer) -> Bool { unsafe keyPrefix(key) <= greatestPrefix }

    /// - Parameter isStill: the row stays where it is; otherwise it is copied.
    mutating func take(
        _ key: UnsafeRawBufferPointer, _ row: UnsafeRawBufferPointer, isStill: Bool, _ times: Int
    ) {
        let prefix = unsafe keyPrefix(key)
        if prefix > greatestPrefix { return }
        let kept = unsafe isStill ? row : UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe entries.append(
            Entry(
                prefix: prefix, keyStart: keys.count, keyCount: key.count, row: kept,
                copyStart: isStill ? -1 : copies.count, times: times))
        unsafe keys.append(key)
        if !isStill {
            unsafe withUnsafeBytes(of: row.count) { unsafe copies.append($0) }
            unsafe copies.append(row)
        }
        if entries.count >= bound { trim() }
    }

    func row(_ position: Int) -> UnsafeRawBufferPointer { unsafe row(entries[position]) }
    func times(_ position: Int) -> Int { entries[position].times }

    private func row(_ entry: Entry) -> UnsafeRawBufferPointer {
        if entry.copyStart < 0 { return unsafe entry.row }
        let start = unsafe copies.bytes.baseAddress.unsafelyUnwrapped + entry.copyStart
        return unsafe UnsafeRawBufferPointer(start: start + 8, count: start.loadUnaligned(as: Int.self))
    }

    /// The encoded key of a row.
    func key(_ position: Int) -> UnsafeRawBufferPointer { unsafe key(entries[position]) }

    private func key(_ entry: Entry) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: keys.bytes[entry.keyStart..<(entry.keyStart + entry.keyCount)])
    }

    /// Puts them in order.
    func sort() {
        var all = unsafe UnsafeMutableBufferPointer(start: entries.base, count: entries.count)
        unsafe all.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            let order = unsafe compareBytes(key(left), key(right))
            return unsafe (order != 0 ? order : compareBytes(row(left), row(right))) < 0
        }
    }

    /// Drops all but the first, and what they took of memory.
    @inline(never)
    private mutating func trim() {
        sort()
        entries.truncate(to: min(entries.count, limit))
        var keptKeys = KeyBuffer(capacity: keys.count / 2 + 64)
        var keptCopies = KeyBuffer(capacity: copies.count / 2 + 64)
        for position in 0..<count {
            let entry = entries[position]
            entries[position].keyStart = keptKeys.count
            unsafe keptKeys.append(key(entry))
            if entry.copyStart < 0 { continue }
            let row = unsafe row(entry)
            entries[position].copyStart = keptCopies.count
            unsafe withUnsafeBytes(of: row.count) { unsafe keptCopies.append($0) }
            unsafe keptCopies.append(row)
        }
        keys = keptKeys
        copies = keptCopies
        if count == limit, count > 0 { greatestPrefix = entries[count - 1].prefix }
    }
}
