package import SpacetimeSchema
import Synchronization

// Memory safety. Valid images: a snapshot holds its pages, and nobody writes to them.

/// The generations of the snapshots that are alive.
///
/// Guard: `live`. A snapshot leaves from whichever thread drops it; the writer asks once per transaction.
final class SnapshotRegistry: Sendable {
    private let live = Mutex<[UInt64]>([])

    func add(_ generation: UInt64) { live.withLock { $0.append(generation) } }

    func remove(_ generation: UInt64) { live.withLock { list in list.removeAll { $0 == generation } } }

    /// The newest generation that is still alive, or 0.
    ///
    /// Taking the lock orders every read of a snapshot that was dropped before the writes that follow.
    var newest: UInt64 { live.withLock { $0.max() ?? 0 } }
}

/// The rows of all tables at one moment, readable from any thread while the writer goes on.
///
/// Taking one copies an array of page references for each table; afterwards the writer copies a page before its first
/// change to it. Dropping the last reference ends that.
package final class DatastoreSnapshot: Sendable {
    struct Table: Sendable {
        let schema: TableSchema
        let isEphemeral: Bool
        let geometry: PageGeometry
        let pages: [Page?]
        let count: Int
        /// The next value of each sequence, in column order.
        let sequences: [Int128]
    }

    private let tables: [TableID: Table]
    let indexes = SnapshotIndexes()
    private let generation: UInt64
    private let registry: SnapshotRegistry
    private let pool: PagePool

    init(tables: [TableID: Table], generation: UInt64, registry: SnapshotRegistry, pool: PagePool) {
        self.pool = pool
        self.tables = tables
        self.generation = generation
        self.registry = registry
    }

    deinit { registry.remove(generation) }

    /// Keeps memory ready for the copies that this snapshot asks of the writer, so that the writer does not have to wait
    /// for it. To be called again and again by whoever takes long over the snapshot; ``releaseCopyMemory()`` ends it.
    package func prepareCopyMemory() { pool.prepareSpares() }

    /// Gives back what was kept ready and not used.
    package func releaseCopyMemory() { pool.releaseSpares() }

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
        for case let page? in table.pages {
            let byteCount = table.geometry.save(page, into: &buffer)
            if byteCount > 0 { try unsafe body(buffer.bytes(byteCount)) }
        }
    }

    /// Rows in a table; 0 if there is no such table.
    package func count(_ table: TableID) -> Int { tables[table]?.count ?? 0 }

    /// Calls `body` with every row that satisfies the predicate, in page order. Linear in the rows of the table.
    package func forEachRow<E: Error>(
        of id: TableID, where predicate: CompiledPredicate? = nil, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        guard let table = tables[id] else { return }
        try unsafe table.forEachRow { (_, image) throws(E) in
            if let predicate, unsafe !predicate.matches(image) { return }
            try unsafe body(image)
        }
    }
}

extension DatastoreSnapshot.Table {
    /// Calls `body` with every row, in page order.
    func forEachRow<E: Error>(_ body: (RowID, UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        for (number, page) in pages.enumerated() {
            guard let page else { continue }
            for unit in page.liveUnits {
                try unsafe body(geometry.rowID(page: number, unit: unit), image(in: page, unit))
            }
        }
    }

    /// The image of a row that is there.
    func image(_ row: RowID) -> UnsafeRawBufferPointer {
        guard let page = pages[geometry.page(of: row)] else {
            preconditionFailure("a snapshot was asked for a row that it does not hold")
        }
        return unsafe image(in: page, geometry.unit(of: row))
    }

    @inline(__always)
    func image(in page: Page, _ unit: Int) -> UnsafeRawBufferPointer {
        unsafe geometry.image(inSlot: UnsafeRawPointer(page.base + geometry.offset(ofUnit: unit)))
    }
}
