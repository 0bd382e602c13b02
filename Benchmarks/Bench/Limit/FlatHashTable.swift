/// Positions by key: open addressing, linear probing, a multiplicative hash, at most half full, nothing is removed.
///
/// This is what the hand-written programs of the `limit` system use where a database has a hash index.
struct FlatHashTable: ~Copyable {
    private var slots: UnsafeMutablePointer<Slot>
    private var shift: UInt64
    private var capacity: Int
    private(set) var count = 0

    private struct Slot {
        var key: UInt64
        /// One more than the position; 0 for an empty slot.
        var position: UInt64
    }

    init(minimumCapacity: Int = 16) {
        capacity = 16
        while capacity < minimumCapacity * 2 { capacity *= 2 }
        shift = UInt64(64 - capacity.trailingZeroBitCount)
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(key: 0, position: 0), count: capacity)
    }

    deinit { slots.deallocate() }

    /// The position stored under the key, or nil.
    @inline(__always)
    func position(of key: UInt64) -> Int? {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while true {
            let entry = slots[slot]
            if entry.position == 0 { return nil }
            if entry.key == key { return Int(truncatingIfNeeded: entry.position &- 1) }
            slot = (slot &+ 1) & (capacity &- 1)
        }
    }

    /// Stores a position under a key; false if the key is there already.
    @inline(__always)
    mutating func insert(_ key: UInt64, position: Int) -> Bool {
        if (count + 1) * 2 > capacity { grow() }
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while slots[slot].position != 0 {
            if slots[slot].key == key { return false }
            slot = (slot &+ 1) & (capacity &- 1)
        }
        slots[slot] = Slot(key: key, position: UInt64(position) &+ 1)
        count &+= 1
        return true
    }

    @inline(never)
    private mutating func grow() {
        var larger = FlatHashTable(minimumCapacity: capacity)
        for slot in 0..<capacity where slots[slot].position != 0 {
            _ = larger.insert(slots[slot].key, position: Int(slots[slot].position - 1))
        }
        swap(&self, &larger)
    }
}
