import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: of rows and of the undo log, which stay until the transaction ends. The writer copies
// them.

/// What a byte of logged changes says; `CommitLogFormat` draws the whole.
enum LoggedChange: UInt8 {
    /// The table of what follows: its id as `u32`.
    case table = 1
    /// A row is gone. Tables with a unique index name it by its key in the first one, others by the whole image.
    case delete = 2
    /// A new row.
    case insert = 3
    /// A row that takes the place of the one with the same key in the first unique index.
    case replace = 4
    /// A sequence of the table moved on: its position among the table's sequences as `u8`, the next value as `i128`.
    case sequence = 5
    /// The same, of where it was before the call. It comes before all that the call changed.
    case sequenceStart = 6
    /// A row is gone that has no key in the table's first unique index, since it has nil there: the whole image.
    case deleteRow = 7
    /// A row that keeps its unique keys and most of its bytes: its key in the first unique index, and ``RowEdit``.
    case edit = 8
}

extension ChangeCollector {
    /// Appends the entries as the log keeps them: deletes first, so that replaying never meets a key twice.
    ///
    /// Rows of event tables and of ephemeral ones are left out: nothing of them remains. No allocation beyond the writer's own growth, unless large rows
    /// have left their slots.
    mutating func encode(into writer: inout BSATNWriter) {
        pairMoves()
        var current: TableRef?
        for i in 0..<count where unsafe entries[i].before != nil && (entries[i].after == nil || isSplit(entries[i])) {
            if entries[i].isMoved { continue }
            guard let before = unsafe entries[i].before, entries[i].table.isLogged else { continue }
            Self.select(entries[i].table, &current, &writer)
            unsafe Self.appendDelete(of: before, in: entries[i].table, &writer)
        }
        for i in 0..<count {
            guard let after = unsafe entries[i].after, entries[i].table.isLogged else { continue }
            Self.select(entries[i].table, &current, &writer)
            if let old = unsafe entries[i].origin ?? (isSplit(entries[i]) ? nil : entries[i].before) {
                unsafe Self.appendReplace(old, by: after, of: entries[i].table, &writer)
            } else {
                writer.write(LoggedChange.insert.rawValue)
                unsafe Self.append(after, of: entries[i].table, &writer)
            }
        }
    }

    /// Finds the large rows that went into another slot under the same keys, because an update made them longer or shorter,
    /// or they were deleted and inserted again. The log may then say what changed in them.
    ///
    /// Nobody else has their keys before or after the transaction, so that replaying meets no key twice.
    private mutating func pairMoves() {
        var gone: [UInt64: Int] = [:]
        for i in 0..<count where unsafe entries[i].after == nil {
            guard let hash = unsafe Self.hashOfLarge(entries[i].before, in: entries[i].table) else { continue }
            gone[hash] = i
        }
        if gone.isEmpty { return }
        for i in 0..<count where unsafe entries[i].before == nil {
            guard let hash = unsafe Self.hashOfLarge(entries[i].after, in: entries[i].table), let other = gone[hash],
                entries[other].table == entries[i].table, !entries[other].isMoved,
                let old = unsafe entries[other].before?.baseAddress, let new = unsafe entries[i].after?.baseAddress,
                unsafe !entries[i].table.uniqueKeysDiffer(old, new)
            else { continue }
            unsafe entries[i].origin = unsafe entries[other].before
            entries[other].isMoved = true
        }
    }

    /// A hash of the key by which the log names a row; nil for rows that it names otherwise or logs whole.
    private static func hashOfLarge(_ image: UnsafeRawBufferPointer?, in table: TableRef) -> UInt64? {
        guard let image = unsafe image, image.count >= RowEdit.smallestRow, table.isLogged, table.firstUnique >= 0,
            let row = image.baseAddress, unsafe !isNameless(row, in: table)
        else { return nil }
        var hash = UInt64(table.id.rawValue)
        unsafe table.forEachPartOfName(of: row) { hash = unsafe hashBytes($0, state: hash) }
        return hash
    }

