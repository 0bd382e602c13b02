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
        var table: StoredTable.Pointer
        var row: RowID
        var kind: Kind
        /// For an overwrite: no unique key of the row was changed by it.
        var keepsKeys = false
        /// For a delete: an update made the row anew in another slot.
        var isMove = false
        var offset: Int
        var byteCount: Int
    }

    private(set) var records: UnsafeMutablePointer<Record>
    private var recordCapacity: Int
    private(set) var count = 0
    private(set) var arena: UnsafeMutableRawPointer
    private var arenaCapacity: Int
    private(set) var arenaCount = 0
    /// Records that are something else than overwrites that keep their keys.
    private(set) var otherCount = 0

    init() {
        recordCapacity = 16
        records = .allocate(capacity: recordCapacity)
        arenaCapacity = 1_024
        arena = .allocate(byteCount: arenaCapacity, alignment: 16)
    }

    deinit {
        records.deallocate()
        arena.deallocate()
    }

    @inline(__always)
    mutating func append(_ kind: Kind, _ table: StoredTable.Pointer, _ row: RowID, isMove: Bool = false) {
        if count == recordCapacity { growRecords() }
        (records + count).initialize(
            to: Record(table: table, row: row, kind: kind, isMove: isMove, offset: arenaCount, byteCount: 0))
        count &+= 1
        otherCount &+= 1
    }

    /// Records an overwrite and saves the old image.
    @inline(__always)
    mutating func append(
        overwriteOf image: UnsafeRawBufferPointer, _ table: StoredTable.Pointer, _ row: RowID, keepsKeys: Bool
    ) {
        if count == recordCapacity { growRecords() }
        if arenaCount &+ image.count > arenaCapacity { growArena(image.count) }
        copyImage(image.baseAddress.unsafelyUnwrapped, to: arena + arenaCount, byteCount: image.count)
        (records + count).initialize(
            to: Record(
                table: table, row: row, kind: .overwrite, keepsKeys: keepsKeys, offset: arenaCount,
                byteCount: image.count))
        count &+= 1
        if !keepsKeys { otherCount &+= 1 }
        arenaCount &+= image.count
    }

    func oldImage(_ record: Record) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: arena + record.offset, count: record.byteCount)
    }

    mutating func removeLast() -> Record {
        count -= 1
        let record = records[count]
        if !record.keepsKeys { otherCount -= 1 }
        arenaCount = record.offset
        return record
    }

    /// Forgets everything. Memory above what an ordinary transaction needs is given back.
    @inline(__always)
    mutating func removeAll() {
        count = 0
        arenaCount = 0
        otherCount = 0
        if recordCapacity > Self.keptRecords || arenaCapacity > Self.keptBytes { shrink() }
    }

    static let keptRecords = 1 << 16
    static let keptBytes = 1 << 22

    @inline(never)
    private mutating func growRecords() {
        let new = UnsafeMutablePointer<Record>.allocate(capacity: recordCapacity * 2)
        new.update(from: records, count: count)
        records.deallocate()
        records = new
        recordCapacity *= 2
    }

    @inline(never)
    private mutating func growArena(_ additional: Int) {
        let capacity = max(arenaCapacity * 2, arenaCount + additional)
        let new = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        new.copyMemory(from: arena, byteCount: arenaCount)
        arena.deallocate()
        arena = new
        arenaCapacity = capacity
    }

    @inline(never)
    private mutating func shrink() {
        if recordCapacity > Self.keptRecords {
            records.deallocate()
            recordCapacity = 16
            records = .allocate(capacity: recordCapacity)
        }
        if arenaCapacity > Self.keptBytes {
            arena.deallocate()
            arenaCapacity = 1_024
            arena = .allocate(byteCount: arenaCapacity, alignment: 16)
        }
    }
}
