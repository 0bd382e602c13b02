import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Checked bytes: images and keys are validated before they are used. Lent buffers: the changes stay
// where they are during the call.

/// Doing again what the log says was done.
extension Datastore {
    /// Applies the changes of one commit as `encodeChanges(into:)` wrote them. Not inside a transaction.
    ///
    /// Constraints are not checked: they held when the commit was made. Whatever does not fit the tables is an error,
    /// and then the datastore is of no further use.
    package func replay(_ changes: UnsafeRawBufferPointer) throws(EngineError) {
        guard !state.isInTransaction else {
            throw .transactionState("changes are replayed outside of transactions only")
        }
        var cursor = unsafe ChangeCursor(changes)
        var table: TableRef?
        var freed = 0
        var hasSparse = false
        while let kind = try cursor.next() {
            if kind == .table {
                table = try self.table(TableID(try cursor.load(UInt32.self)))
                continue
            }
            guard let table else { throw .malformedChanges("a change names no table") }
            prepareWrite(table)
            switch kind {
            case .table: break
            case .insert:
                let image = try unsafe cursor.image(of: table)
                guard let row = unsafe table.storage.insert(image) else {
                    throw .tableFull(table: table.schema.name)
                }
                table.index(row)
            case .replace: try unsafe table.replayReplace(try cursor.image(of: table))
            case .delete, .deleteRow:
                try replayDelete(table, kind, &cursor)
                freed += 1
                if table.storage.isSparse { hasSparse = true }
            case .edit:
                let (row, image) = try edited(table, &cursor)
                try unsafe image.withBytes { (bytes) throws(EngineError) in try unsafe table.replace(row, bytes) }
            case .sequence, .sequenceStart:
                try table.replaySequence(try cursor.load(UInt8.self), try cursor.load(Int128.self))
            }
        }
        if hasSparse { compactSparseTables(freed: freed) }
    }

    /// Puts sequences where they were when the call began that made these changes. Where the commit before it left them
    /// is not always there: calls that failed in between may have drawn numbers.
    package func restoreSequences(before changes: UnsafeRawBufferPointer) throws(EngineError) {
        var cursor = unsafe ChangeCursor(changes)
        var table: TableRef?
        while let kind = try cursor.next() {
            switch kind {
            case .table: table = try self.table(TableID(try cursor.load(UInt32.self)))
            case .sequenceStart:
                guard let table else { throw .malformedChanges("a change names no table") }
                try table.replaySequence(try cursor.load(UInt8.self), try cursor.load(Int128.self))
            default: return
            }
        }
    }

    /// What logged changes say of rows, without applying them.
    ///
    /// Of large rows the log may have no more than what changed in them: such rows must be here.
    ///
    /// A row that is deleted and inserted under the same key counts as replaced: whether the log says the one or the other
    /// depends on slots and on the version that wrote it.
    /// - Parameter areApplied: true if the rows are as the changes left them, false if they are as before.
    package func describe(
        _ changes: UnsafeRawBufferPointer, areApplied: Bool = false
    ) throws(EngineError) -> [RowChange] {
        var cursor = unsafe ChangeCursor(changes)
        var table: TableRef?
        var found: [RowChange] = []
        while let kind = try cursor.next() {
            if kind == .table {
                table = try self.table(TableID(try cursor.load(UInt32.self)))
                continue
            }
            guard let table else { throw .malformedChanges("a change names no table") }
            let id = table.id
            switch kind {
            case .table: break
            case .insert:
                unsafe found.append(RowChange(table: id, kind: .insert, bytes: Array(try cursor.image(of: table))))
            case .replace:
                unsafe found.append(RowChange(table: id, kind: .replace, bytes: Array(try cursor.image(of: table))))
            case .delete where table.firstUnique >= 0:
                unsafe found.append(
                    RowChange(table: id, kind: .delete, bytes: Array(try cursor.counted()), isKey: true))
            case .delete, .deleteRow:
                unsafe found.append(RowChange(table: id, kind: .delete, bytes: Array(try cursor.image(of: table))))
            case .edit:
                let bytes: [UInt8]
                if areApplied {
                    bytes = unsafe Array(table.storage.image(try named(table, by: try cursor.counted())))
                    _ = try unsafe cursor.counted()
                } else {
                    bytes = try edited(table, &cursor).image
                }
                found.append(RowChange(table: id, kind: .replace, bytes: bytes))
            case .sequence, .sequenceStart: _ = (try cursor.load(UInt8.self), try cursor.load(Int128.self))
            }
        }
        return joined(found)
    }

