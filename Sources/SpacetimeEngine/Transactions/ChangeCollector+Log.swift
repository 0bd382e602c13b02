import SpacetimeSATS
import SpacetimeSchema

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
}

extension ChangeCollector {
    /// Appends the entries as the log keeps them: deletes first, so that replaying never meets a key twice.
    ///
    /// Event rows are left out: nothing of them remains. No allocation beyond the writer's own growth.
    func encode(into writer: inout BSATNWriter) {
        var current: TableRef?
        for i in 0..<count where entries[i].before != nil && (entries[i].after == nil || isSplit(entries[i])) {
            guard let before = entries[i].before, !entries[i].table.isEvent else { continue }
            Self.select(entries[i].table, &current, &writer)
            Self.appendDelete(of: before, in: entries[i].table, &writer)
        }
        for i in 0..<count {
            guard let after = entries[i].after, !entries[i].table.isEvent else { continue }
            Self.select(entries[i].table, &current, &writer)
            let replaces = entries[i].before != nil && !isSplit(entries[i])
            writer.write((replaces ? LoggedChange.replace : .insert).rawValue)
            Self.append(after, of: entries[i].table, &writer)
        }
    }

    /// True if an overwritten row has to be logged as a delete and an insert: rows that exchange their keys would
    /// otherwise meet half way.
    private func isSplit(_ entry: Entry) -> Bool {
        if entry.isRekeyed || entry.table.firstUnique < 0 { return true }
        guard let after = entry.after?.baseAddress else { return false }
        // So has one that is named by its image.
        return Self.isNameless(after, in: entry.table)
    }

    /// Whether the first unique index has no key to name a row by.
    private static func isNameless(_ row: UnsafeRawPointer, in table: TableRef) -> Bool {
        let index = table.indexes.reference(to: table.firstUnique)
        return index.value.exemptsNil && index.value.exempts(row, table.rows)
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
        writer.append(image)
    }

    private static func appendDelete(
        of image: UnsafeRawBufferPointer, in table: TableRef, _ writer: inout BSATNWriter
    ) {
        guard table.firstUnique >= 0, let row = image.baseAddress else {
            writer.write(LoggedChange.delete.rawValue)
            return append(image, of: table, &writer)
        }
        if isNameless(row, in: table) {
            writer.write(LoggedChange.deleteRow.rawValue)
            return append(image, of: table, &writer)
        }
        writer.write(LoggedChange.delete.rawValue)
        let start = writer.count
        writer.write(0 as UInt32)
        let index = table.indexes.reference(to: table.firstUnique)
        for column in index.value.schema.columns {
            writer.append(table.layout.bytes(of: Int(column.rawValue), in: row))
        }
        writer.overwrite(UInt32(writer.count - start - 4), at: start)
    }

    /// A new row of a table.
    static func appendInsert(
        _ image: UnsafeRawBufferPointer, of table: TableRef, _ current: inout TableRef?,
        _ writer: inout BSATNWriter
    ) {
        select(table, &current, &writer)
        writer.write(LoggedChange.insert.rawValue)
        append(image, of: table, &writer)
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
        for i in 0..<count where sealedCount == 0 || isFirst(i) {
            let record = records[i]
            let after = record.table.storage.image(record.row)
            // A row that is again as it was has not changed.
            if equalBytes(oldImage(record), after) { continue }
            ChangeCollector.select(record.table, &current, &writer)
            writer.write(LoggedChange.replace.rawValue)
            ChangeCollector.append(after, of: record.table, &writer)
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
