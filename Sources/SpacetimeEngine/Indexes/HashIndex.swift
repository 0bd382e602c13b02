// Memory safety. Own memory: the slots are allocated zeroed and freed with their size. Lent buffers: hashed bytes are
// read up to their count.

/// A hash table from 32-bit hashes to rows: an open-addressed array of 8-byte slots, kept sorted by hash.
///
/// A slot is `hash << 32 | row + 1`, 0 when empty. A hash's home slot is `hash * capacity >> 32`, which grows with the
/// hash; entries sit at their home or behind it in hash order. Therefore a look-up ends at the first larger hash, and
/// growing is one sequential pass that reads no row. The array has a tail behind the last home, so nothing wraps.
///
/// The keys themselves are in the rows: the caller compares them when hashes are equal. Load stays at or below 4/5 and
/// capacity grows by half, so an entry costs 10 to 15 bytes. When entries are taken out, the table shrinks at a load of
/// 2/5, an entry then costs at most 20 bytes.
struct HashIndex: ~Copyable {
    private(set) var slots: Elements<UInt64>
    private(set) var capacity: Int
    private var slotCount: Int
    private(set) var count = 0

    init() {
        capacity = 12
        slotCount = Self.slotCount(capacity)
        slots = Self.allocate(slotCount)
    }

    deinit { unsafe freeZeroed(slots.address, byteCount: byteCount) }

    var byteCount: Int { slotCount * 8 }

    /// Smaller ones stay as they are.
    private static let smallestShrinking = 512

    private static func slotCount(_ capacity: Int) -> Int { capacity + 64 + capacity / 64 }

    private static func allocate(_ count: Int) -> Elements<UInt64> {
        unsafe Elements(at: allocateZeroed(byteCount: count * 8), count: count)
    }

    @inline(__always)
    func home(_ hash: UInt32) -> Int { Int((UInt64(hash) &* UInt64(truncatingIfNeeded: capacity)) >> 32) }

    /// Asks for the slots that a look-up reads first.
    @inline(__always)
    func prefetch(_ hash: UInt32) { slots.prefetch(home(hash)) }

    /// Looks for a row with that hash for which `isMatch` holds.
    @inline(__always)
    func find(_ hash: UInt32, _ isMatch: (RowID) -> Bool) -> RowID? {
        // How far from its home an entry sits cannot be predicted, and a wrong guess costs as much as the rest of the
        // look-up: so the first four slots are compared without a branch. The tail makes them readable.
        let home = home(hash)
        let wanted = UInt64(hash)
        var matches = slots[home] &>> 32 == wanted ? 1 : 0
        matches |= slots[home &+ 1] &>> 32 == wanted ? 2 : 0
        matches |= slots[home &+ 2] &>> 32 == wanted ? 4 : 0
        matches |= slots[home &+ 3] &>> 32 == wanted ? 8 : 0
        if matches != 0 {
            let slot = slots[home &+ matches.trailingZeroBitCount]
            // An empty slot looks like one of hash 0.
            if slot != 0 {
                let row = RowID(UInt32(truncatingIfNeeded: slot) &- 1)
                if isMatch(row) { return row }
            }
            return findFurther(hash, from: home, isMatch)
        }
        let last = slots[home &+ 3]
        if last == 0 || last &>> 32 > wanted { return nil }
        return findFurther(hash, from: home &+ 4, isMatch)
    }

    @inline(never)
    private func findFurther(_ hash: UInt32, from start: Int, _ isMatch: (RowID) -> Bool) -> RowID? {
        var position = start
        while true {
            let slot = slots[position]
            let slotHash = UInt32(truncatingIfNeeded: slot >> 32)
            if slotHash == hash, slot != 0 {
                let row = RowID(UInt32(truncatingIfNeeded: slot) &- 1)
                if isMatch(row) { return row }
            } else if slot == 0 || slotHash > hash {
                return nil
            }
            position &+= 1
        }
    }

    static func slot(_ hash: UInt32, _ row: RowID) -> UInt64 { UInt64(hash) << 32 | UInt64(row.rawValue &+ 1) }

    /// Adds rows by slots that are in the order of their hashes. None of them is there. Into an empty index they go one
    /// behind the other.
    mutating func enter(_ sorted: UnsafeBufferPointer<UInt64>) {
        reserve(count + sorted.count)
        if count == 0 {
            while unsafe !tryFill(sorted) { grow() }
            count = sorted.count
        } else {
            for number in sorted.indices {
                let slot = unsafe sorted[number]
                insert(UInt32(truncatingIfNeeded: slot >> 32), RowID(UInt32(truncatingIfNeeded: slot) &- 1))
            }
        }
    }

    /// False, and the index is empty as before, if the tail is full.
    private mutating func tryFill(_ sorted: UnsafeBufferPointer<UInt64>) -> Bool {
        var position = 0
        for number in sorted.indices {
            let slot = unsafe sorted[number]
            position = max(position, home(UInt32(truncatingIfNeeded: slot >> 32)))
            // The last slot stays empty: it ends every look-up.
            guard position < slotCount - 1 else {
                for i in 0..<slotCount where number > 0 { slots[i] = 0 }
                return false
            }
            slots[position] = slot
            position += 1
        }
        return true
    }

