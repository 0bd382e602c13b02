package import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema

/// A reducer that is called for each row of a table, over and over, each pass spread over a time.
package struct SlicedJobDefinition: Hashable, Sendable {
    /// Position of the reducer in the module's schema. Its one argument is the row.
    package var reducer: Int
    /// Position of the table.
    package var table: Int
    /// How long a pass may take, and the time from the beginning of one to that of the next.
    package var period: TimeDuration

    package init(reducer: Int, table: Int, period: TimeDuration) {
        self.reducer = reducer
        self.table = table
        self.period = period
    }
}

/// The host's table of how far the sliced jobs have come.
package struct JobTable: Sendable {
    package let id: TableID
    let key: IndexID

    static let schema = TableSchema(
        name: "st_sliced_job",
        columns: [
            ("reducer", .string), ("started", .timestamp), ("position", .array(.u8)), ("done", .u64),
            ("is_finished", .bool),
        ],
        primaryKey: [0],
        indexes: [
            IndexSchema(name: "st_sliced_job_reducer_idx_hash", algorithm: .hash, columns: [0], isUnique: true)
        ],
        access: .private, kind: .system)

    /// Nil if the datastore has none.
    init?(in datastore: Datastore) {
        guard let id = datastore.tableID(named: Self.schema.name) else { return nil }
        self.id = id
        key = datastore.indexIDs(of: id)[0]
    }
}
