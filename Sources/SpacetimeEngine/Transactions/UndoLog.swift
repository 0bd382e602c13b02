/// How to take back what the running transaction did, newest last.
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

    var count: Int { records.count }

    @inline(__always)
    mutating func append(_ kind: Kind, _ table: TableRef, _ row: RowID, isMove: Bool = false) {
        records.append(
            Record(table: table, row: row, kind: kind, isMove: isMove, offset: arena.count, byteCount: 0))
        otherCount &+= 1
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
        arena.append(image)
        if !keepsKeys { otherCount &+= 1 }
    }

    /// The image that an overwrite replaced; also of a record that was just taken out, whose bytes stay until the next
    /// one comes.
    func oldImage(_ record: Record) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: arena.base + record.offset, count: record.byteCount)
    }

    mutating func removeLast() -> Record {
        let record = records.removeLast()
        if !record.keepsKeys { otherCount -= 1 }
        arena.truncate(to: record.offset)
        return record
    }

    /// Forgets everything. Memory above what an ordinary transaction needs is given back.
    @inline(__always)
    mutating func removeAll() {
        records.removeAll(keeping: Self.keptRecords, orShrinkingTo: 16)
        arena.removeAll(keeping: Self.keptBytes, orShrinkingTo: 1_024)
        otherCount = 0
    }

    static let keptRecords = 1 << 16
    static let keptBytes = 1 << 22
}
