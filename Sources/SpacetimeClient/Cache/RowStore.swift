import SpacetimeSATS

/// The rows of one table, by their bytes, each with the number of queries that deliver it.
///
/// The bytes of all rows lie in one piece of memory, so that a row costs no allocation; those of rows that have gone are
/// squeezed out from time to time. Rows are told apart by their bytes, because values are not always equal to themselves.
///
/// A row has two counts. The first is what is seen. The second is what a connection that has just been made has delivered so
/// far, while what is seen is still what the last one had left behind; ``takeNext()`` puts the one in the place of the other.
///
/// What a message does is noted while it is applied, and told by ``finish(_:)`` as a whole.
struct RowStore: ~Copyable {
    /// Which of the two counts.
    enum Generation {
        case current
        case next
    }

    private struct Entry {
        var offset: Int
        var byteCount: UInt32
        var hash: UInt32
        var count: UInt32 = 0
        var nextCount: UInt32 = 0
        /// Whether it is in `touched`.
        var isTouched = false
        /// Whether it was there before the message.
        var wasThere = false
        /// Whether there is such a row. Others wait to be used again.
        var isUsed = true
    }

    private let hash: RowHash
    private var arena = BSATNWriter()
    private var entries: [Entry] = []
    private var unused: [UInt32] = []
    private var slots = HashSlots()
    private var touched: [UInt32] = []
    private var deadBytes = 0
    /// How many rows are seen.
    private(set) var count = 0

    init(hash: RowHash) { self.hash = hash }

    /// How many bytes the seen rows, and those that are not seen yet, take in the messages.
    var rowBytes: Int { arena.count - deadBytes }

    /// The bytes that are reserved for rows and for finding them.
    var reservedBytes: Int { entries.capacity * MemoryLayout<Entry>.stride + arena.count + slots.count * 11 }

    /// Makes room for rows that are about to come.
    mutating func reserve(rows: Int, bytes: Int) {
        // Growing by less than a half each time would copy everything again and again.
        if entries.count + rows > entries.capacity {
            entries.reserveCapacity(max(entries.count + rows, entries.capacity * 2))
        }
        slots.reserve(rows)
        arena.reserve(bytes)
    }

    // MARK: Counting

    /// One more query delivers the row. `check` is asked about a row that is not known yet, and may refuse it.
    @inline(__always)
    mutating func retain<Failure: Error>(
        _ row: UnsafeRawBufferPointer, in generation: Generation,
        _ check: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let hash = hash(row)
        switch find(row, hash) {
        case .found(let index, _):
            touch(index)
            change(index, generation, by: 1)
        case .free(let place):
            try check(row)
            let index = add(row, hash, place)
            touch(index)
            change(index, generation, by: 1)
        }
    }

    /// One query less delivers the row. False if none did.
    @inline(__always)
    mutating func release(_ row: UnsafeRawBufferPointer, in generation: Generation) -> Bool {
        guard case .found(let index, _) = find(row, hash(row)) else { return false }
        let entry = entries[Int(index)]
        guard (generation == .current ? entry.count : entry.nextCount) > 0 else { return false }
        touch(index)
        change(index, generation, by: -1)
        return true
    }

    @inline(__always)
    private func find(_ row: UnsafeRawBufferPointer, _ hash: UInt32) -> HashSlots.Place {
        slots.find(hash) { number in
            let entry = entries[Int(number)]
            guard Int(entry.byteCount) == row.count else { return false }
            return arena.withUnsafeBytes { arena in
                // An entry's bytes were appended to the arena, and stay there as long as it is used.
                equal(row, UnsafeRawBufferPointer(rebasing: arena[entry.offset..<entry.offset &+ row.count]))
            }
        }
    }

    private mutating func add(_ row: UnsafeRawBufferPointer, _ hash: UInt32, _ place: Int) -> UInt32 {
        let entry = Entry(offset: arena.count, byteCount: UInt32(row.count), hash: hash)
        arena.append(row)
        let index: UInt32
        if let free = unused.popLast() {
            index = free
            entries[Int(free)] = entry
        } else {
            precondition(entries.count < HashSlots.limit, "a table of a cache holds at most \(HashSlots.limit) rows")
            index = UInt32(entries.count)
            entries.append(entry)
        }
        slots.insert(index, hash, at: place)
        return index
    }

    @inline(__always)
    private mutating func touch(_ index: UInt32) {
        guard !entries[Int(index)].isTouched else { return }
        entries[Int(index)].isTouched = true
        entries[Int(index)].wasThere = entries[Int(index)].count > 0
        touched.append(index)
    }

