package import SpacetimeSchema

// Memory safety. Valid images: of the table, in memory of the caller. Rests of keys lie in the bytes that they were
// put into.

/// An order of the rows of one table: by the values of some fields, the first before the second, each as an index over it
/// would order it. What a row does not have, such as the payload of another case, is behind all that others have, as nil is.
///
/// Free of references into the table, so that it serves snapshots.
package struct RowOrder {
    private let layout: RowLayout
    private let fields: [RowField]

    /// - Throws: `invalidCondition` if a field is not there.
    package init(_ paths: [FieldPath], for schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var fields: [RowField] = []
        for path in paths {
            guard let field = RowField(path, schema, layout) else {
                throw .invalidCondition(
                    table: schema.name, reason: "rows are to be ordered by \(path), which is not there")
            }
            fields.append(field)
        }
        self.fields = fields
    }

    /// The images of valid rows of the table, in order. Rows that are equal in all of the fields are ordered by their bytes, so
    /// that the order does not depend on the way in which they were found.
    package func sorted(_ rows: [UnsafeRawBufferPointer]) -> [UnsafeRawBufferPointer] {
        struct Entry {
            /// The first eight bytes of the key, which mostly decide.
            let prefix: UInt64
            let rest: Range<Int>
            let place: Int
        }
        var entries: [Entry] = []
        unsafe entries.reserveCapacity(rows.count)
        var rests: [UInt8] = []
        var key = KeyBuffer()
        for place in unsafe rows.indices {
            let image = unsafe rows[place]
            key.removeAll()
            // A row without bytes has no address, and no field.
            if let row = image.baseAddress { unsafe appendKey(of: row, to: &key) }
            let start = rests.count
            unsafe rests.append(contentsOf: key.bytes.dropFirst(8))
            unsafe entries.append(Entry(prefix: keyPrefix(key.bytes), rest: start..<rests.count, place: place))
        }
        unsafe rests.withUnsafeBytes { rests in
            entries.sort { left, right in
                if left.prefix != right.prefix { return left.prefix < right.prefix }
                let order = unsafe compareBytes(
                    UnsafeRawBufferPointer(rebasing: rests[left.rest]),
                    UnsafeRawBufferPointer(rebasing: rests[right.rest]))
                return unsafe (order != 0 ? order : compareBytes(rows[left.place], rows[right.place])) < 0
            }
        }
        return unsafe entries.map { unsafe rows[$0.place] }
    }

    private func appendKey(of row: UnsafeRawPointer, to key: inout KeyBuffer) {
        for field in fields {
            // Each case on the way is noted, so that those who have it come before those who do not.
            if let value = unsafe field.locate(in: row, layout, onCase: { key.append(0) }) {
                unsafe layout.program.appendKey(field.node, at: value, to: &key)
            } else {
                key.append(1)
            }
        }
    }
}
