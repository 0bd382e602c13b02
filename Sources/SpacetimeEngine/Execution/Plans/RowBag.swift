/// Rows with weights: what a change makes of the result of a query in which a row may be several times.
///
/// Rows that come with opposite weights cancel each other. What is left comes out as deletes and inserts, a row as often as
/// its weight says. To be used again and again: memory of ordinary size is kept.
package struct RowBag: ~Copyable {
    private var rows = NumberedBytes()
    private var weights = Buffer<Int>(capacity: 16)

    package init() {}

    /// Adds a row so many times, or takes it away if the weight is negative. Does not allocate once it was as large.
    package mutating func add(_ row: UnsafeRawBufferPointer, _ weight: Int) {
        let (number, isNew) = unsafe rows.enter(row)
        if isNew { weights.append(weight) } else { weights[number] += weight }
    }

    package mutating func removeAll() {
        rows.removeAll()
        weights.removeAll(keeping: 1_024, orShrinkingTo: 16)
    }

    /// The number of different rows, with those that have cancelled out.
    package var count: Int { weights.count }

    /// Forgets the rows that have cancelled out.
    package mutating func dropCancelled() {
        var left = RowBag()
        unsafe forEach { row, weight in unsafe left.add(row, weight) }
        self = left
    }

    /// True if everything cancels out.
    package var isEmpty: Bool {
        for number in 0..<weights.count where weights[number] != 0 { return false }
        return true
    }

    /// Calls `body` with each row whose weight is not zero, in the order in which they first came. The row is valid during
    /// the call.
    package func forEach<E: Error>(_ body: (UnsafeRawBufferPointer, _ weight: Int) throws(E) -> Void) throws(E) {
        for number in 0..<weights.count where weights[number] != 0 { try unsafe body(rows[number], weights[number]) }
    }

    /// The rows that are fewer and those that are more, each as often as it changed.
    package func changes() -> (deletes: RowBatch, inserts: RowBatch) {
        var deletes = RowBatch()
        var inserts = RowBatch()
        unsafe forEach { row, weight in
            for _ in 0..<abs(weight) { unsafe weight < 0 ? deletes.append(row) : inserts.append(row) }
        }
        return (deletes, inserts)
    }
}
