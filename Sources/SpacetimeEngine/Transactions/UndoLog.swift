// Memory safety. Own memory: a record names bytes of the arena that are there as long as the record, or were last
// there.

/// How to take back what the running transaction did, newest last.
///
/// A row that is overwritten again and again has one record: the first, with the image that a rollback needs. Only where a
/// savepoint lies between, from which on a rollback needs a later image, or a unique key changed, there is another.
///
/// Old images lie in one byte arena beside the records. Both keep their memory from one transaction to the next.
struct UndoLog: ~Copyable {
    enum Kind: UInt32 {
        /// A row was made: it is taken out of the indexes and its slot given back.
        case insert
        /// A row was made invisible: it is shown again and put back into the indexes. Its slot is given back at commit.
        case delete
        /// A row was overwritten where it lies: the old image is at `offset` in the arena.
        case overwrite
    }

    struct Record {
        var table: TableRef
        var row: RowID
        var kind: Kind
        /// For an overwrite: no unique key of the row was changed by it.
        var keepsKeys = false
        /// For a delete: an update made the row anew in another slot.
        var isMove = false
        var offset: Int
        var byteCount: Int
    }

    private(set) var records = Buffer<Record>(capacity: 16)
    private var arena = Buffer<UInt8>(capacity: 1_024)
    /// Records that are something else than overwrites that keep their keys.
    private(set) var otherCount = 0
    /// Records before this one belong to a savepoint: later overwrites of their rows need records of their own.
    private(set) var sealedCount = 0
    /// A row was overwritten again without a further record: it may be again as it was.
    private(set) var hasRepeated = false
    /// One bit for each 64th of the hashes of rows, set if a record that is not sealed is of such a row: it tells most rows
    /// that have none.
    private var marks: UInt64 = 0
    private var positions = RowPositions()
    /// The overwrites from ``sealedCount`` up to this record are in ``positions``; nil if none were entered.
    private var enteredEnd: Int?
    private var enteredCount = 0
    private var enteredLimit = 0

    var count: Int { records.count }

    @inline(__always)
    private static func mark(_ row: RowID) -> UInt64 { 1 &<< UInt64((row.rawValue &* 0x9E37_79B1) &>> 26) }

    @inline(__always)
    mutating func append(_ kind: Kind, _ table: TableRef, _ row: RowID, isMove: Bool = false) {
        records.append(
            Record(table: table, row: row, kind: kind, isMove: isMove, offset: arena.count, byteCount: 0))
        otherCount &+= 1
        marks |= Self.mark(row)
    }

    /// Records an overwrite and saves the old image.
    @inline(__always)
    mutating func append(
        overwriteOf image: UnsafeRawBufferPointer, _ table: TableRef, _ row: RowID, keepsKeys: Bool
    ) {
        records.append(
            Record(
                table: table, row: row, kind: .overwrite, keepsKeys: keepsKeys, offset: arena.count,
                byteCount: image.count))
        unsafe arena.append(image)
        if !keepsKeys { otherCount &+= 1 }
        marks |= Self.mark(row)
    }

    /// The image that an overwrite replaced; also of a record that was just taken out, whose bytes stay until the next
    /// one comes.
    func oldImage(_ record: Record) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: arena.base + record.offset, count: record.byteCount)
    }

    mutating func removeLast() -> Record {
        let record = records.removeLast()
        if !record.keepsKeys { otherCount -= 1 }
        arena.truncate(to: record.offset)
        return record
    }

    /// Lets no later overwrite do without a record because of one that is here now: a rollback may come back to this point.
    mutating func seal() {
        sealedCount = count
        marks = 0
        enteredEnd = nil
    }

    /// Forgets everything. Memory above what an ordinary transaction needs is given back.
    @inline(__always)
    mutating func removeAll() {
        records.removeAll(keeping: Self.keptRecords, orShrinkingTo: 16)
        arena.removeAll(keeping: Self.keptBytes, orShrinkingTo: 1_024)
        otherCount = 0
        sealedCount = 0
        hasRepeated = false
        marks = 0
        if enteredEnd != nil { forgetPositions() }
    }

    @inline(never)
    private mutating func forgetPositions() {
        enteredEnd = nil
        positions.shrink()
    }

    static let keptRecords = 1 << 16
    static let keptBytes = 1 << 22
    /// So many records are compared one by one.
    static let comparedCount = 12

    // MARK: Rows that are overwritten again

    /// Whether a live row can be overwritten without a further record, if its unique keys stay: an earlier one takes it
    /// back as well.
    ///
    /// With other keys it could not: taken back too late, the row would meet those who had its keys in between.
    @inline(__always)
    mutating func covers(_ table: TableRef, _ row: RowID) -> Bool {
        marks & Self.mark(row) != 0 && findsRecord(table, row)
    }

    @inline(never)
    private mutating func findsRecord(_ table: TableRef, _ row: RowID) -> Bool {
        // The row is live, so that whatever record of it comes last is an insert or an overwrite.
        if count - sealedCount <= Self.comparedCount {
            for i in sealedCount..<count where isRecord(i, of: table, row) {
                hasRepeated = true
                return true
            }
            return false
        }
        enterOverwrites()
        let found = positions.find(row, in: table) { isRecord($0, of: table, row) }.position != nil
        if found { hasRepeated = true }
        return found
    }

    @inline(__always)
    private func isRecord(_ position: Int, of table: TableRef, _ row: RowID) -> Bool {
        records[position].row == row && records[position].table == table
    }

    /// Enters the overwrites since the last time. Inserts are left out: a transaction that makes a million rows and then
    /// changes one would pay for all of them.
    private mutating func enterOverwrites() {
        var position = enteredEnd ?? sealedCount
        if enteredEnd == nil { resetPositions(forRows: 32) }
        while position < count {
            let (table, row) = (records[position].table, records[position].row)
            if records[position].kind == .overwrite {
                if enteredCount == enteredLimit {
                    resetPositions(forRows: enteredLimit * 2)
                    position = sealedCount
                    continue
                }
                let place = positions.find(row, in: table) { isRecord($0, of: table, row) }
                if place.position == nil {
                    positions.enter(position, at: place)
                    enteredCount += 1
                }
            }
            position += 1
        }
        enteredEnd = position
    }

    private mutating func resetPositions(forRows count: Int) {
        positions.reset(forRows: count)
        enteredLimit = count
        enteredCount = 0
    }
}
