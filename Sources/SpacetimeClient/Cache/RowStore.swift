import SpacetimeSATS

/// The rows of one table, by their bytes, each with the number of queries that deliver it.
///
/// The bytes of all rows lie in one piece of memory, so that a row costs no allocation; those of rows that have gone are
/// squeezed out from time to time. Rows are told apart by their bytes, because values are not always equal to themselves.
///
/// Where rows have a primary key, they are found by its hash: then the one table of places finds rows by their bytes and by their key.
/// Should many rows have the same key, in spite of the description, they are found by the hash of all of their bytes from then on.
///
/// A row has two counts. The first is what is seen. The second is what a connection that has just been made has delivered so
/// far, while what is seen is still what the last one had left behind; ``takeNext()`` puts the one in the place of the other.
///
/// What a message does is noted while it is applied, and told by ``finish()`` as a whole.
struct RowStore: ~Copyable {
    /// Which of the two counts.
    enum Generation {
        case current
        case next
    }

    struct Entry: BitwiseCopyable {
        /// Where the bytes begin, in words of ``arena``.
        var place: UInt32
        var byteCount: UInt32
        var count: UInt32 = 0
        var flags = Flags.isUsed

        /// Whether the row is seen.
        @inline(__always) var isSeen: Bool {
            flags.isDisjoint(with: .foreseen) ? count > 0 : flags.contains(.isPredicted)
        }
    }

    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt32
        /// There is such a row. Other entries wait to be used again.
        static let isUsed = Flags(rawValue: 1)
        /// It is in ``touched``.
        static let isTouched = Flags(rawValue: 2)
        /// It was seen before the message.
        static let wasSeen = Flags(rawValue: 4)
        /// The message has brought it, and nobody has called it the successor of another row yet.
        static let isNew = Flags(rawValue: 8)
        /// A query delivered it before the message.
        static let wasConfirmed = Flags(rawValue: 16)
        /// It is seen because a call that is under way would bring it.
        static let isPredicted = Flags(rawValue: 32)
        /// It is not seen because a call that is under way would take it away.
        static let isHidden = Flags(rawValue: 64)
        static let foreseen: Flags = [.isPredicted, .isHidden]
    }

    /// Hashes what rows are found by: their primary key, or all bytes.
    private(set) var identity: KeyShape
    private let hash: RowHash
    private var layout = RowLayout([], in: Typespace())
    /// The last column that a key needs: a row that has this one has those before it.
    private var lastColumn: Int?
    /// Rows that end with their word, and are filled up with zeroes.
    private var arena = PlainArray<UInt64>()
    var entries = PlainArray<Entry>()
    /// The second counts, of the first entries; empty if there are none.
    private var nextCounts = PlainArray<UInt32>()
    private var unused = PlainArray<UInt32>()
    var slots = HashSlots()
    var touched = PlainArray<UInt32>()
    /// The rows that calls under way would bring or take away.
    var foreseen = PlainArray<UInt32>()
    /// The rows that came and went with the message, in the order in which they were first touched. Those that went are readable
    /// until ``discard()``.
    private(set) var inserted = PlainArray<UInt32>()
    private(set) var deleted = PlainArray<UInt32>()
    /// For each row that went the one that has its primary key now, or ``none``.
    private(set) var successors = PlainArray<UInt32>()
    /// Rows of which nothing is known any more: those that went, and those that came and went.
    private var gone = PlainArray<UInt32>()
    private var deadWords = 0
    /// Too many rows have the same key.
    private var isCrowded = false
    /// How many rows are seen.
    private(set) var count = 0

    /// No row.
    static let none = UInt32.max

    /// So many rows of one key are looked through; with more it is no key.
    private static let crowd = 32

    init(hash: RowHash) {
        self.hash = hash
        identity = KeyShape(wholeRowsOf: layout, hash: hash)
    }

    /// How many bytes the seen rows, and those that are not seen yet, take in memory.
    var rowBytes: Int { (arena.count - deadWords) * 8 }

    /// The bytes that are reserved for rows and for finding them.
    var reservedBytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride + arena.capacity * 8 + slots.reservedBytes
            + nextCounts.capacity * 4
    }

    /// The numbers of rows are below.
    var numberLimit: Int { entries.count }

    /// Whether rows are found by their primary key.
    var isKeyed: Bool { !identity.isWholeRow }

    // MARK: Describing

    /// Says where columns lie, which of them tell rows apart, and which one every row must have.
    mutating func describe(_ layout: RowLayout, key: [Int], lastColumn: Int?) {
        self.layout = layout
        self.lastColumn = lastColumn
        find(by: KeyShape(columns: key, layout: layout, hash: hash))
    }

    /// Finds rows in another way. If a row has no such key, all are found by their bytes.
    private mutating func find(by shape: KeyShape) {
        identity = shape
        isCrowded = false
        slots.removeAll()
        for number in 0..<entries.count where entries[number].flags.contains(.isUsed) {
            guard let hash = identity.hash(of: bytes(of: UInt32(number))) else { return findByBytes() }
            // Those that there are differ.
            if case .free(let place) = slots.find(hash, { _ in false }) {
                slots.insert(UInt32(number), hash, at: place)
            }
        }
    }

    @inline(never) private mutating func findByBytes() { find(by: KeyShape(wholeRowsOf: layout, hash: hash)) }

    // MARK: Counting

    /// The hash by which a row is found; nil for one that is too short to be one of the table's.
    @inline(__always)
    func identityHash(_ row: UnsafeRawBufferPointer) -> UInt32? { identity.hash(of: row) }

    /// Makes room for rows that are about to come, so that adding them moves nothing.
    @inline(__always)
    mutating func reserve(rows: Int, bytes: Int) {
        if isCrowded { findByBytes() }
        entries.reserve(rows)
        slots.reserve(rows)
        arena.reserve(bytes / 8 + rows)
    }

    /// One more query delivers the row. False if it ends before a column that it must have.
    @inline(__always)
    mutating func retain(_ row: UnsafeRawBufferPointer, _ hash: UInt32, in generation: Generation) -> Bool {
        var alike = 0
        switch slots.find(hash, { isSame(row, $0, &alike) }) {
        case .found(let number, _):
            touch(number)
            change(number, generation, by: 1)
        case .free(let place):
            if let lastColumn, layout.range(of: lastColumn, in: row) == nil { return false }
            if alike > Self.crowd { isCrowded = true }
            let number = add(row, hash, place)
            touch(number)
            change(number, generation, by: 1)
        }
        return true
    }

    /// One query less delivers the row. False if none did.
    @inline(__always)
    mutating func release(_ row: UnsafeRawBufferPointer, _ hash: UInt32, in generation: Generation) -> Bool {
        var alike = 0
        guard case .found(let number, _) = slots.find(hash, { isSame(row, $0, &alike) }) else { return false }
        guard (generation == .current ? entries[Int(number)].count : nextCount(number)) > 0 else { return false }
        touch(number)
        change(number, generation, by: -1)
        return true
    }

    /// Whether an entry has these bytes.
    @inline(__always)
    func isSame(_ row: UnsafeRawBufferPointer, _ number: UInt32, _ alike: inout Int) -> Bool {
        // Another row with the same hash is most often one of the same key.
        alike &+= 1
        return equal(row, bytes(of: number))
    }

    mutating func add(_ row: UnsafeRawBufferPointer, _ hash: UInt32, _ place: Int) -> UInt32 {
        let words = (row.count + 7) / 8
        precondition(arena.count + words <= Int(UInt32.max), "a table of a cache holds at most 32 GB of rows")
        let entry = Entry(place: UInt32(arena.count), byteCount: UInt32(row.count))
        let target = arena.extend(by: words)
        if let source = row.baseAddress, words > 0 {
            // There is room for so many words, of which the row fills all but the end of the last one.
            target[words - 1] = 0
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: row.count)
        }
        let number: UInt32
        if let free = unused.popLast() {
            number = free
            entries[Int(free)] = entry
        } else {
            precondition(entries.count < HashSlots.limit, "a table of a cache holds at most \(HashSlots.limit) rows")
            number = UInt32(entries.count)
            entries.append(entry)
        }
        slots.insert(number, hash, at: place)
        return number
    }

    @inline(__always)
    mutating func touch(_ number: UInt32) {
        let entry = entries[Int(number)]
        guard !entry.flags.contains(.isTouched) else { return }
        var flags = entry.flags.union(.isTouched)
        if entry.isSeen { flags.formUnion(.wasSeen) }
        if entry.count > 0 { flags.formUnion(.wasConfirmed) }
        entries[Int(number)].flags = flags
        touched.append(number)
    }

    @inline(__always)
    private mutating func change(_ number: UInt32, _ generation: Generation, by step: Int32) {
        // More than four billion queries that deliver one row would need as many rows in messages.
        switch generation {
        case .current: entries[Int(number)].count = entries[Int(number)].count &+ UInt32(bitPattern: step)
        case .next: changeNext(number, by: step)
        }
    }

    // MARK: Generations

    private mutating func changeNext(_ number: UInt32, by step: Int32) {
        while nextCounts.count <= Int(number) { nextCounts.append(0) }
        nextCounts[Int(number)] = nextCounts[Int(number)] &+ UInt32(bitPattern: step)
    }

    private func nextCount(_ number: UInt32) -> UInt32 {
        Int(number) < nextCounts.count ? nextCounts[Int(number)] : 0
    }

    /// What the next generation holds is what there is from now on. The difference is told by ``finish()``.
    mutating func takeNext() {
        for number in 0..<UInt32(entries.count) where entries[Int(number)].flags.contains(.isUsed) {
            touch(number)
            entries[Int(number)].count = nextCount(number)
        }
        nextCounts.removeAll()
    }

    /// Forgets what the next generation holds.
    mutating func dropNext() {
        for number in 0..<UInt32(nextCounts.count) where nextCounts[Int(number)] > 0 { touch(number) }
        nextCounts.removeAll()
    }

    // MARK: Telling

    /// Ends a message. What it changed is in ``inserted`` and ``deleted``.
    mutating func finish() {
        for position in 0..<touched.count {
            let number = touched[position]
            let entry = entries[Int(number)]
            let (wasSeen, isSeen) = (entry.flags.contains(.wasSeen), entry.isSeen)
            let kept = entry.flags.intersection(.foreseen).union(.isUsed)
            entries[Int(number)].flags = isSeen && !wasSeen ? kept.union(.isNew) : kept
            if isSeen != wasSeen {
                if isSeen { inserted.append(number) } else { deleted.append(number) }
            }
            if !isSeen, entry.count == 0, nextCount(number) == 0 { gone.append(number) }
        }
        count += inserted.count - deleted.count
        touched.removeAll()
    }

    /// Finds the rows that the message brought in the place of those that it took away: they have the same primary key.
    mutating func pair() {
        for place in 0..<deleted.count {
            // Servers name the rows that came in the order of those that went.
            let guess = place < inserted.count ? inserted[place] : Self.none
            let found = successor(of: deleted[place], guess: guess)
            // Each is named once.
            if found != Self.none { entries[Int(found)].flags.remove(.isNew) }
            successors.append(found)
        }
    }

    private func successor(of row: UInt32, guess: UInt32) -> UInt32 {
        if inserted.isEmpty || !isKeyed { return Self.none }
        let old = bytes(of: row)
        if guess != Self.none, isNew(guess), identity.isEqual(old, bytes(of: guess)) { return guess }
        guard let hash = identityHash(old),
            case .found(let other, _) = slots.find(hash, { isNew($0) && identity.isEqual(old, bytes(of: $0)) })
        else { return Self.none }
        return other
    }

    /// Copies what the message changed, after ``pair()``.
    func tell(_ changes: inout TableChanges) {
        for place in 0..<deleted.count {
            let (old, new) = (deleted[place], successors[place])
            if new == Self.none {
                changes.deleted.append(bytes(of: old))
            } else {
                changes.updated.old.append(bytes(of: old))
                changes.updated.new.append(bytes(of: new))
            }
        }
        for place in 0..<inserted.count where isNew(inserted[place]) {
            changes.inserted.append(bytes(of: inserted[place]))
        }
    }

    /// Whether a row that the message brought is the successor of none.
    @inline(__always)
    func isNew(_ row: UInt32) -> Bool { entries[Int(row)].flags.contains(.isNew) }

    /// The message has been told: lets go of the bytes of rows that went.
    mutating func discard() {
        for position in 0..<gone.count {
            let number = gone[position]
            let entry = entries[Int(number)]
            if let hash = identityHash(bytes(of: number)),
                case .found(_, let place) = slots.find(hash, { $0 == number })
            {
                slots.remove(at: place)
            }
            entries[Int(number)].flags = []
            deadWords += (Int(entry.byteCount) + 7) / 8
            unused.append(number)
        }
        for position in 0..<inserted.count { entries[Int(inserted[position])].flags.remove(.isNew) }
        inserted.removeAll()
        deleted.removeAll()
        successors.removeAll()
        gone.removeAll()
        if deadWords > 8_192, deadWords > arena.count / 2 { squeeze() }
    }

    /// Copies the bytes of the rows that there are into new memory.
    @inline(never) private mutating func squeeze() {
        var smaller = PlainArray<UInt64>()
        smaller.reserve(arena.count - deadWords)
        for number in 0..<entries.count where entries[number].flags.contains(.isUsed) {
            let (place, words) = (Int(entries[number].place), (Int(entries[number].byteCount) + 7) / 8)
            entries[number].place = UInt32(smaller.count)
            smaller.extend(by: words).initialize(from: arena.base + place, count: words)
        }
        arena = smaller
        deadWords = 0
    }

    // MARK: Reading

    /// The bytes of a row that there is, or that has gone and was not discarded yet. They are lent until the store changes.
    @inline(__always)
    func bytes(of number: UInt32) -> UnsafeRawBufferPointer {
        let entry = entries[Int(number)]
        // An entry's bytes were put into the arena, and stay there as long as it is used.
        return UnsafeRawBufferPointer(start: arena.base + Int(entry.place), count: Int(entry.byteCount))
    }

    /// Calls `body` with each row that is seen, in an order that follows from the messages alone, until it returns false.
    func forEach(_ body: (UInt32) -> Bool) {
        for number in 0..<entries.count where entries[number].isSeen { guard body(UInt32(number)) else { return } }
    }

    /// Calls `body` with each row that is seen and has this primary key, by which rows are found, until it returns false.
    func forEach(_ key: [[UInt8]], _ body: (UInt32) -> Bool) {
        guard let hash = identity.hash(of: key) else { return }
        var goesOn = true
        _ = slots.find(hash) { number in
            if entries[Int(number)].isSeen, identity.matches(key, bytes(of: number)) { goesOn = body(number) }
            return !goesOn
        }
    }

    /// How many queries deliver a row.
    func references(_ row: UnsafeRawBufferPointer) -> Int {
        var alike = 0
        guard let hash = identityHash(row), case .found(let number, _) = slots.find(hash, { isSame(row, $0, &alike) })
        else { return 0 }
        return Int(entries[Int(number)].count)
    }
}
