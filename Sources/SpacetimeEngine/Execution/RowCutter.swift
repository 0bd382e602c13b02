package import SpacetimeSchema

// Memory safety. Valid images: columns lie inside of the row, each from its own beginning to that of the next.

/// Puts rows together of some columns of others.
package struct RowCutter: Sendable {
    private let layout: RowLayout
    private let columns: [Int]

    /// - Parameter columns: positions in the schema, in the order in which they are wanted.
    package init(_ columns: [Int], of schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        for column in columns where !schema.columns.indices.contains(column) {
            throw .invalidCondition(table: schema.name, reason: "there is no column \(column)")
        }
        self.columns = columns
    }

    /// Appends the columns of a valid row.
    package func append(_ row: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard let start = row.baseAddress else { return }
        for column in columns {
            let first = unsafe layout.offset(of: column, in: start)
            let count = unsafe layout.program.size(layout.columns[column].node, at: start + first)
            unsafe output.append(contentsOf: UnsafeRawBufferPointer(start: start + first, count: count))
        }
    }
}
