import SpacetimeSchema

// Memory safety. Living ids: the rows were found live on the pages. Images are validated here, before anything else
// reads them.

extension TableRef {
    /// Compares pages, bitmaps, free lists and indexes; `pending` are rows deleted by the running transaction.
    func checkInvariants(pending: Set<RowID>) throws(InvariantViolation) {
        let live = try storage.checkedRows(pending: pending)
        try checkImages(live)
        for i in 0..<indexCount {
            do throws(InvariantViolation) { try indexes[i].checkInvariants(rows: live, rows) } catch {
                throw InvariantViolation("index '\(indexes[i].schema.name)': \(error)")
            }
        }
        if hashesWholeRows { try checkWholeRows(live) }
        try checkScans()
    }

    private func checkScans() throws(InvariantViolation) {
        var previous: Ref<ScanState>?
        var next = openScans
        while let scan = next {
            guard scan.value.previous == previous else { throw InvariantViolation("the open scans are badly linked") }
            previous = scan
            next = scan.value.next
        }
    }

    private func checkImages(_ live: [RowID]) throws(InvariantViolation) {
        for row in live {
            let image = unsafe storage.image(row)
            do { try unsafe layout.validate(image) } catch {
                throw InvariantViolation("row \(row.rawValue) is malformed: \(error)")
            }
        }
    }

    private func checkWholeRows(_ live: [RowID]) throws(InvariantViolation) {
        let entries = try value.wholeRows.checkedEntries()
        try check(entries.count == live.count, "\(entries.count) entries of whole rows for \(live.count) rows")
        for row in live {
            let found = unsafe find(equalTo: storage.image(row))
            guard found == row else { throw InvariantViolation("row \(row) is found as \(String(describing: found))") }
        }
    }
}
