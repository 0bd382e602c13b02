import SpacetimeEngine
import SpacetimeSchema

/// Where a database's memory is.
///
/// Pages belong to tables, 64 KiB each; a page that has lost its last row goes back to the database, and is used for the
/// next rows of any table. So a table whose rows come and go takes what its rows take, and one that was emptied a page
/// and a few kilobytes for each index.
public struct MemoryReport: Sendable, CustomStringConvertible {
    /// What one table takes.
    public struct Table: Sendable {
        /// The name that clients see.
        public let name: String
        /// Its rows at present.
        public let rowCount: Int
        /// Bytes of the pages that hold its rows, free slots included.
        public let pageByteCount: Int
        /// Of these, bytes that hold no row at present: new rows of a like size are put there.
        public let freeByteCount: Int
        /// Bytes of each index, by name. A table in which no unique index has a key for every row
        /// has one more, over whole rows, named "".
        public let indexes: [(name: String, byteCount: Int)]

        /// Pages and indexes together.
        public var byteCount: Int { indexes.reduce(pageByteCount) { $0 + $1.byteCount } }
    }

    /// The host's own tables included, in the order of their ids.
    public let tables: [Table]
    /// Bytes of empty pages that no table has and that the next rows of any table are put into. When they are more than an
    /// eighth of what is in use, and more than 4 MiB, the system gets memory back.
    public let pooledByteCount: Int
    /// Bytes of old versions of pages that are kept for snapshots: for backups, exports and long reads that are under
    /// way.
    public let snapshotByteCount: Int

    /// All of it.
    public var byteCount: Int { tables.reduce(pooledByteCount + snapshotByteCount) { $0 + $1.byteCount } }

    public var description: String {
        let lines = tables.map { table in
            "\(table.name): \(table.rowCount) rows, \(table.pageByteCount) bytes in pages, \(table.freeByteCount) of them free"
                + table.indexes.map { ", \($0.byteCount) in \($0.name.isEmpty ? "rows" : $0.name)" }.joined()
        }
        return
            (lines + ["empty pages: \(pooledByteCount) bytes", "held for snapshots: \(snapshotByteCount) bytes"])
            .joined(separator: "\n")
    }
}

extension DatabaseCore {
    /// Measures tables and indexes, under the lock; linear in the number of pages.
    package func memoryReport() throws(DatabaseError) -> MemoryReport {
        try runner.acquire()
        defer { runner.release() }
        let datastore = runner.datastore
        let shared = datastore.sharedMemory()
        return MemoryReport(
            tables: datastore.tableIDs.compactMap { id in
                guard let memory = datastore.memory(of: id), let schema = datastore.schema(of: id) else { return nil }
                return MemoryReport.Table(
                    name: schema.name, rowCount: memory.rowCount, pageByteCount: memory.pageByteCount,
                    freeByteCount: memory.freeByteCount, indexes: memory.indexes)
            }, pooledByteCount: shared.pooledByteCount, snapshotByteCount: shared.snapshotByteCount)
    }
}
