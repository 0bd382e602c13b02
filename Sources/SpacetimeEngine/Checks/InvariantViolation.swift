import SpacetimeSchema

/// What a walk over the engine's structures found to be wrong.
package struct InvariantViolation: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Throws the text unless the condition holds.
func check(_ condition: Bool, _ text: @autoclosure () -> String) throws(InvariantViolation) {
    if !condition { throw InvariantViolation(text()) }
}

extension Datastore {
    /// Walks over every page, bitmap, free list and index and compares them with each other. For tests: linear in
    /// everything, times the cost of one look-up.
    ///
    /// - Throws: a description of the first thing that is wrong.
    package func checkInvariants() throws(InvariantViolation) {
        for id in tableIDs {
            guard let table = state.tables[Int(id.rawValue)] else { continue }
            do throws(InvariantViolation) { try table.checkInvariants(pending: pendingSlots(table)) } catch {
                throw InvariantViolation("table '\(table.schema.name)': \(error)")
            }
        }
        try checkUndoLog()
        for id in tableIDs {
            guard let table = state.tables[Int(id.rawValue)] else { continue }
            var position = table.indexCount == 0 ? 0 : Int(table.indexes[0].id.rawValue)
            for i in 0..<table.indexCount {
                let index = Int(table.indexes[i].id.rawValue)
                try check(index == position && index < state.indexes.count, "index id \(index) is out of order")
                let entry = state.indexes[index]
                try check(entry.table == table && entry.position == i, "index id \(index) leads to another index")
                position = index + 1
            }
        }
    }

    /// Since the last savepoint no row was overwritten twice with its keys kept, and recorded both times.
    private func checkUndoLog() throws(InvariantViolation) {
        for i in state.undo.sealedCount..<state.undo.count {
            let record = state.undo.records[i]
            guard record.kind == .overwrite, record.keepsKeys else { continue }
            for earlier in state.undo.sealedCount..<i {
                let other = state.undo.records[earlier]
                try check(
                    other.kind != .overwrite || other.row != record.row || other.table != record.table,
                    "row \(record.row) has two records of the same kind")
            }
        }
    }

    /// Rows that are deleted but keep their slots until the transaction ends.
    private func pendingSlots(_ table: TableRef) -> Set<RowID> {
        var rows: Set<RowID> = []
        for i in 0..<state.undo.count {
            let record = state.undo.records[i]
            if record.table == table, record.kind == .delete { rows.insert(record.row) }
        }
        return rows
    }
}
