package import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. Checked bytes: rows are validated one by one, up to the end that is there.

/// Takes the rows out of an array of them that comes from outside, as a view returns it.
package struct RowSplitter: Sendable {
    private let layout: RowLayout

    package init(_ schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
    }

    /// The rows in the BSATN of an array of them. Valid for as long as the bytes are.
    ///
    /// - Throws: if the bytes are not such an array.
    package func rows(inArray bytes: UnsafeRawBufferPointer) throws(BSATNError) -> [UnsafeRawBufferPointer] {
        try unsafe layout.rows(inArray: bytes)
    }
}
