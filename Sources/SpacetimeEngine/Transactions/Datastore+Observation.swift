// Memory safety. Living ids: a deleted row keeps its slot to the end of the transaction.

extension Datastore {
    /// Whether the running transaction wrote to a table whose changes commits report. Linear in the writes, at well
    /// below a nanosecond each: it spares a commit that nobody looks at the collecting of its changes.
    package var hasObservedChanges: Bool {
        if state.observedCount == 0 { return false }
        var previous: TableRef?
        for i in 0..<state.undo.count {
            let table = state.undo.records[i].table
            if table == previous { continue }
            if table.isObserved { return true }
            previous = table
        }
        return false
    }

    /// Calls `body` with every row of a table that the running transaction has deleted, not counting those that an update
    /// replaced: whoever has their keys now is another row, even if it looks the same. Linear in the writes.
    package func forEachDeletedRow(of id: TableID, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard let table = try? table(id) else { return }
        for i in 0..<state.undo.count {
            let record = state.undo.records[i]
            guard record.table == table, record.kind == .delete, !record.isMove else { continue }
            // A deleted row keeps its slot to the end of the transaction.
            unsafe body(table.storage.image(record.row))
        }
    }
}
