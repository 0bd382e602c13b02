import SpacetimeEngine

extension DatastoreSnapshot {
    /// Calls `body` with every row of a table that satisfies the predicate, in page order, with the help of other threads if that
    /// pays.
    ///
    /// - Parameter isWanted: asked now and then on the calling thread; false ends the scan.
    func forEachRow<E: Error>(
        of table: TableID, where predicate: CompiledPredicate, sharing: ScanSharing = ScanSharing(),
        while isWanted: () -> Bool = { true }, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        let pageCount = self.pageCount(of: table)
        let pieces = stride(from: 0, to: pageCount, by: sharing.pageCount).map {
            $0..<min($0 + sharing.pageCount, pageCount)
        }
        guard sharing.helpers.count > 0, pieces.count >= sharing.leastPieces else {
            for pages in pieces where isWanted() {
                try forEachRow(of: table, onPages: pages, where: predicate, body)
            }
            return
        }
        let work = ScanWork(pieces.count, sharing.helpers) { [self] number, isOver in
            var rows = RowBatch()
            if !isOver() { forEachRow(of: table, onPages: pieces[number], where: predicate) { rows.append($0) } }
            return rows
        }
        defer { work.end() }
        for (number, pages) in pieces.enumerated() {
            if !isWanted() { return }
            if let rows = work.take(number) {
                try rows.forEach(body)
            } else {
                try forEachRow(of: table, onPages: pages, where: predicate, body)
            }
        }
    }
}
