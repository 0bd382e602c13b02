// Memory safety. Living ids: those of an index lead to rows. Still pages: counting writes nothing.

extension Datastore {
    /// Entries of an index that are gone through for an estimate.
    private static var sampleLimit: Int { 2048 }

    /// How many different keys an index has. Exact for unique ones and small ones; else told from the first ones. Constant in
    /// the size of the index.
    package func estimatedKeyCount(of id: IndexID) -> Int {
        guard let (table, position) = try? index(id) else { return 0 }
        let index = table.indexes.reference(to: position)
        let count = index.value.count
        if count == 0 || index.value.isUnique && !index.value.exemptsNil { return count }
        guard index.value.structure == .orderedInteger || index.value.structure == .orderedBytes else { return count }
        guard case .positions(let start, let end) = index.value.select(.all, table.rows) else { return count }
        let columns = index.value.spec.columns
        // Keys of bytes are cut in the tree: equal ones may differ behind the cut.
        let isWhole = index.value.structure == .orderedInteger
        var keys = 0
        var seen = 0
        var place = start
        var last: (key: UInt64, row: UInt32)?
        while place != end, seen < Self.sampleLimit {
            let limit = place.leaf == end.leaf ? end.index : place.leaf.count
            while place.index < limit, seen < Self.sampleLimit {
                let next = (key: place.leaf.keys[place.index], row: place.leaf.rows[place.index])
                if let last, last.key == next.key, isWhole || isEqual(last.row, next.row, columns, table.rows) {
                    // The same key again.
                } else {
                    keys += 1
                }
                last = next
                seen += 1
                place.index += 1
            }
            guard place.leaf != end.leaf, let next = place.leaf.next else { break }
            if place.index >= place.leaf.count { place = BTree.Position(leaf: next, index: 0) }
        }
        return seen < Self.sampleLimit ? keys : max(keys * count / max(seen, 1), 1)
    }

    private func isEqual(_ left: UInt32, _ right: UInt32, _ columns: [Int], _ rows: RowsRef) -> Bool {
        unsafe Self.order(rows.storage.image(RowID(left)), rows.storage.image(RowID(right)), columns, rows) == 0
    }
}
