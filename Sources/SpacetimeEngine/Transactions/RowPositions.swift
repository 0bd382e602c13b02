/// Finds rows among many: where each is in a list of its owner, under a hash of the row's place.
///
/// Open addressing. The list itself says which row an entry is of.
struct RowPositions {
    private var slots: [Int32] = []

    /// Forgets everything, and makes room for so many rows.
    mutating func reset(forRows count: Int) {
        let capacity = 1 << (Int.bitWidth - (count * 2).leadingZeroBitCount)
        slots.removeAll(keepingCapacity: slots.count <= UndoLog.keptRecords * 4)
        slots.append(contentsOf: repeatElement(0, count: capacity))
    }

    /// Gives back memory above what ordinary transactions need.
    mutating func shrink() { if slots.count > UndoLog.keptRecords * 4 { slots = [] } }

    /// A place in the hash: free, or that of a row.
    struct Place {
        fileprivate let slot: Int
        /// Where the row is in the list, if it was entered.
        let position: Int?
    }

    @inline(__always)
    func find(_ row: RowID, in table: TableRef, isAt: (_ position: Int) -> Bool) -> Place {
        let mask = slots.count - 1
        let key = UInt64(row.rawValue) | UInt64(table.id.rawValue) << 32
        var slot = Int(hashInteger(key, seed: 0)) & mask
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if isAt(position) { return Place(slot: slot, position: position) }
            slot = (slot + 1) & mask
        }
        return Place(slot: slot, position: nil)
    }

    /// Enters a row where it was looked for and not found.
    @inline(__always)
    mutating func enter(_ position: Int, at place: Place) { slots[place.slot] = Int32(position + 1) }
}