    /// Adds a row. The caller made sure that it is not there.
    mutating func insert(_ hash: UInt32, _ row: RowID) {
        if (count &+ 1) &* 5 > capacity &* 4 { grow() }
        while !place(Self.slot(hash, row)) { grow() }
        count &+= 1
    }

    /// Makes room for so many rows in all.
    mutating func reserve(_ total: Int) {
        if total &* 5 > capacity &* 4 { rebuild(capacity: total + total / 4 + 12) }
    }

    /// Puts an entry at its place and moves what follows one slot on; false if the tail is full.
    @inline(__always)
    private mutating func place(_ entry: UInt64) -> Bool {
        var position = home(UInt32(truncatingIfNeeded: entry >> 32))
        while slots[position] != 0, slots[position] >> 32 <= entry >> 32 { position &+= 1 }
        var carried = entry
        while true {
            let slot = slots[position]
            // The last slot stays empty: it ends every look-up.
            if position &+ 1 >= slotCount { return undoPlace(carried, entry) }
            slots[position] = carried
            if slot == 0 { return true }
            carried = slot
            position &+= 1
        }
    }

    /// Takes back a shift that ran into the end: the entry `lost` fell off, so everything behind `entry` moves back.
    @inline(never)
    private mutating func undoPlace(_ lost: UInt64, _ entry: UInt64) -> Bool {
        var position = slotCount - 2
        var carried = lost
        while carried != entry {
            swap(&slots[position], &carried)
            position -= 1
        }
        return false
    }

    /// Removes a row. Returns false if it is not there.
    @discardableResult
    mutating func remove(_ hash: UInt32, _ row: RowID) -> Bool {
        let entry = Self.slot(hash, row)
        var position = home(hash)
        while slots[position] != entry {
            if slots[position] == 0 || slots[position] >> 32 > UInt64(hash) { return false }
            position &+= 1
        }
        // Entries behind move up by one until one sits at its home or nothing is left.
        while true {
            let next = slots[position &+ 1]
            if next == 0 || home(UInt32(truncatingIfNeeded: next >> 32)) == position &+ 1 { break }
            slots[position] = next
            position &+= 1
        }
        slots[position] = 0
        count &-= 1
        // A quarter of the entries has to go between growing and shrinking, and between two shrinkings a third.
        if capacity > Self.smallestShrinking, count &* 5 < capacity &* 2 {
            rebuild(capacity: max(12, count + count * 3 / 5))
        }
        return true
    }

    @inline(never)
    private mutating func grow() { rebuild(capacity: capacity + capacity / 2) }

    private mutating func rebuild(capacity newCapacity: Int) {
        var next = newCapacity
        while !tryRebuild(capacity: next) { next += next / 2 }
    }

    private mutating func tryRebuild(capacity newCapacity: Int) -> Bool {
        let newSlotCount = Self.slotCount(newCapacity)
        let new = Self.allocate(newSlotCount)
        var position = 0
        for i in 0..<slotCount {
            let slot = slots[i]
            if slot == 0 { continue }
            let home = Int(((slot >> 32) &* UInt64(newCapacity)) >> 32)
            position = max(position, home)
            guard position < newSlotCount - 1 else {
                unsafe freeZeroed(new.address, byteCount: newSlotCount * 8)
                return false
            }
            new[position] = slot
            position += 1
        }
        unsafe freeZeroed(slots.address, byteCount: byteCount)
        slots = new
        capacity = newCapacity
        slotCount = newSlotCount
        return true
    }
}

/// Mixes a 64-bit key into a 32-bit hash: multiply, fold the halves, multiply again.
@inline(__always)
func hashInteger(_ key: UInt64, seed: UInt64) -> UInt32 {
    let product = (key ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    let folded = (product.high ^ product.low) &* 0xD6E8_FEB8_6659_FD93
    return UInt32(truncatingIfNeeded: folded >> 32)
}

/// Hashes bytes, eight at a time, by folded multiplication.
func hashBytes(_ bytes: UnsafeRawBufferPointer, state: UInt64) -> UInt64 {
    var state = state ^ (UInt64(truncatingIfNeeded: bytes.count) &* 0xA076_1D64_78BD_642F)
    var index = 0
    while index &+ 8 <= bytes.count {
        state = unsafe fold(state ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        index &+= 8
    }
    if index < bytes.count {
        var rest: UInt64 = 0
        for i in index..<bytes.count { unsafe rest |= UInt64(bytes[i]) << UInt64((i &- index) &* 8) }
        state = fold(state ^ rest)
    }
    return state
}

@inline(__always)
private func fold(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return (product.high ^ product.low) &+ 0xE703_7ED1_A0B4_28DB
}

@inline(__always)
func finishHash(_ state: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: (state &* 0xD6E8_FEB8_6659_FD93) >> 32) }