    /// True if an overwritten row has to be logged as a delete and an insert: rows that exchange their keys would
    /// otherwise meet half way.
    private func isSplit(_ entry: Entry) -> Bool {
        if entry.isRekeyed || entry.table.firstUnique < 0 { return true }
        guard let after = unsafe entry.after?.baseAddress else { return false }
        // So has one that is named by its image.
        return unsafe Self.isNameless(after, in: entry.table)
    }

    /// Whether the first unique index has no key to name a row by.
    private static func isNameless(_ row: UnsafeRawPointer, in table: TableRef) -> Bool {
        let index = table.indexes.reference(to: table.firstUnique)
        return unsafe index.value.exemptsNil && index.value.exempts(row, table.rows)
    }

    @inline(__always)
    fileprivate static func select(
        _ table: TableRef, _ current: inout TableRef?, _ writer: inout BSATNWriter
    ) {
        if table == current { return }
        current = table
        writer.write(LoggedChange.table.rawValue)
        writer.write(table.id.rawValue)
    }

    @inline(__always)
    fileprivate static func append(
        _ image: UnsafeRawBufferPointer, of table: TableRef, _ writer: inout BSATNWriter
    ) {
        if table.layout.fixedSize == nil {
            writer.write(UInt32(truncatingIfNeeded: image.count))
        }
        unsafe writer.append(image)
    }

    private static func appendDelete(
        of image: UnsafeRawBufferPointer, in table: TableRef, _ writer: inout BSATNWriter
    ) {
        guard table.firstUnique >= 0, let row = image.baseAddress else {
            writer.write(LoggedChange.delete.rawValue)
            return unsafe append(image, of: table, &writer)
        }
        if unsafe isNameless(row, in: table) {
            writer.write(LoggedChange.deleteRow.rawValue)
            return unsafe append(image, of: table, &writer)
        }
        writer.write(LoggedChange.delete.rawValue)
        unsafe appendKey(of: row, in: table, &writer)
    }

    private static func appendKey(of row: UnsafeRawPointer, in table: TableRef, _ writer: inout BSATNWriter) {
        let start = writer.count
        writer.write(0 as UInt32)
        unsafe table.forEachPartOfName(of: row) { unsafe writer.append($0) }
        writer.overwrite(UInt32(writer.count - start - 4), at: start)
    }

    /// A row that keeps its unique keys: what changed in it, if that is at most half as long as the row, else the whole.
    @inline(__always)
    fileprivate static func appendReplace(
        _ old: UnsafeRawBufferPointer, by new: UnsafeRawBufferPointer, of table: TableRef, _ writer: inout BSATNWriter
    ) {
        if new.count >= RowEdit.smallestRow, unsafe appendEdit(old, new, of: table, &writer) { return }
        writer.write(LoggedChange.replace.rawValue)
        unsafe append(new, of: table, &writer)
    }

    @inline(never)
    private static func appendEdit(
        _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, of table: TableRef, _ writer: inout BSATNWriter
    ) -> Bool {
        guard let row = new.baseAddress else { return false }
        let start = writer.count
        writer.write(LoggedChange.edit.rawValue)
        unsafe appendKey(of: row, in: table, &writer)
        let edits = writer.count
        writer.write(0 as UInt32)
        guard unsafe RowEdit.append(from: old, to: new, limit: new.count / 2 - (writer.count - start), &writer) else {
            writer.truncate(to: start)
            return false
        }
        writer.overwrite(UInt32(writer.count - edits - 4), at: edits)
        return true
    }

    /// A row that goes from a table.
    static func appendDelete(
        _ image: UnsafeRawBufferPointer, of table: TableRef, _ current: inout TableRef?, _ writer: inout BSATNWriter
    ) {
        select(table, &current, &writer)
        unsafe appendDelete(of: image, in: table, &writer)
    }

    /// A new row of a table.
    static func appendInsert(
        _ image: UnsafeRawBufferPointer, of table: TableRef, _ current: inout TableRef?,
        _ writer: inout BSATNWriter
    ) {
        select(table, &current, &writer)
        writer.write(LoggedChange.insert.rawValue)
        unsafe append(image, of: table, &writer)
    }

