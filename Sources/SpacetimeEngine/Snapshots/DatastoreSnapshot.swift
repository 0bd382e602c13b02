package import SpacetimeSchema

// Memory safety. Valid images: of frozen pages, which are good as long as the copy that they are in.

/// The rows of all tables at one moment, readable from any thread while the writer goes on.
///
/// Taking one costs a reference for each page; afterwards the writer saves what it changes before it changes it, and
/// reading copies page by page. Dropping the last reference ends that, and gives back what was saved.
///
/// Rows are shown in memory that is good until the body returns: whoever keeps one copies it.
package final class DatastoreSnapshot: Sendable {
    struct Table: Sendable {
        let schema: TableSchema
        let isEphemeral: Bool
        let geometry: PageGeometry
        let pages: [Page?]
        /// What the writer has saved of them: for this snapshot, and for those that lived when it was taken.
        let saved: [SavedPieces]
        let count: Int
        /// The next value of each sequence, in column order.
        let sequences: [Int128]
        /// Keeps what is saved.
        let hold: SnapshotHold
    }

    private let tables: [TableID: Table]
    let indexes: SnapshotIndexes

    init(tables: [TableID: Table], indexes: SnapshotIndexes = SnapshotIndexes()) {
        self.tables = tables
        self.indexes = indexes
    }

    /// The same, with some tables as they are in another snapshot of the same datastore. Each table keeps what it needs.
    package func adding(_ ids: [TableID], of other: DatastoreSnapshot) -> DatastoreSnapshot {
        adding(ids.map { (id: $0, source: $0) }, of: other)
    }

    /// The same, with tables of a snapshot of any datastore, which may have other ids there.
    package func adding(_ ids: [(id: TableID, source: TableID)], of other: DatastoreSnapshot) -> DatastoreSnapshot {
        var tables = tables
        for (id, source) in ids { tables[id] = other.tables[source] }
        return DatastoreSnapshot(tables: tables, indexes: SnapshotIndexes(besides: indexes, of: Set(ids.map(\.id))))
    }

    /// The ids of the tables, ascending.
    package var tableIDs: [TableID] { tables.keys.sorted() }

    /// The ids of the tables whose rows are kept in files, ascending.
    package var keptTableIDs: [TableID] { tableIDs.filter { tables[$0]?.isEphemeral == false } }

    package func schema(of table: TableID) -> TableSchema? { tables[table]?.schema }

    func table(_ id: TableID) -> Table? { tables[id] }

    /// The next value of each of the table's sequences, in column order.
    package func sequencePositions(of table: TableID) -> [Int128] { tables[table]?.sequences ?? [] }

    /// Calls `body` with the bytes to save of each page that has rows, in order; they are valid during the call.
    ///
    /// They hold the rows that are there and zeros: nothing of deleted rows, or of longer ones that a row replaced.
    package func forEachPage<E: Error>(
        of id: TableID, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        guard let table = tables[id] else { return }
        var buffer = SavingBuffer()
        try table.forEachPage { (_, page) throws(E) in
            let byteCount = table.geometry.save(page, into: &buffer)
            if byteCount > 0 { try unsafe body(buffer.bytes(byteCount)) }
        }
    }

    /// Rows in a table; 0 if there is no such table.
    package func count(_ table: TableID) -> Int { tables[table]?.count ?? 0 }

    /// How many pages a table has; 0 if there is no such table.
    package func pageCount(of table: TableID) -> Int { tables[table]?.pages.count ?? 0 }

    /// Calls `body` with every row that satisfies the predicate, in page order. Linear in the rows of the table.
    ///
    /// - Parameter pages: only those on these pages; nil for all.
    package func forEachRow<E: Error>(
        of id: TableID, onPages pages: Range<Int>? = nil, where predicate: CompiledPredicate? = nil,
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        guard let table = tables[id] else { return }
        try unsafe table.forEachRow(onPages: pages) { (_, image) throws(E) in
            if let predicate, unsafe !predicate.matches(image) { return }
            try unsafe body(image)
        }
    }
}

extension DatastoreSnapshot.Table {
    /// Calls `body` with every page that there is, as it was, and its number.
    ///
    /// - Parameter wanted: only these; nil for all.
    func forEachPage<E: Error>(
        _ wanted: Range<Int>? = nil, _ body: (Int, FrozenPage) throws(E) -> Void
    ) throws(E) {
        let wanted = wanted?.clamped(to: pages.indices) ?? pages.indices
        if wanted.isEmpty { return }
        var copy = PageCopy()
        for number in wanted {
            if let page = pages[number] { try body(number, copy.load(page, number, of: self)) }
        }
    }

    /// Calls `body` with every row, in page order.
    ///
    /// - Parameter wanted: only those on these pages; nil for all.
    func forEachRow<E: Error>(
        onPages wanted: Range<Int>? = nil, _ body: (RowID, UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try forEachPage(wanted) { (number, page) throws(E) in
            for unit in page.liveUnits {
                let slot = unsafe page.rows + geometry.offset(ofUnit: unit)
                try unsafe body(geometry.rowID(page: number, unit: unit), geometry.image(inSlot: slot))
            }
        }
    }
}
