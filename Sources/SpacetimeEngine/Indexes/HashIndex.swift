// Memory safety. Own memory: slots are freed when the index goes or has others. Lent buffers: hashed bytes are read up to
// their count.

/// A hash table from 32-bit hashes to rows: see ``HashSlots`` for how it looks.
///
/// The keys themselves are in the rows: the caller compares them when hashes are equal. Load stays at or below 4/5 and
/// capacity grows by half, so an entry costs 10 to 15 bytes. When entries are taken out, the table shrinks at a load of
/// 2/5, an entry then costs at most 20 bytes.
///
/// To grow and to shrink is to move all entries to another array. Each insert and each removal moves a few: see ``HashMove``.
struct HashIndex: ~Copyable {
    /// All entries; none while they are moved. It has no capacity then, so that look-ups, which most often find what they look
    /// for, have to ask whether that is so only when they found nothing.
    private var slots: HashSlots
    /// Set while entries are moved. Behind a pointer, since a look-up would copy the whole index first to hand it to a
    /// function of its own.
    private(set) var move: Ref<HashMove>?
    private(set) var count = 0
    /// With so many entries, an insert has to do more than to put its entry at its place.
    private var growingCount = 0
    /// The same for a removal: with so many entries left, or fewer.
    private var shrinkingCount = 0

    init() {
        slots = HashSlots(capacity: 12)
        setLimits()
    }

    deinit {
        slots.free()
        if let move {
            move.value.free()
            move.destroy()
        }
    }

    var byteCount: Int { slots.byteCount + (move?.value.byteCount ?? 0) }

    /// Smaller ones stay as they are.
    private static let smallestShrinking = 512
    /// Arrays of no more slots are left in one go: a microsecond.
    private static let slotsInOneGo = 256

    /// The arrays that have entries, with the positions of the first, in the order of their hashes.
    var parts: [(slots: HashSlots, start: Int)] {
        if let move = move?.value { [(move.to, 0), (move.from, move.position)] } else { [(slots, 0)] }
    }

    private mutating func setLimits() {
        growingCount = slots.capacity * 4 / 5
        // A quarter of the entries has to go between growing and shrinking, and between two shrinkings a third.
        shrinkingCount = slots.capacity > Self.smallestShrinking ? (slots.capacity * 2 - 1) / 5 : -1
    }

    /// Asks for the slots that a look-up reads first.
    @inline(__always)
    func prefetch(_ hash: UInt32) {
        if slots.capacity == 0, let move { move.value.slots(for: hash).prefetch(hash) } else { slots.prefetch(hash) }
    }

    /// Looks for a row with that hash for which `isMatch` holds.
    @inline(__always)
    func find(_ hash: UInt32, _ isMatch: (RowID) -> Bool) -> RowID? {
        if let row = slots.find(hash, isMatch) { return row }
        if slots.capacity == 0, let move { return Self.find(hash, in: move, isMatch) }
        return nil
    }

    @inline(never)
    private static func find(_ hash: UInt32, in move: Ref<HashMove>, _ isMatch: (RowID) -> Bool) -> RowID? {
        move.value.slots(for: hash).find(hash, isMatch)
    }

    /// Adds a row. The caller made sure that it is not there.
    mutating func insert(_ hash: UInt32, _ row: RowID) {
        let entry = HashSlots.slot(hash, row)
        if count >= growingCount || !slots.place(entry) { makeRoom(entry) }
        count &+= 1
    }

    /// Adds an entry to a table that is full or whose entries are moved.
    @inline(never)
    private mutating func makeRoom(_ entry: UInt64) {
        if move == nil, count >= growingCount { resize(toCapacity: slots.capacity + slots.capacity / 2) }
        advance()
        let hash = HashSlots.hash(entry)
        while !(move?.value.slots(for: hash) ?? slots).place(entry) { enlarge() }
    }

    /// Removes a row. Returns false if it is not there.
    @discardableResult
    mutating func remove(_ hash: UInt32, _ row: RowID) -> Bool {
        let entry = HashSlots.slot(hash, row)
        if !slots.remove(entry) { return slots.capacity == 0 && removeMoving(entry) }
        count &-= 1
        if count <= shrinkingCount { shrink() }
        return true
    }

    @inline(never)
    private mutating func removeMoving(_ entry: UInt64) -> Bool {
        guard let move, move.value.slots(for: HashSlots.hash(entry)).remove(entry) else { return false }
        count &-= 1
        advance()
        return true
    }

    @inline(never)
    private mutating func shrink() { resize(toCapacity: max(12, count + count * 3 / 5)) }

    // MARK: Moving

    /// Leaves the array for one of another capacity: at once if it is small, else bit by bit.
    private mutating func resize(toCapacity capacity: Int) {
        if slots.count <= Self.slotsInOneGo { return rebuild(capacity: capacity) }
        move = Ref(HashMove(from: slots, toCapacity: capacity))
        slots = .none()
        // Each insert has to know; removals notice by themselves that their entry is not there.
        growingCount = 0
        shrinkingCount = -1
    }

    /// Moves the next entries, if any are to be moved.
    private mutating func advance() {
        guard let move else { return }
        switch move.value.advance() {
        case .unfinished: break
        case .finished: replaceSlots(by: move.value.to)
        case .full: enlarge()
        }
    }

    /// The last entry has gone to an array.
    private mutating func replaceSlots(by new: HashSlots) {
        slots.free()
        if let move {
            let (from, to, released) = (move.value.from, move.value.to, move.value.released)
            from.free(released: released)
            if unsafe to.slots.address != new.slots.address { to.free() }
            move.destroy()
        }
        move = nil
        slots = new
        setLimits()
    }

    /// Makes a larger array in one go, since there is no room in the tail of one for an entry. That takes about a hundred
    /// entries with the same or the largest hashes, and hashes are seeded.
    @inline(never)
    private mutating func enlarge() {
        let capacity = (move?.value.to ?? slots).capacity
        rebuild(capacity: capacity + capacity / 2)
    }

    private mutating func rebuild(capacity newCapacity: Int) {
        var capacity = newCapacity
        while true {
            let new = HashSlots(capacity: capacity)
            var end = 0
            if parts.allSatisfy({ new.append($0.slots, from: $0.start, &end) }) { return replaceSlots(by: new) }
            new.free()
            capacity += capacity / 2
        }
    }

    // MARK: Many at once

    /// Makes room for so many rows in all, in one go.
    mutating func reserve(_ total: Int) {
        let capacity = (move?.value.to ?? slots).capacity
        if move != nil || total &* 5 > capacity &* 4 { rebuild(capacity: max(capacity, total + total / 4 + 12)) }
    }

    /// Adds rows by slots that are in the order of their hashes. None of them is there. Into an empty index they go one
    /// behind the other.
    mutating func enter(_ sorted: UnsafeBufferPointer<UInt64>) {
        reserve(count + sorted.count)
        if count == 0 {
            while unsafe !tryFill(sorted) { enlarge() }
            count = sorted.count
        } else {
            for number in sorted.indices {
                let slot = unsafe sorted[number]
                insert(HashSlots.hash(slot), HashSlots.row(slot))
            }
        }
    }

    /// False, and the index is empty as before, if the tail is full.
    private func tryFill(_ sorted: UnsafeBufferPointer<UInt64>) -> Bool {
        var end = 0
        for number in sorted.indices where unsafe !slots.append(sorted[number], &end) {
            for i in 0..<slots.count { slots.slots[i] = 0 }
            return false
        }
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
