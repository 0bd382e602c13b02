import SpacetimeEngine
import SpacetimeHost

/// The open scans of a guest, by number - 1. Numbers are used again.
///
/// A single row, which most look-ups find, is neither copied nor kept in an object: it stays where it is in its table, and is
/// copied only if the guest writes before it reads it.
///
/// `@safe`: each slot says what it points to, and owns that but for rows in their tables; those stay as they are until something
/// is written, before which ``prepareForWrite()`` copies them, and until the transaction ends, with which the scans do.
@safe
struct GuestIterators: ~Copyable {
    // Not private: the compiler (6.3) needs its metadata where a guest's state is destroyed, which is in another file.
    @safe
    struct Slot {
        enum Content: UInt8 {
            case free
            /// Rows behind one pointer: a ``GuestRows``, whose reference this owns.
            case rows
            /// One row in its table, until something is written; or none.
            case borrowed
            /// A copy of a row, which has to be given back.
            case copied
        }

        var content: Content
        var start: UnsafeRawPointer?
        /// Bytes of the row; of a free slot the position of the next one.
        var count: Int
    }

    private var slots = PlainList<Slot>()
    private var firstFree = -1
    private(set) var count = 0
    private var borrowedCount = 0
    /// Where copies are counted, those of scans of several rows included.
    let copies: ScanCopies

    init(copies: ScanCopies) { self.copies = copies }

    // MARK: Opening and closing

    /// - Returns: its number.
    @inline(__always)
    mutating func add(_ found: GuestTransaction.Found) -> UInt32 {
        switch found {
        case .none: return open(unsafe Slot(content: .borrowed, start: nil, count: 0))
        case .row(let row):
            return open(unsafe Slot(content: .borrowed, start: row.baseAddress, count: row.count))
        case .rows(let rows):
            let start = unsafe UnsafeRawPointer(Unmanaged.passRetained(rows).toOpaque())
            return open(unsafe Slot(content: .rows, start: start, count: 0))
        }
    }

    @inline(__always)
    private mutating func open(_ slot: Slot) -> UInt32 {
        count += 1
        if slot.content == .borrowed { borrowedCount += 1 }
        let position = firstFree
        if position < 0 {
            slots.append(slot)
            return UInt32(slots.count)
        }
        firstFree = slots[position].count
        slots[position] = slot
        return UInt32(position + 1)
    }

    /// - Returns: false if there is no such scan.
    @inline(__always)
    mutating func remove(_ number: UInt32) -> Bool {
        let position = Int(number) - 1
        guard slots.has(position), slots[position].content != .free else { return false }
        if slots[position].content == .borrowed { borrowedCount -= 1 } else { free(slots[position]) }
        slots[position] = unsafe Slot(content: .free, start: nil, count: firstFree)
        firstFree = position
        count -= 1
        return true
    }

    @inline(never)
    private func free(_ slot: Slot) {
        guard let start = unsafe slot.start else { return }
        switch slot.content {
        case .copied:
            copies.remove(slot.count)
            unsafe UnsafeMutableRawPointer(mutating: start).deallocate()
        case .rows: unsafe Unmanaged<GuestRows>.fromOpaque(start).release()
        case .free, .borrowed: break
        }
    }

    /// To be called before this goes, too.
    @inline(__always)
    mutating func removeAll() {
        if count > borrowedCount { for position in 0..<slots.count { free(slots[position]) } }
        slots.removeAll()
        firstFree = -1
        count = 0
        borrowedCount = 0
    }

    /// To be called before anything is written: rows that are in their tables may move, or be overwritten.
    ///
    /// - Returns: false if there is no room for copies. Nothing may be written then.
    @inline(__always)
    mutating func prepareForWrite() -> Bool { borrowedCount == 0 || copyBorrowed() }

    @inline(never)
    private mutating func copyBorrowed() -> Bool {
        for position in 0..<slots.count where slots[position].content == .borrowed {
            guard copies.hasRoom(for: slots[position].count) else { return false }
            borrowedCount -= 1
            slots[position].content = .copied
            guard let row = unsafe slots[position].start else { continue }
            copies.add(slots[position].count)
            let copy = UnsafeMutableRawPointer.allocate(byteCount: slots[position].count, alignment: 1)
            unsafe copy.copyMemory(from: row, byteCount: slots[position].count)
            unsafe slots[position].start = UnsafeRawPointer(copy)
        }
        return true
    }

    // MARK: Reading

    @inline(__always)
    func isOpen(_ number: UInt32) -> Bool {
        let position = Int(number) - 1
        return slots.has(position) && slots[position].content != .free
    }

    /// Writes as many rows as fit; nil if there is no such scan. One that is read to its end is closed.
    @inline(__always)
    mutating func read(
        _ number: UInt32, into buffer: GuestBytes
    ) throws(DatabaseError) -> GuestRows.Piece? {
        let position = Int(number) - 1
        guard slots.has(position) else { return nil }
        let slot = slots[position]
        switch slot.content {
        case .free: return nil
        case .rows: return try readRows(number, slot, into: buffer)
        case .borrowed, .copied:
            guard slot.count <= buffer.count else { return .tooLarge(byteCount: slot.count) }
            if let row = unsafe slot.start {
                unsafe buffer.copy(UnsafeRawBufferPointer(start: row, count: slot.count))
            }
            _ = remove(number)
            return .rows(byteCount: slot.count, isLast: true)
        }
    }

    @inline(never)
    private mutating func readRows(
        _ number: UInt32, _ slot: Slot, into buffer: GuestBytes
    ) throws(DatabaseError) -> GuestRows.Piece? {
        guard let start = unsafe slot.start else { return nil }
        // The slot owns a reference until it is closed.
        let rows = unsafe Unmanaged<GuestRows>.fromOpaque(start).takeUnretainedValue()
        let piece = try unsafe rows.read(into: buffer.buffer)
        if case .rows(_, isLast: true) = piece { _ = remove(number) }
        return piece
    }
}
