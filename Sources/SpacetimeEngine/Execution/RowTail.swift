package import SpacetimeSchema

// Memory safety. Valid images: the tail lies inside of the row.

/// The last columns of the rows of one layout: a row of a result behind what was only needed to choose it.
package struct RowTail: Sendable {
    private let layout: RowLayout
    private let first: Int

    /// - Parameter first: the first column that belongs to it. None does if there are no more columns: what is counted without a
    ///   look at it has none.
    package init(of schema: TableSchema, from first: Int) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        self.first = first
    }

    /// The part of a valid row. Valid for as long as the row is.
    package func bytes(of row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard first > 0, let start = row.baseAddress else { return unsafe row }
        if first >= layout.columns.count { return unsafe UnsafeRawBufferPointer(rebasing: row[row.count...]) }
        let offset = unsafe layout.offset(of: first, in: start)
        return unsafe UnsafeRawBufferPointer(rebasing: row[offset...])
    }
}