    /// Where a sequence of a table is, or was.
    static func append(
        _ change: LoggedChange, _ position: Int, _ value: Int128, of table: TableRef,
        _ current: inout TableRef?, _ writer: inout BSATNWriter
    ) {
        select(table, &current, &writer)
        writer.write(change.rawValue)
        writer.write(UInt8(truncatingIfNeeded: position))
        writer.write(value)
    }
}

/// The short way for what most transactions do: a few updates by key.
extension UndoLog {
    /// True if no row came, went or changed a unique key, and no row has two records, or there are few enough to compare
    /// each with each. The log then says the same as ``ChangeCollector`` would, without collecting first.
    var holdsPlainOverwrites: Bool { otherCount == 0 && (sealedCount == 0 || count <= 8) }

    func encodeOverwrites(into writer: inout BSATNWriter) {
        var current: TableRef?
        if sealedCount > 0 || hasRepeated { return encodeRepeatedOverwrites(into: &writer) }
        for i in 0..<count {
            let (table, row) = (records[i].table, records[i].row)
            let after = unsafe table.storage.image(row)
            if after.count >= RowEdit.smallestRow {
                unsafe Self.appendLarge(
                    oldImage(records[i]), by: after, of: table, isSelected: table == current, &writer)
            } else {
                unsafe Self.appendReplace(by: after, of: table, isSelected: table == current, &writer)
            }
            current = table
        }
    }

    /// The same where rows were overwritten again, and may be again as they were: then they have not changed.
    @inline(never)
    private func encodeRepeatedOverwrites(into writer: inout BSATNWriter) {
        var current: TableRef?
        for i in 0..<count where sealedCount == 0 || isFirst(i) {
            let record = records[i]
            let after = unsafe record.table.storage.image(record.row)
            let before = unsafe oldImage(record)
            if unsafe equalBytes(before, after) { continue }
            ChangeCollector.select(record.table, &current, &writer)
            unsafe ChangeCollector.appendReplace(before, by: after, of: record.table, &writer)
        }
    }

    /// Apart, so that the loop over small rows has the registers for itself.
    @inline(never)
    private static func appendLarge(
        _ before: UnsafeRawBufferPointer, by after: UnsafeRawBufferPointer, of table: TableRef, isSelected: Bool,
        _ writer: inout BSATNWriter
    ) {
        var current = isSelected ? table : nil
        ChangeCollector.select(table, &current, &writer)
        unsafe ChangeCollector.appendReplace(before, by: after, of: table, &writer)
    }

    /// The table, unless it is selected, and a row of it that is logged whole: by stores into room that was made once.
    @inline(__always)
    private static func appendReplace(
        by after: UnsafeRawBufferPointer, of table: TableRef, isSelected: Bool, _ writer: inout BSATNWriter
    ) {
        unsafe writer.append(upTo: 10 &+ after.count) { room in
            // At most 5 bytes of the table, 1 of the change, 4 of the length, and the image.
            guard let start = room.baseAddress, let image = after.baseAddress else { return 0 }
            var end = unsafe start
            if !isSelected {
                unsafe end.storeBytes(of: LoggedChange.table.rawValue, as: UInt8.self)
                unsafe end.storeBytes(of: table.id.rawValue.littleEndian, toByteOffset: 1, as: UInt32.self)
                unsafe end += 5
            }
            unsafe end.storeBytes(of: LoggedChange.replace.rawValue, as: UInt8.self)
            unsafe end += 1
            if table.layout.fixedSize == nil {
                unsafe end.storeBytes(of: UInt32(truncatingIfNeeded: after.count).littleEndian, as: UInt32.self)
                unsafe end += 4
            }
            unsafe copyImage(image, to: end, byteCount: after.count)
            return unsafe end - start + after.count
        }
    }

    /// Whether no earlier record is of the same row.
    @inline(__always)
    private func isFirst(_ position: Int) -> Bool {
        for i in 0..<position
        where records[i].row == records[position].row && records[i].table == records[position].table {
            return false
        }
        return true
    }
}
