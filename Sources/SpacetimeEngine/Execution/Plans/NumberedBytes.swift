// Memory safety. Own memory: the bytes are kept one behind the other, and entries say where.

/// Different byte strings, numbered in the order in which they came.
///
/// Open addressing; the strings lie in one block. What was there is forgotten at once, and the memory kept.
struct NumberedBytes: ~Copyable {
    struct Entry: BitwiseCopyable {
        var hash: UInt64
        var start: Int
        var count: Int
    }

    private var bytes = Buffer<UInt8>(capacity: 256)
    private var entries = Buffer<Entry>(capacity: 16)
    /// Numbers plus one; 0 where there is none.
    private var slots = Buffer<UInt32>(capacity: 32)

    private static let keptBytes = 1 << 16

    init() { clearSlots(32) }

    var count: Int { entries.count }
    /// What it takes of memory.
    var byteCount: Int { bytes.count + entries.count * MemoryLayout<Entry>.stride + slots.count * 4 }

    subscript(number: Int) -> UnsafeRawBufferPointer {
        let entry = entries[number]
        return unsafe UnsafeRawBufferPointer(rebasing: bytes.bytes[entry.start..<(entry.start + entry.count)])
    }

    mutating func removeAll() {
        if entries.count == 0 { return }
        bytes.removeAll(keeping: Self.keptBytes, orShrinkingTo: 256)
        entries.removeAll(keeping: Self.keptBytes, orShrinkingTo: 16)
        clearSlots(slots.count > 1_024 ? 32 : slots.count)
    }

    private mutating func clearSlots(_ count: Int) {
        slots.removeAll(keeping: max(count, 1_024), orShrinkingTo: count)
        slots.reserve(count)
        for _ in 0..<count { slots.appendReserved(0) }
    }

    /// The number of a byte string; nil if it is not there.
    func number(of key: UnsafeRawBufferPointer) -> Int? {
        let hash = unsafe hashBytes(key, state: 0)
        let slot = slots[unsafe place(of: key, hash)]
        return slot == 0 ? nil : Int(slot) - 1
    }

    /// The number of a byte string, which is added if it is not there.
    mutating func enter(_ key: UnsafeRawBufferPointer) -> (number: Int, isNew: Bool) {
        let hash = unsafe hashBytes(key, state: 0)
        let place = unsafe place(of: key, hash)
        if slots[place] != 0 { return (Int(slots[place]) - 1, false) }
        let number = entries.count
        precondition(number < UInt32.max - 1, "a query keeps more rows than can be numbered")
        entries.append(Entry(hash: hash, start: bytes.count, count: key.count))
        unsafe bytes.append(key)
        slots[place] = UInt32(number) + 1
        if entries.count * 4 > slots.count * 3 { grow() }
        return (number, true)
    }

    private func place(of key: UnsafeRawBufferPointer, _ hash: UInt64) -> Int {
        let mask = slots.count &- 1
        var place = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
        while slots[place] != 0 {
            let number = Int(slots[place]) &- 1
            if entries[number].hash == hash, unsafe equalBytes(self[number], key) { return place }
            place = (place &+ 1) & mask
        }
        return place
    }

    @inline(never)
    private mutating func grow() {
        clearSlots(slots.count * 2)
        let mask = slots.count &- 1
        for number in 0..<entries.count {
            var place = Int(truncatingIfNeeded: entries[number].hash ^ entries[number].hash >> 32) & mask
            while slots[place] != 0 { place = (place &+ 1) & mask }
            slots[place] = UInt32(number) + 1
        }
    }
}
