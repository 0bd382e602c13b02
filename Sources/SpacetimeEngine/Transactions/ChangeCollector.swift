// Memory safety. Valid images, living ids: rows and undo log stay until the transaction ends, and nothing is written
// while changes are collected.

/// Reduces the undo log of a transaction to what it changed in the end.
///
/// The first record of a row says what was there before; the row itself says what is there now. Where both are the
/// same, or a deleted row's bytes were inserted again elsewhere, nothing changed.
///
/// The entries lie in a buffer, not in an array: going through them then counts no references.
struct ChangeCollector: ~Copyable {
    /// `@safe`: the images are those of the undo log and of rows, which stay until the transaction ends.
    @safe
    struct Entry {
        var table: TableRef
        var row: RowID
        /// The image before the transaction, if the row existed.
        var before: UnsafeRawBufferPointer?
        /// The image after it, if the row exists.
        var after: UnsafeRawBufferPointer?

        /// Of a large row that is here after the transaction, and lay in another slot before it under the same keys: its
        /// image there. Set by the log alone.
        var origin: UnsafeRawBufferPointer?
        /// Of a large row that is gone from here: it lies in another slot now, whose entry has it as its origin.
        var isMoved = false

        /// True if the row was overwritten and its key in a unique index is another now.
        ///
        /// Only then can one of its two images be the other image of a different slot: with the same keys before and
        /// after, they belong to no other slot at either time.
        var isRekeyed = false

        func findsRekeyed() -> Bool {
            guard let before = unsafe before?.baseAddress, let after = unsafe after?.baseAddress else { return false }
            return unsafe table.uniqueKeysDiffer(before, after)
        }
    }

    var entries = Buffer<Entry>(capacity: keptEntries)
    /// Positions in `entries`. Used where the undo log has more than `linearLimit` records.
    private var positions = RowPositions()

    private static let linearLimit = 12
    /// Memory above what an ordinary transaction needs is given back.
    private static let keptEntries = 64

    var count: Int { entries.count }

    /// Fills `entries` with the net changes of the wanted tables, in the order of first touch.
    mutating func collect(_ undo: borrowing UndoLog, wanting wanted: (TableRef) -> Bool) {
        entries.removeAll(keeping: UndoLog.keptRecords, orShrinkingTo: Self.keptEntries)
        let usesPositions = undo.count > Self.linearLimit
        if usesPositions { positions.reset(forRows: undo.count) }
        for i in 0..<undo.count {
            let record = undo.records[i]
            guard wanted(record.table), usesPositions ? enter(record) : isNew(record) else { continue }
            let table = record.table
            let before: UnsafeRawBufferPointer? =
                switch record.kind {
                case .insert: nil
                case .overwrite: unsafe undo.oldImage(record)
                case .delete: unsafe table.storage.image(record.row)
                }
            let isLive = table.storage.isLive(record.row)
            let after = unsafe isLive ? table.storage.image(record.row) : nil
            unsafe entries.append(Entry(table: record.table, row: record.row, before: before, after: after))
        }
        cancel()
    }

    private func isNew(_ record: UndoLog.Record) -> Bool {
        for i in 0..<count where entries[i].row == record.row && entries[i].table == record.table { return false }
        return true
    }

    /// Enters a row that was not met before; false if it was.
    private mutating func enter(_ record: UndoLog.Record) -> Bool {
        let place = positions.find(record.row, in: record.table) {
            entries[$0].row == record.row && entries[$0].table == record.table
        }
        if place.position != nil { return false }
        positions.enter(count, at: place)
        return true
    }

    /// Drops entries that changed nothing: same bytes before and after, and deletes that equal inserts of the table.
    private mutating func cancel() {
        var deletes = 0
        var inserts = 0
        var rekeyed = 0
        var dropped = false
        for i in 0..<count {
            switch unsafe (entries[i].before, entries[i].after) {
            case (nil, nil): dropped = true
            case (let before?, let after?):
                if unsafe equalBytes(before, after) {
                    unsafe entries[i].before = nil
                    unsafe entries[i].after = nil
                    dropped = true
                } else if entries[i].findsRekeyed() {
                    entries[i].isRekeyed = true
                    rekeyed += 1
                }
            case (_?, nil): deletes += 1
            case (nil, _?): inserts += 1
            }
        }
        if deletes + rekeyed > 0, inserts + rekeyed > 0, deletes + inserts + rekeyed > 1 {
            dropped = cancelPairs() || dropped
        }
        if dropped { dropEmpty() }
    }

    private mutating func dropEmpty() {
        var kept = 0
        for i in 0..<count where unsafe entries[i].before != nil || entries[i].after != nil {
            entries[kept] = entries[i]
            kept += 1
        }
        entries.truncate(to: kept)
    }

    /// Matches whole deleted images with whole inserted ones of the same table.
    private mutating func cancelPairs() -> Bool {
        var inserted: [UInt64: [Int]] = [:]
        for i in 0..<count where unsafe entries[i].before == nil || entries[i].isRekeyed {
            let entry = entries[i]
            guard let after = unsafe entry.after else { continue }
            unsafe inserted[hashBytes(after, state: UInt64(entry.table.id.rawValue)), default: []].append(i)
        }
        var found = false
        for i in 0..<count where unsafe entries[i].after == nil || entries[i].isRekeyed {
            let entry = entries[i]
            guard let before = unsafe entry.before else { continue }
            let hash = unsafe hashBytes(before, state: UInt64(entry.table.id.rawValue))
            guard let candidates = inserted[hash] else { continue }
            for j in candidates where entries[j].table == entry.table {
                guard let after = unsafe entries[j].after, unsafe equalBytes(before, after) else { continue }
                unsafe entries[i].before = nil
                unsafe entries[j].after = nil
                found = true
                break
            }
        }
        return found
    }

    /// The entries of the wanted tables as owned rows, by table.
    func changeSet(of wanted: (TableRef) -> Bool) -> ChangeSet {
        var set = ChangeSet()
        for i in 0..<count where wanted(entries[i].table) {
            let entry = entries[i]
            let id = entry.table.id
            let position: Int
            if let present = set.tables.firstIndex(where: { $0.table == id }) {
                position = present
            } else {
                position = set.tables.firstIndex { $0.table > id } ?? set.tables.count
                set.tables.insert(TableChanges(table: id), at: position)
            }
            if let before = unsafe entry.before { unsafe set.tables[position].deletes.append(before) }
            if let after = unsafe entry.after { unsafe set.tables[position].inserts.append(after) }
        }
        return set
    }
}
