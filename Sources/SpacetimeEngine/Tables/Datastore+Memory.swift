import SpacetimeSchema

extension Datastore {
    /// What a table takes.
    package struct TableMemory {
        package let rowCount: Int
        /// Free slots included.
        package let pageByteCount: Int
        package let indexes: [(name: String, byteCount: Int)]
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
            indexes: indexes)
    }
}
