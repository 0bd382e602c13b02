import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: typed code made the row. Checked bytes: keys are validated first. Still pages: the old
// row is not looked at any more when the table has been written.

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
        guard table.firstUnique >= 0 else { return try unsafe insert(id, row: image) ? .inserted : .unchanged }
        try requireTransaction()
        // Rows are deleted and inserted only, which needs no savepoint that seals what overwrites have recorded.
        let before = Savepoint(serial: state.serial, recordCount: state.undo.count)
        var replaced = 0
        for i in table.firstUnique..<table.indexCount
        where unsafe table.indexes[i].isUnique && !table.isGenerated(keyOf: start, in: i) {
            guard let present = unsafe table.indexes[i].find(keyOf: start, in: table.rows) else {
                continue
            }
            let old = unsafe table.storage.image(present)
            // The identical row has all the keys, so nothing was deleted before it was met.
            if unsafe rule == .ignore || equalBytes(old, UnsafeRawBufferPointer(image)) { return .unchanged }
            unsafe replaced += try deleteRow(id, equalTo: old) ? 1 : 0
        }
        do throws(EngineError) {
            // The identical row may also be one without a key in any of those indexes.
            let isNew = try unsafe insert(id, row: image)
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
        if table.indexes[position].isUnique, let start = image.baseAddress,
            unsafe table.indexes[position].find(keyOf: start, in: table.rows) == nil
        {
            _ = try unsafe insert(table.id, row: image)
        } else {
            try unsafe update(id, row: image)
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
        guard table.indexes[position].isUnique else {
            throw .indexNotUnique(index: table.indexes[position].schema.name)
        }
        try unsafe validateKey(key, table, position)
        guard let probe = key.baseAddress, let start = UnsafeRawPointer(image.baseAddress),
            let row = unsafe table.indexes[position].find(
                probe: probe, byteCount: key.count, in: table.rows)
        else { throw unsafe table.noSuchRow(position, key: key) }
        let old = unsafe UnsafeRawPointer(table.storage.imageStart(row))
        var isAhead = false
        if table.sequenceCount > 0 {
            isAhead = try unsafe drawNumbers(table, for: image.baseAddress.unsafelyUnwrapped, replacing: old)
        }
        let keepsKey = unsafe !table.indexes[position].keysDiffer(old, start, table.rows)
        // No index has the last position: with another key all of them are checked and written.
        try unsafe replace(table, row, UnsafeRawBufferPointer(image), foundThrough: keepsKey ? position : .max)
        if isAhead { unsafe moveSequences(table, past: start) }
    }

    /// The error of an update that finds no row with that key.
    @inline(never)
    package func noSuchRow(_ id: IndexID, key: UnsafeRawBufferPointer) -> EngineError {
        do throws(EngineError) {
            let (table, position) = try index(id)
            return unsafe table.noSuchRow(position, key: key)
        } catch { return error }
    }
}

extension TableRef {
    /// Whether a part of the row's key in that index is zero and will be a new number once the row is inserted: then no
    /// row has the key.
    fileprivate func isGenerated(keyOf row: UnsafeRawPointer, in index: Int) -> Bool {
        guard sequenceCount > 0 else { return false }
        let columns = indexes[index].schema.columns
        for number in 0..<sequenceCount {
            let sequence = sequences.reference(to: number)
            guard columns.contains(where: { $0.index == sequence.value.column }) else { continue }
            let bytes = unsafe layout.bytes(of: sequence.value.column, in: row)
            if unsafe bytes.allSatisfy({ $0 == 0 }) { return true }
        }
        return false
    }
}
