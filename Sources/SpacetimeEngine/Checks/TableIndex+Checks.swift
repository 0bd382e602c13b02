// Memory safety. Living ids: the rows were found live on the pages. Still pages: checks write nothing.

extension TableIndex {
    /// Checks the structure, and that it holds exactly the given rows under their keys.
    mutating func checkInvariants(rows live: [RowID], _ table: RowsRef) throws(InvariantViolation) {
        let entries = try checkedEntries(table)
        try check(entries.count == live.count, "\(entries.count) entries for \(live.count) rows")
        try check(Set(entries) == Set(live), "the entries are not the rows of the table")
        try check(count == live.count, "\(count) entries counted for \(live.count) rows")
        var previous: [UInt8]?
        if structure != .hash {
            for row in entries {
                let key = encodedKey(row, table)
                if let previous {
                    try check(
                        isUnique && !isExempt(row, table)
                            ? previous.lexicographicallyPrecedes(key) : !key.lexicographicallyPrecedes(previous),
                        "the key of row \(row.rawValue) is out of order")
                }
                previous = key
            }
        } else {
            let keyed = live.filter { !isExempt($0, table) }
            try check(Set(keyed.map { encodedKey($0, table) }).count == keyed.count, "two rows have one key")
        }
        guard isUnique else { return }
        for row in live {
            let found = unsafe find(keyOf: UnsafeRawPointer(table.storage.imageStart(row)), in: table)
            let expected = isExempt(row, table) ? nil : row
            try check(found == expected, "row \(row.rawValue) is found as \(String(describing: found?.rawValue))")
        }
    }

    private mutating func checkedEntries(_ table: RowsRef) throws(InvariantViolation) -> [RowID] {
        switch structure {
        case .hash:
            let exempt = try checkedTree(table)
            for row in exempt { try check(isExempt(row, table), "row \(row.rawValue) has a key and is not hashed") }
            return try hash.checkedEntries().map(\.row) + exempt
        case .direct:
            let entries = try direct.checkedEntries()
            for entry in entries {
                try check(integerKey(entry.row, table) == entry.key, "row \(entry.row.rawValue) is at key \(entry.key)")
            }
            return entries.map(\.row)
        case .orderedInteger:
            let entries = try tree.checkedEntries { _, _ in 0 }
            for entry in entries {
                try check(integerKey(entry.row, table) == entry.key, "row \(entry.row.rawValue) is at key \(entry.key)")
            }
            return entries.map(\.row)
        case .orderedBytes: return try checkedTree(table)
        }
    }

    /// The rows of the tree whose keys are encoded.
    private mutating func checkedTree(_ table: RowsRef) throws(InvariantViolation) -> [RowID] {
        let entries = try tree.checkedEntries { left, right in
            let (left, right) = (encodedKey(left, table), encodedKey(right, table))
            return left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
        }
        for entry in entries {
            let prefix = unsafe encodedKey(entry.row, table).withUnsafeBytes { unsafe keyPrefix($0) }
            try check(prefix == entry.key, "row \(entry.row.rawValue) is at prefix \(entry.key)")
        }
        return entries.map(\.row)
    }

    private mutating func isExempt(_ row: RowID, _ table: RowsRef) -> Bool {
        unsafe exempts(UnsafeRawPointer(table.storage.imageStart(row)), table)
    }

    private func integerKey(_ row: RowID, _ table: RowsRef) -> UInt64? {
        unsafe spec.integer?.key(ofRow: UnsafeRawPointer(table.storage.imageStart(row)), table)
    }

    private func encodedKey(_ row: RowID, _ table: RowsRef) -> [UInt8] {
        var key = KeyBuffer()
        unsafe spec.appendKey(
            row: UnsafeRawPointer(table.storage.imageStart(row)), layout: table.layout, to: &key)
        return unsafe Array(key.bytes)
    }
}
