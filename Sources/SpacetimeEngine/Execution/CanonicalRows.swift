package import SpacetimeSchema

// Memory safety. Valid images: rows have the layout. Lent buffers: an image is lent during the call.

/// Gives rows that are equal in the key order of their columns equal bytes: NaNs become the ordinary NaN, and -0 becomes +0.
package final class CanonicalRows {
    private let layout: RowLayout
    /// False if equal rows have equal bytes anyway.
    private let changes: Bool
    private var buffer = KeyBuffer()

    package init(_ schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        let program = layout.program
        changes = layout.columns.contains { !program.nodes[Int($0.node)].isCanonical }
    }

    /// The canonical image of a valid row.
    package func image(of row: UnsafeRawBufferPointer) -> [UInt8] {
        guard changes, let start = row.baseAddress else { return unsafe Array(row) }
        buffer.removeAll()
        var offset = 0
        for column in layout.columns {
            unsafe offset += layout.program.appendCanonical(column.node, at: start + offset, to: &buffer)
        }
        return unsafe Array(buffer.bytes)
    }
}
