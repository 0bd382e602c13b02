import SpacetimeEngine
import SpacetimeSchema

/// Where a database's memory is.
public struct MemoryReport: Sendable, CustomStringConvertible {
    public struct Table: Sendable {
        public let name: String
        public let rowCount: Int
        /// Bytes of the pages that hold its rows, free slots included.
        public let pageByteCount: Int
        /// Bytes of each index, by name. A table without a unique index has one more, over whole rows, named "".
        public let indexes: [(name: String, byteCount: Int)]

        public var byteCount: Int { indexes.reduce(pageByteCount) { $0 + $1.byteCount } }
    }

    /// The host's own tables included, in the order of their ids.
    public let tables: [Table]

    public var byteCount: Int { tables.reduce(0) { $0 + $1.byteCount } }

    public var description: String {
        tables.map { table in
            "\(table.name): \(table.rowCount) rows, \(table.pageByteCount) bytes in pages"
                + table.indexes.map { ", \($0.byteCount) in \($0.name.isEmpty ? "rows" : $0.name)" }.joined()
        }.joined(separator: "\n")
    }
}

extension DatabaseCore {
    /// Measures tables and indexes, under the lock; linear in the number of pages.
    package func memoryReport() throws(DatabaseError) -> MemoryReport {
        try acquire()
        defer { release() }
        return MemoryReport(
            tables: datastore.tableIDs.compactMap { id in
                guard let memory = datastore.memory(of: id), let schema = datastore.schema(of: id) else { return nil }
                return MemoryReport.Table(
                    name: schema.name, rowCount: memory.rowCount, pageByteCount: memory.pageByteCount,
                    indexes: memory.indexes)
            })
    }
}
