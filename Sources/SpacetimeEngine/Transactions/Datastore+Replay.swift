import SpacetimeSATS
import SpacetimeSchema

/// Doing again what the log says was done.
extension Datastore {
    /// Applies the changes of one commit as `commit(log:)` wrote them. Not inside a transaction.
    ///
    /// Constraints are not checked: they held when the commit was made. Whatever does not fit the tables is an error,
    /// and then the datastore is of no further use.
    package func replay(_ changes: UnsafeRawBufferPointer) throws(EngineError) {
        guard !state.isInTransaction else {
            throw .transactionState("changes are replayed outside of transactions only")
        }
        var cursor = ChangeCursor(changes)
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
                let image = try cursor.image(of: table)
                guard let row = table.storage.insert(image) else {
                    throw .tableFull(table: table.schema.name)
                }
                table.index(row)
            case .replace: try table.replayReplace(try cursor.image(of: table))
            case .delete, .deleteRow:
                try replayDelete(table, kind, &cursor)
                freed += 1
                if table.storage.isSparse { hasSparse = true }
            case .sequence, .sequenceStart:
                try table.replaySequence(try cursor.load(UInt8.self), try cursor.load(Int128.self))
            }
        }
        if hasSparse { compactSparseTables(freed: freed) }
    }

    /// Puts sequences where they were when the call began that made these changes. Where the commit before it left them
    /// is not always there: calls that failed in between may have drawn numbers.
    package func restoreSequences(before changes: UnsafeRawBufferPointer) throws(EngineError) {
        var cursor = ChangeCursor(changes)
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
    package func describe(_ changes: UnsafeRawBufferPointer) throws(EngineError) -> [RowChange] {
        var cursor = ChangeCursor(changes)
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
            case .insert: found.append(RowChange(table: id, kind: .insert, bytes: Array(try cursor.image(of: table))))
            case .replace: found.append(RowChange(table: id, kind: .replace, bytes: Array(try cursor.image(of: table))))
            case .delete where table.firstUnique >= 0:
                let key = try cursor.take(Int(try cursor.load(UInt32.self)))
                found.append(RowChange(table: id, kind: .delete, bytes: Array(key), isKey: true))
            case .delete, .deleteRow:
                found.append(RowChange(table: id, kind: .delete, bytes: Array(try cursor.image(of: table))))
            case .sequence, .sequenceStart: _ = (try cursor.load(UInt8.self), try cursor.load(Int128.self))
            }
        }
        return found
    }

    private func replayDelete(
        _ table: TableRef, _ kind: LoggedChange, _ cursor: inout ChangeCursor
    ) throws(EngineError) {
        let row: RowID?
        let first = table.firstUnique
        if kind == .delete, first >= 0 {
            let key = try cursor.take(Int(try cursor.load(UInt32.self)))
            try validateKey(key, table, first)
            guard key.baseAddress != nil else { throw .malformedChanges("a deleted row has an empty key") }
            row = table.indexes[first].findLogged(probe: key, in: table.rows)
        } else {
            row = table.find(equalTo: try cursor.image(of: table))
        }
        guard let row else { throw .malformedChanges("a deleted row is not in table '\(table.schema.name)'") }
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
            let row = indexes[firstUnique].findLogged(keyOf: start, in: rows)
        else { throw .malformedChanges("a replaced row is not in table '\(schema.name)'") }
        if storage.fitsInPlace(row, byteCount: image.count) {
            overwrite(row, with: image, unchanged: firstUnique)
            return
        }
        dropRow(row)
        guard let moved = storage.insert(image) else { throw .tableFull(table: schema.name) }
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

/// Reads logged changes; every length is checked.
private struct ChangeCursor {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    mutating func next() throws(EngineError) -> LoggedChange? {
        if rest.isEmpty { return nil }
        let byte = try load(UInt8.self)
        guard let kind = LoggedChange(rawValue: byte) else { throw .malformedChanges("there is no change \(byte)") }
        return kind
    }

    mutating func take(_ count: Int) throws(EngineError) -> UnsafeRawBufferPointer {
        guard count <= rest.count else { throw .malformedChanges("the changes end early") }
        let bytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return bytes
    }

    mutating func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(EngineError) -> Value {
        Value(littleEndian: try take(MemoryLayout<Value>.size).loadUnaligned(as: type))
    }

    mutating func image(of table: TableRef) throws(EngineError) -> UnsafeRawBufferPointer {
        let fixed = table.layout.fixedSize
        let count: Int
        if let fixed { count = fixed } else { count = Int(try load(UInt32.self)) }
        let image = try take(count)
        do throws(BSATNError) { try table.layout.validate(image) } catch {
            throw .malformedRow(table: table.schema.name, cause: error)
        }
        return image
    }
}
