// Memory safety. Own memory: ends of intervals lie in `bytes`, at the places that the entries say. Bytes are asked for when
// no more are put in.

/// Ranges of keys that do not overlap, in key order: made of some that may.
///
/// Keeps its memory, so that a query that is run again allocates nothing.
struct KeyIntervals: ~Copyable {
    /// A range of encoded keys, or of numbers.
    struct Entry: BitwiseCopyable {
        /// Of encoded keys: where the bytes of its first key lie, and those of the first key behind it.
        fileprivate var lower = 0
        fileprivate var lowerCount = 0
        fileprivate var upper = 0
        fileprivate var upperCount = 0
        /// No key is too great for it.
        fileprivate(set) var isOpen = false
        /// Of numbers: the first and the last.
        fileprivate(set) var first: UInt64 = 0
        fileprivate(set) var last: UInt64 = 0
        /// Which of the given ranges it is, or is the first of.
        fileprivate(set) var source: Int
    }

    private var entries = Buffer<Entry>(capacity: 4)
    private var bytes = KeyBuffer()

    var count: Int { entries.count }

    subscript(position: Int) -> Entry { entries[position] }

    mutating func removeAll() {
        entries.removeAll(keeping: 1 << 10, orShrinkingTo: 4)
        bytes.removeAll(keeping: 1 << 16, orShrinkingTo: 64)
    }

    // MARK: Numbers

    mutating func add(from first: UInt64, through last: UInt64, source: Int) {
        if first <= last { entries.append(Entry(first: first, last: last, source: source)) }
    }

    /// Puts ranges of numbers in order, and makes one of those that overlap.
    mutating func joinNumbers() {
        sort { left, right in left.first < right.first }
        join { (_: borrowing KeyIntervals, known: inout Entry, next: Entry) in
            if next.first > known.last { return false }
            known.last = max(known.last, next.last)
            return true
        }
    }

    // MARK: Encoded keys

    /// Adds what lies between encoded keys, whose buffers are changed.
    ///
    /// - Parameters:
    ///   - isAbove: it begins behind all keys that begin with `lower`, instead of before them.
    ///   - isThrough: it ends behind all keys that begin with `upper`.
    mutating func add(
        from lower: inout KeyBuffer, isAbove: Bool, to upper: inout KeyBuffer, isThrough: Bool, source: Int
    ) {
        // Nothing lies behind the greatest bytes there are.
        if isAbove, !lower.advanceToSuccessor() { return }
        var entry = Entry(source: source)
        entry.isOpen = isThrough && !upper.advanceToSuccessor()
        if !entry.isOpen, unsafe compareBytes(lower.bytes, upper.bytes) >= 0 { return }
        (entry.lower, entry.lowerCount) = (bytes.count, lower.count)
        unsafe bytes.append(lower.bytes)
        (entry.upper, entry.upperCount) = (bytes.count, upper.count)
        unsafe bytes.append(upper.bytes)
        entries.append(entry)
    }

    func lower(_ entry: Entry) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bytes.bytes[entry.lower..<(entry.lower + entry.lowerCount)])
    }

    /// Nothing if the entry is open.
    func upper(_ entry: Entry) -> UnsafeRawBufferPointer {
        let count = entry.isOpen ? 0 : entry.upperCount
        return unsafe UnsafeRawBufferPointer(rebasing: bytes.bytes[entry.upper..<(entry.upper + count)])
    }

    /// Puts ranges of encoded keys in order, and makes one of those that overlap.
    ///
    /// Those that only touch stay apart: an index without order is asked for single keys, and the greatest number and nil are
    /// such that touch.
    mutating func joinKeys() {
        sort { left, right in unsafe compareBytes(lower(left), lower(right)) < 0 }
        join { (intervals: borrowing KeyIntervals, known: inout Entry, next: Entry) in
            if known.isOpen { return true }
            let end = unsafe intervals.upper(known)
            if unsafe compareBytes(intervals.lower(next), end) >= 0 { return false }
            if unsafe next.isOpen || compareBytes(intervals.upper(next), end) > 0 {
                (known.upper, known.upperCount, known.isOpen) = (next.upper, next.upperCount, next.isOpen)
            }
            return true
        }
    }

    // MARK: Joining

    private func sort(_ isBefore: (Entry, Entry) -> Bool) {
        var all = unsafe UnsafeMutableBufferPointer(start: entries.base, count: entries.count)
        unsafe all.sort(by: isBefore)
    }

    /// - Parameter take: makes an entry reach to the end of the next one; false if there is something between them.
    private mutating func join(_ take: (borrowing KeyIntervals, inout Entry, Entry) -> Bool) {
        var kept = 0
        for position in 0..<entries.count {
            let next = entries[position]
            if kept > 0 {
                var known = entries[kept - 1]
                if take(self, &known, next) {
                    entries[kept - 1] = known
                    continue
                }
            }
            entries[kept] = next
            kept += 1
        }
        entries.truncate(to: kept)
    }
}
