package import SpacetimeSchema

// Memory safety. Valid images: of the table, in memory of the caller. Rests of keys lie in the bytes that they were
// put into.

/// An order of the rows of one table: by the values of some fields, the first before the second, each as an index over it
/// would order it, or the other way round. What a row does not have, such as the payload of another case, is behind all that
/// others have, as nil is; in a descending order before them. Rows that are equal in all of the fields are ordered by their
/// bytes, so that there is one order only, and it does not depend on the way in which rows were found.
///
/// Free of references into the table, so that it serves snapshots.
package struct RowOrder: Sendable {
    package struct Term: Hashable, Sendable {
        package var path: FieldPath
        package var isDescending: Bool

        package init(_ path: FieldPath, isDescending: Bool = false) {
            self.path = path
            self.isDescending = isDescending
        }
    }

    private struct Part {
        let field: RowField
        let isDescending: Bool
    }

    private let layout: RowLayout
    private let parts: [Part]

    /// All fields ascending.
    ///
    /// - Throws: `invalidCondition` if a field is not there.
    package init(_ paths: [FieldPath], for schema: TableSchema) throws(EngineError) {
        try self.init(paths.map { Term($0) }, for: schema)
    }

    /// - Throws: `invalidCondition` if a field is not there.
    package init(_ terms: [Term], for schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var parts: [Part] = []
        for term in terms {
            guard let field = RowField(term.path, schema, layout) else {
                throw .invalidCondition(
                    table: schema.name, reason: "rows are to be ordered by \(term.path), which is not there")
            }
            parts.append(Part(field: field, isDescending: term.isDescending))
        }
        self.parts = parts
    }

    /// The images of valid rows of the table, in order.
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
        for part in parts { unsafe layout.append(part.field, of: row, isDescending: part.isDescending, to: &key) }
    }
}

extension RowLayout {
    /// Appends key bytes of what a row has as a field: whatever is missing is behind all values, or before them.
    func append(_ field: RowField, of row: UnsafeRawPointer, isDescending: Bool, to key: inout KeyBuffer) {
        let start = key.count
        if let value = unsafe field.locate(in: row, self) {
            if !field.isTotal { key.append(0) }
            unsafe program.appendKey(field.node, at: value, to: &key)
        } else {
            key.append(1)
        }
        // No key is the beginning of another one, so this turns their order round.
        if isDescending { key.complement(from: start) }
    }
}
