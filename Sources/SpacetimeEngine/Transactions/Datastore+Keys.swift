import SpacetimeSATS
import SpacetimeSchema

/// What an insert does about rows that stand in its way: other rows with a value that must be unique.
@usableFromInline
package enum ConflictRule: Sendable {
    /// Writes nothing.
    case ignore
    /// Deletes those rows first.
    case replace
}

/// What an insert did that went by a ``ConflictRule``.
@usableFromInline
package enum ConflictOutcome: Equatable, Sendable {
    case inserted
    /// Nothing was written: the identical row is there, or one that was not to be replaced.
    case unchanged
    /// The row is there, and so many others are gone.
    case replaced(Int)
}

/// Writes that say by key which rows they mean, or what happens to rows with the same keys.
extension Datastore {
    /// Inserts a row image unless unique keys forbid it, and then does what `rule` says. Never a unique violation.
    ///
    /// No number of a sequence is drawn for a row that is not inserted.
    @usableFromInline
    package func insert(
        _ id: TableID, row image: UnsafeMutableRawBufferPointer, rule: ConflictRule
    ) throws(EngineError) -> ConflictOutcome {
        let table = try table(id)
        guard let start = UnsafeRawPointer(image.baseAddress) else { return .unchanged }
        guard table.pointee.firstUnique >= 0 else { return try insert(id, row: image) ? .inserted : .unchanged }
        try requireTransaction()
        let before = savepoint()
        var replaced = 0
        for i in table.pointee.firstUnique..<table.pointee.indexCount
        where table.pointee.indexPointer(i).pointee.isUnique && !table.pointee.isGenerated(keyOf: start, in: i) {
            guard let present = table.pointee.indexPointer(i).pointee.find(keyOf: start, in: table.pointee.rows) else {
                continue
            }
            let old = table.pointee.rowsPointer().pointee.storage.image(present)
            // The identical row has all the keys, so nothing was deleted before it was met.
            if rule == .ignore || equalBytes(old, UnsafeRawBufferPointer(image)) { return .unchanged }
            replaced += try deleteRow(id, equalTo: old) ? 1 : 0
        }
        do throws(EngineError) {
            // The identical row may also be one without a key in any of those indexes.
            let isNew = try insert(id, row: image)
            return replaced > 0 ? .replaced(replaced) : isNew ? .inserted : .unchanged
        } catch {
            rollback(to: before)
            throw error
        }
    }

    /// Replaces the row that has the new row's key in a unique index, or inserts the row if there is none.
    @usableFromInline
    package func upsert(_ id: IndexID, row image: UnsafeMutableRawBufferPointer) throws(EngineError) {
        let (table, position) = try index(id)
        if table.pointee.indexPointer(position).pointee.isUnique, let start = image.baseAddress,
            table.pointee.indexPointer(position).pointee.find(keyOf: start, in: table.pointee.rows) == nil
        {
            _ = try insert(table.pointee.id, row: image)
        } else {
            try update(id, row: image)
        }
    }

    /// Replaces the row with that key (the BSATN of the index's columns) in a unique index by another one, which may
    /// have another key.
    @usableFromInline
    package func update(
        _ id: IndexID, key: UnsafeRawBufferPointer, row image: UnsafeMutableRawBufferPointer
    ) throws(EngineError) {
        let (table, position) = try index(id)
        try requireTransaction()
        guard table.pointee.indexPointer(position).pointee.isUnique else {
            throw .indexNotUnique(index: table.pointee.indexPointer(position).pointee.schema.name)
        }
        try validateKey(key, table, position)
        guard let probe = key.baseAddress, let start = UnsafeRawPointer(image.baseAddress),
            let row = table.pointee.indexPointer(position).pointee.find(
                probe: probe, byteCount: key.count, in: table.pointee.rows)
        else { throw table.pointee.noSuchRow(position, key: key) }
        let old = UnsafeRawPointer(table.pointee.rowsPointer().pointee.storage.imageStart(row))
        var isAhead = false
        if table.pointee.sequenceCount > 0 {
            isAhead = try drawNumbers(table, for: image.baseAddress.unsafelyUnwrapped, replacing: old)
        }
        let keepsKey = !table.pointee.indexPointer(position).pointee.keysDiffer(old, start, table.pointee.rows)
        // No index has the last position: with another key all of them are checked and written.
        try replace(table, row, UnsafeRawBufferPointer(image), foundThrough: keepsKey ? position : .max)
        if isAhead { moveSequences(table, past: start) }
    }

    /// The error of an update that finds no row with that key.
    @inline(never)
    package func noSuchRow(_ id: IndexID, key: UnsafeRawBufferPointer) -> EngineError {
        do throws(EngineError) {
            let (table, position) = try index(id)
            return table.pointee.noSuchRow(position, key: key)
        } catch { return error }
    }
}

extension StoredTable {
    /// Whether a part of the row's key in that index is zero and will be a new number once the row is inserted: then no
    /// row has the key.
    fileprivate mutating func isGenerated(keyOf row: UnsafeRawPointer, in index: Int) -> Bool {
        guard sequenceCount > 0 else { return false }
        let columns = indexPointer(index).pointee.schema.columns
        for number in 0..<sequenceCount {
            let sequence = sequencePointer(number)
            guard columns.contains(where: { $0.index == sequence.pointee.column }) else { continue }
            let bytes = rowsPointer().pointee.layout.bytes(of: sequence.pointee.column, in: row)
            if bytes.allSatisfy({ $0 == 0 }) { return true }
        }
        return false
    }
}
