extension HashIndex {
    /// Checks the order of the slots and that each entry is reachable from its home; returns the entries.
    func checkedEntries() throws(InvariantViolation) -> [(hash: UInt32, row: RowID)] {
        var entries: [(hash: UInt32, row: RowID)] = []
        for part in parts {
            let found = try part.slots.checkedEntries(from: part.start)
            for entry in found {
                let isThere = move?.value.slots(for: entry.hash).capacity ?? part.slots.capacity
                try check(isThere == part.slots.capacity, "an entry is in the array in which it is not looked for")
            }
            entries += found
        }
        try check(entries.count == count, "\(entries.count) slots are taken, \(count) counted")
        try check(Set(entries.map(\.row)).count == entries.count, "a row has two slots")
        return entries
    }
}

extension HashSlots {
    /// - Parameter start: the first slot that counts. Those before are only there to lead to it.
    fileprivate func checkedEntries(from start: Int) throws(InvariantViolation) -> [(hash: UInt32, row: RowID)] {
        var entries: [(hash: UInt32, row: RowID)] = []
        var previous: UInt64 = 0
        for position in start..<count {
            let slot = slots[position]
            guard slot != 0 else { continue }
            let home = home(Self.hash(slot))
            try check(slot >> 32 >= previous >> 32, "slot \(position) is out of order")
            try check(home <= position, "slot \(position) lies before its home \(home)")
            try check((home..<position).allSatisfy { slots[$0] != 0 }, "slot \(position) is cut off from \(home)")
            previous = slot
            entries.append((Self.hash(slot), Self.row(slot)))
        }
        try check(count > 0 && slots[count - 1] == 0, "the last slot is taken")
        return entries
    }
}
