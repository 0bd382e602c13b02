/// Entering many rows into the indexes at once.
extension TableRef {
    /// Enters all rows, which are known to obey the constraints.
    ///
    /// Rows are entered in the order of each index's keys, a batch at a time: in the order of the table each would go to a
    /// place of its own, and be waited for.
    ///
    /// - Parameter batchLimit: rows that are sorted together: enough for neighbours in an index to lie in the same cache
    ///   lines, and little memory.
    func indexAll(batchLimit: Int = 1 << 20) {
        guard count > 0 else { return }
        for i in 0..<indexCount { indexes[i].reserve(count) }
        let limit = min(count, batchLimit)
        let rows = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: limit)
        let entries = UnsafeMutableBufferPointer<SortedEntry>.allocate(capacity: limit)
        let scratch = UnsafeMutableBufferPointer<SortedEntry>.allocate(capacity: limit)
        defer {
            rows.deallocate()
            entries.deallocate()
            scratch.deallocate()
        }
        var filled = 0
        func enter() {
            let batch = UnsafeBufferPointer(rebasing: rows[..<filled])
            for i in 0..<indexCount {
                indexes[i].insert(
                    batch, UnsafeMutableBufferPointer(rebasing: entries[..<filled]),
                    UnsafeMutableBufferPointer(rebasing: scratch[..<filled]), self.rows)
            }
            if hashesWholeRows { for row in batch { indexWholeRow(RowID(row)) } }
            filled = 0
        }
        forEachRow { row in
            rows.initializeElement(at: filled, to: row.rawValue)
            filled += 1
            if filled == limit { enter() }
        }
        enter()
    }
}

extension TableIndex {
    /// Adds rows that are not there, in the order of their keys where keys are integers.
    ///
    /// - Parameters:
    ///   - entries: memory for as many entries as there are rows, of no particular content.
    ///   - scratch: the same again.
    mutating func insert(
        _ batch: UnsafeBufferPointer<UInt32>, _ entries: UnsafeMutableBufferPointer<SortedEntry>,
        _ scratch: UnsafeMutableBufferPointer<SortedEntry>, _ table: RowsRef
    ) {
        guard !batch.isEmpty else { return }
        guard let integer, structure != .direct else {
            for row in batch {
                let image = UnsafeRawPointer(table.storage.imageStart(RowID(row)))
                insert(RowID(row), image: image, table)
            }
            return
        }
        for (position, row) in batch.enumerated() {
            let key = integer.key(ofRow: UnsafeRawPointer(table.storage.imageStart(RowID(row))), table)
            entries.initializeElement(
                at: position,
                to: SortedEntry(key: structure == .hash ? UInt64(hashInteger(key, seed: seed)) : key, row: row))
        }
        radixSort(entries, scratch: scratch)
        insertSorted(UnsafeBufferPointer(entries))
    }
}