    @inline(__always)
    private mutating func change(_ index: UInt32, _ generation: Generation, by step: Int32) {
        // More than four billion queries that deliver one row would need as many rows in messages.
        switch generation {
        case .current: entries[Int(index)].count = entries[Int(index)].count &+ UInt32(bitPattern: step)
        case .next: entries[Int(index)].nextCount = entries[Int(index)].nextCount &+ UInt32(bitPattern: step)
        }
    }

    // MARK: Generations

    /// What the next generation holds is what there is from now on. The difference is told by ``finish(_:)``.
    mutating func takeNext() {
        for index in entries.indices where entries[index].isUsed {
            touch(UInt32(index))
            entries[index].count = entries[index].nextCount
            entries[index].nextCount = 0
        }
    }

    /// Forgets what the next generation holds.
    mutating func dropNext() {
        for index in entries.indices where entries[index].isUsed && entries[index].nextCount > 0 {
            touch(UInt32(index))
            entries[index].nextCount = 0
        }
    }

    // MARK: Telling

    /// The rows that came and went since the last time, in the order in which they were first touched. Those that went are
    /// readable until ``discard(_:)``.
    struct Difference {
        var inserted: [UInt32] = []
        var deleted: [UInt32] = []
        /// Rows of which nothing is known any more: those that went, and those that came and went.
        fileprivate var gone: [UInt32] = []

        var isEmpty: Bool { inserted.isEmpty && deleted.isEmpty && gone.isEmpty }
    }

    /// Ends a message.
    mutating func finish() -> Difference {
        var difference = Difference()
        for index in touched {
            let entry = entries[Int(index)]
            entries[Int(index)].isTouched = false
            let isThere = entry.count > 0
            if isThere != entry.wasThere {
                if isThere {
                    difference.inserted.append(index)
                    count += 1
                } else {
                    difference.deleted.append(index)
                    count -= 1
                }
            }
            if !isThere, entry.nextCount == 0 { difference.gone.append(index) }
        }
        touched.removeAll(keepingCapacity: true)
        return difference
    }

    /// Lets go of the bytes of rows that went.
    mutating func discard(_ difference: Difference) {
        for index in difference.gone {
            let entry = entries[Int(index)]
            if case .found(_, let place) = slots.find(entry.hash, { $0 == index }) { slots.remove(at: place) }
            entries[Int(index)].isUsed = false
            deadBytes += Int(entry.byteCount)
            unused.append(index)
        }
        if deadBytes > 65_536, deadBytes > arena.count / 2 { squeeze() }
    }

    /// Copies the bytes of the rows that there are into new memory.
    @inline(never) private mutating func squeeze() {
        var smaller = BSATNWriter(reservingCapacity: arena.count - deadBytes)
        for index in entries.indices where entries[index].isUsed {
            let (start, size) = (entries[index].offset, Int(entries[index].byteCount))
            entries[index].offset = smaller.count
            smaller.append(arena.bytes.extracting(start..<start + size))
        }
        arena = smaller
        deadBytes = 0
    }

    // MARK: Reading

    /// Lends the bytes of a row that there is, or that has gone and was not discarded yet.
    @inline(__always)
    func withBytes<Result>(_ index: UInt32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let entry = entries[Int(index)]
        return arena.withUnsafeBytes { arena in
            // See ``find(_:_:)``.
            body(UnsafeRawBufferPointer(rebasing: arena[entry.offset..<entry.offset &+ Int(entry.byteCount)]))
        }
    }

    /// Calls `body` with each row that is seen, in an order that follows from the messages alone.
    func forEach<Failure: Error>(_ body: (UInt32) throws(Failure) -> Void) throws(Failure) {
        for index in entries.indices where entries[index].count > 0 { try body(UInt32(index)) }
    }

    /// The same until `body` returns false.
    func forEachUntil(_ body: (UInt32) -> Bool) {
        for index in entries.indices where entries[index].count > 0 { guard body(UInt32(index)) else { return } }
    }

    /// How many queries deliver a row.
    func references(_ row: UnsafeRawBufferPointer) -> Int {
        guard case .found(let index, _) = find(row, hash(row)) else { return 0 }
        return Int(entries[Int(index)].count)
    }
}

/// Whether two pieces of the same length hold the same bytes: eight at a time, since rows are short and a call costs more.
@inline(__always)
func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let count = left.count
    guard right.count == count else { return false }
    var offset = 0
    while offset &+ 8 <= count {
        // The condition keeps both loads inside.
        let words = (
            left.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        )
        if words.0 != words.1 { return false }
        offset &+= 8
    }
    while offset < count {
        if left[offset] != right[offset] { return false }
        offset &+= 1
    }
    return true
}
