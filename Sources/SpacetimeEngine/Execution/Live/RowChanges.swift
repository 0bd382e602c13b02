// Memory safety. Lent buffers: an image is lent during the call.

/// The rows that left the result of a live query and those that came into it, each once: what is the same before and after is in
/// neither.
package struct RowChanges: Sendable, Hashable {
    package var deletes = RowBatch()
    package var inserts = RowBatch()

    package init() {}

    package var isEmpty: Bool { deletes.isEmpty && inserts.isEmpty }

    /// Drops what is in both: rows that became equal by dropping what they differed in.
    package mutating func cancel() {
        if deletes.isEmpty || inserts.isEmpty { return }
        var bag = RowBag()
        unsafe deletes.forEach { unsafe bag.add($0, -1) }
        unsafe inserts.forEach { unsafe bag.add($0, 1) }
        (deletes, inserts) = bag.changes()
    }
}
