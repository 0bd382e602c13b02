/// The rows that left the result of a live query and those that came into it, each once: what is the same before and after is in
/// neither.
package struct RowChanges: Sendable, Hashable {
    package var deletes = RowBatch()
    package var inserts = RowBatch()

    package init() {}

    package var isEmpty: Bool { deletes.isEmpty && inserts.isEmpty }
}