    /// Makes one replaced row of a row deleted and one inserted under its key.
    private func joined(_ changes: [RowChange]) -> [RowChange] {
        var deleted: [RowChange: Int] = [:]
        for (position, change) in changes.enumerated() where change.isKey { deleted[change] = position }
        if deleted.isEmpty { return changes }
        var result: [RowChange?] = changes
        for (position, change) in changes.enumerated() where change.kind == .insert {
            guard let table = try? table(change.table), table.firstUnique >= 0 else { continue }
            var key: [UInt8] = []
            unsafe change.bytes.withBytes { image in
                guard let row = image.baseAddress else { return }
                unsafe table.forEachPartOfName(of: row) { unsafe key += $0 }
            }
            guard let other = deleted[RowChange(table: change.table, kind: .delete, bytes: key, isKey: true)] else {
                continue
            }
            result[other] = nil
            result[position] = RowChange(table: change.table, kind: .replace, bytes: change.bytes)
        }
        return result.compactMap(\.self)
    }

    /// The row that logged changes name by its key in the first unique index.
    private func named(_ table: TableRef, by key: UnsafeRawBufferPointer) throws(EngineError) -> RowID {
        let first = table.firstUnique
        guard first >= 0 else { throw .malformedChanges("table '\(table.schema.name)' has no unique index") }
        try unsafe validateKey(key, table, first)
        guard let row = unsafe table.indexes[first].findLogged(probe: key, in: table.rows) else {
            throw .malformedChanges("a changed row is not in table '\(table.schema.name)'")
        }
        return row
    }

    /// Reads an edit: the row that it names, and what becomes of it.
    private func edited(
        _ table: TableRef, _ cursor: inout ChangeCursor
    ) throws(EngineError) -> (row: RowID, image: [UInt8]) {
        let row = try unsafe named(table, by: try cursor.counted())
        let image = try unsafe RowEdit.apply(try cursor.counted(), to: table.storage.image(row))
        try unsafe image.withBytes { (bytes) throws(EngineError) in
            try unsafe table.requireRow(bytes)
            guard let new = bytes.baseAddress,
                unsafe !table.uniqueKeysDiffer(UnsafeRawPointer(table.storage.imageStart(row)), new)
            else { throw .malformedChanges("an edit changes a unique key of table '\(table.schema.name)'") }
        }
        return (row, image)
    }

    private func replayDelete(
        _ table: TableRef, _ kind: LoggedChange, _ cursor: inout ChangeCursor
    ) throws(EngineError) {
        if kind == .delete, table.firstUnique >= 0 {
            return unsafe table.dropRow(try named(table, by: try cursor.counted()))
        }
        guard let row = unsafe table.find(equalTo: try cursor.image(of: table)) else {
            throw .malformedChanges("a deleted row is not in table '\(table.schema.name)'")
        }
        table.dropRow(row)
    }
}

extension TableRef {
    /// Takes a row out for good, outside of transactions.
    func dropRow(_ row: RowID) {
        unindex(row)
        storage.setLive(row, false)
        storage.free(row)
    }

    fileprivate func replayReplace(_ image: UnsafeRawBufferPointer) throws(EngineError) {
        guard firstUnique >= 0, let start = image.baseAddress,
            let row = unsafe indexes[firstUnique].findLogged(keyOf: start, in: rows)
        else { throw .malformedChanges("a replaced row is not in table '\(schema.name)'") }
        try unsafe replace(row, image)
    }

    /// Gives a row another image with the same key in the first unique index.
    fileprivate func replace(_ row: RowID, _ image: UnsafeRawBufferPointer) throws(EngineError) {
        if storage.fitsInPlace(row, byteCount: image.count) {
            unsafe overwrite(row, with: image, unchanged: firstUnique)
            return
        }
        dropRow(row)
        guard let moved = unsafe storage.insert(image) else { throw .tableFull(table: schema.name) }
        index(moved)
    }

    fileprivate func replaySequence(_ position: UInt8, _ next: Int128) throws(EngineError) {
        guard Int(position) < sequenceCount else {
            throw .malformedChanges("table '\(schema.name)' has no sequence #\(position)")
        }
        sequences[Int(position)].restart(at: next)
    }
}

/// One row in logged changes.
package struct RowChange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case insert, replace, delete }

    package let table: TableID
    package let kind: Kind
    /// The new row; of a deleted one its key in the table's first unique index, or the row.
    package let bytes: [UInt8]
    /// True if ``bytes`` are a key.
    package var isKey = false
}
