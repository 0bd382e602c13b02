// Memory safety. Own memory: what is given back early lies before the home of every entry that is still looked for there.

/// The moving of the entries of a hash index to a larger or a smaller array, a few at a time.
///
/// To move all at once takes 10 ms for a million entries, for which whoever adds or removes one would have to wait. Since both
/// arrays are sorted by hash, a single hash tells which entries have been moved: all those below it. They are where they would
/// be in the new array if it had no others, and the others are where they are in the old one. So an entry is looked for in
/// one array only, and one that is added or removed in between is so where it belongs.
///
/// What was moved is left in the old array as it is. A look-up there passes over it, as it has smaller hashes, and so does a
/// new entry: without it there would be gaps between entries and their homes.
struct HashMove: BitwiseCopyable {
    let from: HashSlots
    let to: HashSlots
    /// Entries with smaller hashes have been moved.
    private(set) var bound: UInt64 = 0
    /// The slot of the old array that is next. Every entry that was not moved is there or behind, and so is the place of
    /// whatever is added with a hash that is not below the bound.
    private(set) var position = 0
    /// Bytes that were given back of the old array, from its start.
    private(set) var released = 0

    /// So many slots of the old array are gone through at a time, and more only where they have one hash. With these many the
    /// last entry is moved before the old array is noticeably fuller, and a step takes as long as a few inserts.
    static let slotsAtOnce = 64

    init(from: HashSlots, toCapacity capacity: Int) {
        self.from = from
        to = HashSlots(capacity: capacity)
    }

    enum Outcome {
        case unfinished, finished
        /// The new array cannot take the next entry.
        case full
    }

    /// The array in which a hash belongs.
    @inline(__always)
    func slots(for hash: UInt32) -> HashSlots { UInt64(hash) < bound ? to : from }

    /// Bytes that both arrays take. Of a large one the system has not given yet what no entry was moved to.
    var byteCount: Int {
        let reached = to.byteCount < hugePageByteCount ? to.byteCount : position * to.count / from.count * 8
        return from.byteCount - released + min(to.byteCount, reached + hugePageByteCount)
    }

    func free() {
        from.free(released: released)
        to.free()
    }

    /// Moves the next entries.
    mutating func advance() -> Outcome {
        let end = position + Self.slotsAtOnce
        var filled = 0
        var last: UInt64?
        while true {
            let slot = from.slots[position]
            if slot == 0 {
                // What follows an empty slot has its home behind it.
                if position >= from.capacity { return .finished }
                if position >= end {
                    bound = from.leastHash(from: position)
                    break
                }
            } else {
                let hash = slot >> 32
                // Entries of one hash stay together.
                if position >= end, hash != last {
                    bound = hash
                    break
                }
                if !to.append(slot, &filled) { return .full }
                last = hash
            }
            position &+= 1
        }
        release()
        return .unfinished
    }

    /// Gives back what no look-up reads any more of a large array. Otherwise both would be there as a whole, and the last step
    /// would have to give back all of it.
    private mutating func release() {
        guard from.byteCount >= hugePageByteCount else { return }
        let unread = from.home(UInt32(truncatingIfNeeded: bound)) * 8
        guard unread - released >= hugePageByteCount else { return }
        let end = unread & ~(hugePageByteCount - 1)
        unsafe freeZeroedPart(from.slots.address + released, byteCount: end - released)
        released = end
    }
}
