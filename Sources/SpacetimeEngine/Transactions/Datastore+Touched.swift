// Memory safety. Living ids, valid images: what the undo log names is there until the transaction ends.

extension Datastore {
    /// Calls `body` with the images that the running transaction has made out of date and those that it has put in their place,
    /// of tables that are wanted: for finding out what depends on them. Some may be there more than once, and rows that came and
    /// went again may be among them. Linear in the writes.
    package func forEachTouchedRow(
        wanting isWanted: (TableID) -> Bool, _ body: (TableID, UnsafeRawBufferPointer) -> Void
    ) {
        var (previous, isPreviousWanted): (TableRef?, Bool) = (nil, false)
        for i in 0..<state.undo.count {
            let record = state.undo.records[i]
            let table = record.table
            if table != previous {
                previous = table
                isPreviousWanted = isWanted(table.id)
            }
            guard isPreviousWanted else { continue }
            switch record.kind {
            case .overwrite: unsafe body(table.id, state.undo.oldImage(record))
            // A deleted row keeps its slot to the end of the transaction.
            case .delete: unsafe body(table.id, table.storage.image(record.row))
            case .insert: break
            }
            if record.kind != .delete, table.storage.isLive(record.row) {
                unsafe body(table.id, table.storage.image(record.row))
            }
        }
    }

    /// What the running transaction has changed so far in the tables that are wanted; nil if nothing. Linear in the writes.
    package func netChanges(wanting isWanted: (TableID) -> Bool) -> ChangeSet? {
        var (previous, isPreviousWanted): (TableRef?, Bool) = (nil, false)
        func wants(_ table: TableRef) -> Bool {
            if table != previous {
                previous = table
                isPreviousWanted = isWanted(table.id)
            }
            return isPreviousWanted
        }
        if state.undo.count == 0 { return nil }
        state.changes.collect(state.undo, wanting: wants)
        let set = state.changes.changeSet(of: wants)
        return set.isEmpty ? nil : set
    }

    /// True if the running transaction has written to a table that files keep. Linear in the writes until one is found.
    package var hasKeptChanges: Bool {
        for i in 0..<state.undo.count where !state.undo.records[i].table.isEphemeral { return true }
        return false
    }
}
