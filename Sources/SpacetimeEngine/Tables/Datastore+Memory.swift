import SpacetimeSchema

extension Datastore {
    /// What a table takes.
    package struct TableMemory {
        package let rowCount: Int
        /// Free slots included.
        package let pageByteCount: Int
        /// Bytes of slots without a row.
        package let freeByteCount: Int
        package let indexes: [(name: String, byteCount: Int)]

        package var byteCount: Int { indexes.reduce(pageByteCount) { $0 + $1.byteCount } }
    }

    /// What no table has at the moment.
    package struct SharedMemory {
        /// Empty pages that wait for any table to need them, and memory kept ready for copies.
        package let pooledByteCount: Int
        /// Pages that snapshots hold and their tables have changed or given up since.
        package let snapshotByteCount: Int
    }

    /// Measures a table; linear in its pages.
    package func memory(of id: TableID) -> TableMemory? {
        guard let table = try? table(id) else { return nil }
        var indexes = (0..<table.pointee.indexCount).map { i in
            let index = table.pointee.indexPointer(i)
            return (name: index.pointee.schema.name, byteCount: index.pointee.byteCount)
        }
        if table.pointee.firstUnique < 0 { indexes.append((name: "", byteCount: table.pointee.wholeRowIndexByteCount)) }
        return TableMemory(
            rowCount: table.pointee.count, pageByteCount: table.pointee.rowsPointer().pointee.storage.byteCount,
            freeByteCount: table.pointee.rowsPointer().pointee.storage.freeByteCount, indexes: indexes)
    }

    /// Measures what lies beside the tables; linear in all pages.
    package func sharedMemory() -> SharedMemory {
        let usage = pool.usage
        var ofTables = 0
        for id in tableIDs {
            guard let table = try? table(id) else { continue }
            ofTables += table.pointee.rowsPointer().pointee.storage.byteCount
            for i in 0..<table.pointee.indexCount { ofTables += table.pointee.indexPointer(i).pointee.poolByteCount }
        }
        // Pages that a table shares with another, as after a migration, count for both.
        return SharedMemory(pooledByteCount: usage.pooled, snapshotByteCount: max(0, usage.used - ofTables))
    }
}
