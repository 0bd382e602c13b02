import SpacetimeSchema

extension StoredTable {
    /// Compares pages, bitmaps, free lists and indexes; `pending` are rows deleted by the running transaction.
    mutating func checkInvariants(pending: Set<RowID>) throws(InvariantViolation) {
        let live = try rowsPointer().pointee.storage.checkedRows(pending: pending)
        try checkImages(live)
        for i in 0..<indexCount {
            do throws(InvariantViolation) { try indexPointer(i).pointee.checkInvariants(rows: live, rows) } catch {
                throw InvariantViolation("index '\(indexPointer(i).pointee.schema.name)': \(error)")
            }
        }
        if hashesWholeRows { try checkWholeRows(live) }
        try checkScans()
    }

    private func checkScans() throws(InvariantViolation) {
        var previous: ScanState.Pointer?
        var next = openScans
        while let scan = next {
            guard scan.pointee.previous == previous else { throw InvariantViolation("the open scans are badly linked") }
            previous = scan
            next = scan.pointee.next
        }
    }

    private func checkImages(_ live: [RowID]) throws(InvariantViolation) {
        for row in live {
            let image = rowsPointer().pointee.storage.image(row)
            do { try rowsPointer().pointee.layout.validate(image) } catch {
                throw InvariantViolation("row \(row.rawValue) is malformed: \(error)")
            }
        }
    }

    private mutating func checkWholeRows(_ live: [RowID]) throws(InvariantViolation) {
        let entries = try wholeRows.checkedEntries()
        try check(entries.count == live.count, "\(entries.count) entries of whole rows for \(live.count) rows")
        for row in live {
            let found = find(equalTo: rowsPointer().pointee.storage.image(row))
            guard found == row else { throw InvariantViolation("row \(row) is found as \(String(describing: found))") }
        }
    }
}
