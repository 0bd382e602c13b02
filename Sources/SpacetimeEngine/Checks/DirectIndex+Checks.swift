extension DirectIndex {
    /// Checks both parts and returns the entries in key order.
    func checkedEntries() throws(InvariantViolation) -> [(key: UInt64, row: RowID)] {
        var entries: [(key: UInt64, row: RowID)] = []
        for (number, chunk) in chunks.enumerated() {
            guard let chunk else { continue }
            let used = (0..<Self.chunkCount).count { chunk[$0] != 0 }
            try check(used > 0 && used == Int(chunk[Self.chunkCount]), "\(used) rows in a chunk, counted otherwise")
            for i in 0..<Self.chunkCount where chunk[i] != 0 {
                entries.append((UInt64(number) << Self.chunkBits | UInt64(i), RowID(chunk[i] - 1)))
            }
        }
        let near = entries.count
        try check(near == directCount, "\(near) near entries, \(directCount) counted")
        entries += try far.checkedEntries { _, _ in 0 }
        try check(entries[near...].allSatisfy { $0.key >= Self.keyLimit }, "a small key is in the far part")
        return entries
    }
}
