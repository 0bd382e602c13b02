extension HashIndex {
    /// Checks the order of the slots and that each entry is reachable from its home; returns the entries.
    func checkedEntries() throws(InvariantViolation) -> [(hash: UInt32, row: RowID)] {
        var entries: [(hash: UInt32, row: RowID)] = []
        let slotCount = byteCount / 8
        var previous: UInt64 = 0
        for position in 0..<slotCount {
            let slot = slots[position]
            guard slot != 0 else { continue }
            let hash = UInt32(truncatingIfNeeded: slot >> 32)
            let home = home(hash)
            try check(slot >> 32 >= previous >> 32, "slot \(position) is out of order")
            try check(home <= position, "slot \(position) lies before its home \(home)")
            try check((home..<position).allSatisfy { slots[$0] != 0 }, "slot \(position) is cut off from \(home)")
            previous = slot
            entries.append((hash, RowID(UInt32(truncatingIfNeeded: slot) &- 1)))
        }
        try check(slotCount > 0 && slots[slotCount - 1] == 0, "the last slot is taken")
        try check(entries.count == count, "\(entries.count) slots are taken, \(count) counted")
        try check(Set(entries.map(\.row)).count == entries.count, "a row has two slots")
        return entries
    }
}
