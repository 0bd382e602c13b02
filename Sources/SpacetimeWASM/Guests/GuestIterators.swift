import SpacetimeHost

/// The open scans of a guest, by number - 1. Numbers are used again.
///
/// A single row, which most look-ups find, is neither copied nor kept in an object: it stays where it is in its table, and is
/// copied only if the guest writes before it reads it.
struct GuestIterators {
    private enum Slot {
        case free
        case none
        /// In its table, until something is written.
        case borrowed(UnsafeRawBufferPointer)
        /// A copy, which has to be given back.
        case copied(UnsafeMutableRawBufferPointer)
        case rows(GuestRows)
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private var borrowedCount = 0

    var count: Int { slots.count - free.count }

    // MARK: Opening and closing

    /// - Returns: its number.
    mutating func add(_ rows: GuestRows) -> UInt32 { open(.rows(rows)) }

    /// - Returns: its number.
    mutating func add(_ found: GuestTransaction.Found) -> UInt32 {
        switch found {
        case .none: return open(.none)
        case .rows(let rows): return open(.rows(rows))
        case .row(let row):
            borrowedCount += 1
            return open(.borrowed(row))
        }
    }

    private mutating func open(_ slot: Slot) -> UInt32 {
        if let position = free.popLast() {
            slots[position] = slot
            return UInt32(position + 1)
        }
        slots.append(slot)
        return UInt32(slots.count)
    }

    /// - Returns: false if there is no such scan.
    mutating func remove(_ number: UInt32) -> Bool {
        let position = Int(number) - 1
        guard slots.indices.contains(position) else { return false }
        switch slots[position] {
        case .free: return false
        case .borrowed: borrowedCount -= 1
        case .copied(let row): row.deallocate()
        case .none, .rows: break
        }
        slots[position] = .free
        free.append(position)
        return true
    }

    mutating func removeAll() {
        if slots.isEmpty { return }
        for slot in slots { if case .copied(let row) = slot { row.deallocate() } }
        slots.removeAll(keepingCapacity: true)
        free.removeAll(keepingCapacity: true)
        borrowedCount = 0
    }

    /// To be called before anything is written: rows that are in their tables may move, or be overwritten.
    @inline(__always)
    mutating func prepareForWrite() { if borrowedCount > 0 { copyBorrowed() } }

    @inline(never)
    private mutating func copyBorrowed() {
        for position in slots.indices {
            guard case .borrowed(let row) = slots[position] else { continue }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: row.count, alignment: 1)
            copy.copyMemory(from: row)
            slots[position] = .copied(copy)
        }
        borrowedCount = 0
    }

    // MARK: Reading

    /// Writes as many rows as fit; nil if there is no such scan. One that is read to its end is closed.
    mutating func read(
        _ number: UInt32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(DatabaseError) -> GuestRows.Piece? {
        let position = Int(number) - 1
        guard slots.indices.contains(position) else { return nil }
        let piece: GuestRows.Piece
        switch slots[position] {
        case .free: return nil
        case .none: piece = .rows(byteCount: 0, isLast: true)
        case .borrowed(let row): piece = Self.copy(row, into: buffer)
        case .copied(let row): piece = Self.copy(UnsafeRawBufferPointer(row), into: buffer)
        case .rows(let rows): piece = try rows.read(into: buffer)
        }
        if case .rows(_, isLast: true) = piece { _ = remove(number) }
        return piece
    }

    func isOpen(_ number: UInt32) -> Bool {
        let position = Int(number) - 1
        guard slots.indices.contains(position) else { return false }
        if case .free = slots[position] { return false }
        return true
    }

    private static func copy(
        _ row: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> GuestRows.Piece {
        guard row.count <= buffer.count else { return .tooLarge(byteCount: row.count) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[..<row.count]).copyMemory(from: row)
        return .rows(byteCount: row.count, isLast: true)
    }
}
