import CPrefetch

/// The places of an open-addressing table: each holds the hash of an entry and its number, or nothing. What the entries are
/// is the owner's affair, who also compares them.
///
/// The hash in the place tells most unequal entries apart without a look at them, and is all that growing and closing gaps
/// need.
struct HashSlots: ~Copyable {
    /// `hash << 32 | number + 1`, and 0 where nothing is. A power of two of them, at most three quarters in use.
    private var slots: UnsafeMutablePointer<UInt64>
    private var mask: Int
    private(set) var count = 0

    init() {
        slots = Self.empty(8)
        mask = 7
    }

    deinit { slots.deallocate() }

    /// The most entries there can be: ``KeyIndex`` needs a bit of their numbers.
    static var limit: Int { Int(Int32.max) }

    var reservedBytes: Int { (mask + 1) * MemoryLayout<UInt64>.stride }

    private static func empty(_ size: Int) -> UnsafeMutablePointer<UInt64> {
        let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
        slots.initialize(repeating: 0, count: size)
        return slots
    }

    /// Where a search came to an end.
    enum Place {
        /// An equal entry.
        case found(UInt32, at: Int)
        /// No entry is equal; a new one belongs here.
        case free(at: Int)
    }

    /// Has the memory come closer where a search for this hash begins.
    @inline(__always)
    func prefetch(_ hash: UInt32) { spacetime_prefetch_for_writing(slots + (Int(truncatingIfNeeded: hash) & mask)) }

    /// The number of the entry where a search for this hash begins, if the hash is the same: most often the one that is looked for.
    @inline(__always)
    func firstGuess(_ hash: UInt32) -> UInt32? {
        // The mask keeps the place inside.
        let slot = slots[Int(truncatingIfNeeded: hash) & mask]
        return slot != 0 && UInt32(truncatingIfNeeded: slot >> 32) == hash ? UInt32(truncatingIfNeeded: slot) &- 1 : nil
    }

    /// Looks for the entry with this hash of which `isEqual` says so.
    @inline(__always)
    func find(_ hash: UInt32, _ isEqual: (UInt32) -> Bool) -> Place {
        // The mask keeps the place inside, and a quarter of the places is free: the search ends.
        var index = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[index]
            if slot == 0 { return .free(at: index) }
            if UInt32(truncatingIfNeeded: slot >> 32) == hash {
                let number = UInt32(truncatingIfNeeded: slot) &- 1
                if isEqual(number) { return .found(number, at: index) }
            }
            index = (index &+ 1) & mask
        }
    }

    /// Puts an entry where ``find(_:_:)`` found none, with nothing having changed since.
    @inline(__always)
    mutating func insert(_ number: UInt32, _ hash: UInt32, at index: Int) {
        slots[index] = UInt64(hash) << 32 | UInt64(number &+ 1)
        count &+= 1
        if count &* 4 > (mask &+ 1) &* 3 { resize(to: (mask + 1) * 2) }
    }

    /// Puts another entry of the same hash in the place of one.
    mutating func replace(_ number: UInt32, _ hash: UInt32, at index: Int) {
        slots[index] = UInt64(hash) << 32 | UInt64(number &+ 1)
    }

    /// Takes an entry out, and moves those up that had to step aside for it.
    mutating func remove(at index: Int) {
        var gap = index
        var next = (gap &+ 1) & mask
        while slots[next] != 0 {
            let home = Int(truncatingIfNeeded: slots[next] >> 32) & mask
            // It may move if its home is not between the gap, exclusive, and where it is.
            if (next &- home) & mask >= (next &- gap) & mask {
                slots[gap] = slots[next]
                gap = next
            }
            next = (next &+ 1) & mask
        }
        slots[gap] = 0
        count &-= 1
    }

    /// Makes room for more entries at once.
    mutating func reserve(_ additional: Int) {
        var size = mask + 1
        while (count + additional) * 4 > size * 3 { size *= 2 }
        if size > mask + 1 { resize(to: size) }
    }

    /// Takes all entries out.
    mutating func removeAll() {
        slots.update(repeating: 0, count: mask + 1)
        count = 0
    }

    @inline(never) private mutating func resize(to size: Int) {
        let larger = Self.empty(size)
        let newMask = size - 1
        for place in 0...mask where slots[place] != 0 {
            let slot = slots[place]
            var index = Int(truncatingIfNeeded: slot >> 32) & newMask
            while larger[index] != 0 { index = (index &+ 1) & newMask }
            larger[index] = slot
        }
        slots.deallocate()
        slots = larger
        mask = newMask
    }
}
