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
        var indexes = (0..<table.indexCount).map { i in
            let index = table.indexes.reference(to: i)
            return (name: index.value.schema.name, byteCount: index.value.byteCount)
        }
        if table.firstUnique < 0 { indexes.append((name: "", byteCount: table.wholeRowIndexByteCount)) }
        return TableMemory(
            rowCount: table.count, pageByteCount: table.storage.byteCount,
            freeByteCount: table.storage.freeByteCount, indexes: indexes)
    }

    /// Measures what lies beside the tables; linear in all pages.
    package func sharedMemory() -> SharedMemory {
        let usage = pool.usage
        var ofTables = 0
        for id in tableIDs {
            guard let table = try? table(id) else { continue }
            ofTables += table.storage.byteCount
            for i in 0..<table.indexCount { ofTables += table.indexes[i].poolByteCount }
        }
        // Pages that a table shares with another, as after a migration, count for both.
        return SharedMemory(pooledByteCount: usage.pooled, snapshotByteCount: max(0, usage.used - ofTables))
    }
}
