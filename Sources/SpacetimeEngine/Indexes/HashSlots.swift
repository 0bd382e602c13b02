// Memory safety. Own memory: whoever allocates slots frees them, once. Those of which a part is given back early are not
// read there any more.

/// The array of a ``HashIndex``: open-addressed slots of 8 bytes, kept sorted by hash.
///
/// A slot is `hash << 32 | row + 1`, 0 when empty. A hash's home slot is `hash * capacity >> 32`, which grows with the
/// hash; entries sit at their home or behind it in hash order. Therefore a look-up ends at the first larger hash, and
/// an array can be filled from another one without reading a row. There is a tail behind the last home, so nothing wraps.
struct HashSlots: BitwiseCopyable {
    let slots: Elements<UInt64>
    let capacity: Int
    /// Slots, those of the tail among them.
    let count: Int

    init(capacity: Int) {
        self.capacity = capacity
        count = capacity + 64 + capacity / 64
        slots = unsafe Elements(at: allocateZeroed(byteCount: count * 8), count: count)
    }

    /// Slots in which nothing is found and nothing has room: what a look-up compares is there.
    private init() {
        capacity = 0
        count = 4
        slots = unsafe Elements(at: allocateZeroed(byteCount: 4 * 8), count: 4)
    }

    static func none() -> HashSlots { HashSlots() }

    var byteCount: Int { count * 8 }

    /// - Parameter released: bytes from the start that were given back before.
    func free(released: Int = 0) { unsafe freeZeroed(slots.address, byteCount: byteCount, released: released) }

    @inline(__always)
    func home(_ hash: UInt32) -> Int { Int((UInt64(hash) &* UInt64(truncatingIfNeeded: capacity)) >> 32) }

    /// The least hash whose home is not before a position.
    func leastHash(from position: Int) -> UInt64 {
        let position = UInt64(position)
        let (hash, rest) = UInt64(capacity).dividingFullWidth((position >> 32, position << 32))
        return rest == 0 ? hash : hash + 1
    }

    static func slot(_ hash: UInt32, _ row: RowID) -> UInt64 { UInt64(hash) << 32 | UInt64(row.rawValue &+ 1) }

    @inline(__always)
    static func hash(_ slot: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: slot &>> 32) }

    @inline(__always)
    static func row(_ slot: UInt64) -> RowID { RowID(UInt32(truncatingIfNeeded: slot) &- 1) }

    // MARK: Looking

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
                let row = Self.row(slot)
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
            let slotHash = Self.hash(slot)
            if slotHash == hash, slot != 0 {
                let row = Self.row(slot)
                if isMatch(row) { return row }
            } else if slot == 0 || slotHash > hash {
                return nil
            }
            position &+= 1
        }
    }

    // MARK: Changing

    /// Puts an entry at its place and moves what follows one slot on; false if the tail is full.
    @inline(__always)
    func place(_ entry: UInt64) -> Bool {
        var position = home(Self.hash(entry))
        while slots[position] != 0, slots[position] >> 32 <= entry >> 32 { position &+= 1 }
        var carried = entry
        while true {
            let slot = slots[position]
            // The last slot stays empty: it ends every look-up.
            if position &+ 1 >= count { return undoPlace(carried, entry) }
            slots[position] = carried
            if slot == 0 { return true }
            carried = slot
            position &+= 1
        }
    }

    /// Takes back a shift that ran into the end: the entry `lost` fell off, so everything behind `entry` moves back.
    @inline(never)
    private func undoPlace(_ lost: UInt64, _ entry: UInt64) -> Bool {
        var position = count - 2
        var carried = lost
        while carried != entry {
            swap(&slots[position], &carried)
            position -= 1
        }
        return false
    }

    /// Takes an entry out. Returns false if it is not there.
    @inline(__always)
    func remove(_ entry: UInt64) -> Bool {
        var position = home(Self.hash(entry))
        while slots[position] != entry {
            if slots[position] == 0 || slots[position] >> 32 > entry >> 32 { return false }
            position &+= 1
        }
        // Entries behind move up by one until one sits at its home or nothing is left.
        while true {
            let next = slots[position &+ 1]
            if next == 0 || home(Self.hash(next)) == position &+ 1 { break }
            slots[position] = next
            position &+= 1
        }
        slots[position] = 0
        return true
    }

    // MARK: Filling

    /// Adds an entry whose hash is not less than any that is there; false if the tail is full.
    ///
    /// - Parameter end: no entry lies there or behind. Moved on; 0 will do where it is not known.
    @inline(__always)
    func append(_ entry: UInt64, _ end: inout Int) -> Bool {
        var position = max(end, home(Self.hash(entry)))
        // Nothing lies behind the first empty slot: whatever does has its home behind that slot.
        while slots[position] != 0 { position &+= 1 }
        // The last slot stays empty: it ends every look-up.
        guard position &+ 1 < count else { return false }
        slots[position] = entry
        end = position &+ 1
        return true
    }

    /// Adds the entries of another array from a position on, which are not less than any that is there; false if the tail is
    /// full.
    func append(_ other: HashSlots, from start: Int, _ end: inout Int) -> Bool {
        for position in start..<other.count {
            let slot = other.slots[position]
            if slot != 0, !append(slot, &end) { return false }
        }
        return true
    }
}
