import SpacetimeHost

/// The open scans of a guest, by number - 1. Numbers are used again.
struct GuestIterators {
    private var slots: [GuestRows?] = []
    private var free: [Int] = []

    var count: Int { slots.count - free.count }

    /// - Returns: its number.
    mutating func add(_ rows: GuestRows) -> UInt32 {
        if let slot = free.popLast() {
            slots[slot] = rows
            return UInt32(slot + 1)
        }
        slots.append(rows)
        return UInt32(slots.count)
    }

    subscript(number: UInt32) -> GuestRows? {
        let slot = Int(number) - 1
        return slots.indices.contains(slot) ? slots[slot] : nil
    }

    /// - Returns: false if there is no such scan.
    mutating func remove(_ number: UInt32) -> Bool {
        let slot = Int(number) - 1
        guard slots.indices.contains(slot), slots[slot] != nil else { return false }
        slots[slot] = nil
        free.append(slot)
        return true
    }

    mutating func removeAll() {
        if slots.isEmpty { return }
        slots.removeAll(keepingCapacity: true)
        free.removeAll(keepingCapacity: true)
    }
}
