package import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Lent buffers: rows are copied. Living ids: a row is found right before it is dropped.

/// Bringing tables up to date that were filled with rows of others, which have changed since.
extension Datastore {
    /// Does in a table what a commit did in the one that it was filled from, as the log would keep it.
    ///
    /// Not inside a transaction. Sequences follow the rows that come.
    ///
    /// - Parameters:
    ///   - suffix: what each row has here behind what it has there: the values of columns that were added.
    ///   - log: gets what was done.
    /// - Throws: `uniqueViolation` if a row does not obey a constraint of this table, `malformedChanges` if a row is not there
    ///   that goes. The table then is of no use.
    package func follow(
        _ changes: TableChanges, appending suffix: [UInt8], into log: inout BSATNWriter
    ) throws(EngineError) {
        try requireNoTransaction("follow")
        let table = try self.table(changes.table)
        var current: TableRef?
        var row: [UInt8] = []
        var hasSparse = false
        try unsafe changes.deletes.forEach { image throws(EngineError) in
            try unsafe Self.extend(image, by: suffix, in: &row) { image throws(EngineError) in
                guard let old = unsafe table.find(equalTo: image) else {
                    throw .malformedChanges("a deleted row is not in table '\(table.schema.name)'")
                }
                unsafe ChangeCollector.appendDelete(image, of: table, &current, &log)
                table.dropRow(old)
                if table.storage.isSparse { hasSparse = true }
            }
        }
        try unsafe changes.inserts.forEach { image throws(EngineError) in
            try unsafe Self.extend(image, by: suffix, in: &row) { image throws(EngineError) in
                guard try unsafe table.enter(image) else { return }
                unsafe ChangeCollector.appendInsert(image, of: table, &current, &log)
                if table.sequenceCount > 0, let start = image.baseAddress { unsafe moveSequences(table, past: start) }
            }
        }
        if hasSparse { compactSparseTables(freed: changes.deletes.count) }
    }

    private static func extend(
        _ image: UnsafeRawBufferPointer, by suffix: [UInt8], in row: inout [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Void
    ) throws(EngineError) {
        if suffix.isEmpty { return try unsafe body(image) }
        row.removeAll(keepingCapacity: true)
        unsafe row.append(contentsOf: image)
        row.append(contentsOf: suffix)
        try unsafe row.withBytes(body)
    }
}

extension TableRef {
    /// Adds a row, outside of transactions.
    ///
    /// - Returns: false if it is there already.
    fileprivate func enter(_ image: UnsafeRawBufferPointer) throws(EngineError) -> Bool {
        if firstUnique >= 0, let start = image.baseAddress {
            for i in firstUnique..<indexCount where indexes[i].isUnique {
                guard let present = unsafe indexes[i].find(keyOf: start, in: rows) else { continue }
                if unsafe equalBytes(storage.image(present), image) { return false }
                throw unsafe uniqueViolation(i, start)
            }
        }
        if hashesWholeRows, unsafe find(equalTo: image) != nil { return false }
        guard let row = unsafe storage.insert(image) else { throw .tableFull(table: schema.name) }
        index(row)
        return true
    }
}
