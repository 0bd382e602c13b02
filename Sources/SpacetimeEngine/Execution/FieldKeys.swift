package import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. Valid images: rows come from the datastore. Checked bytes: values are validated as what their fields are.

/// Makes keys of some fields of the rows of one table: bytes that are equal exactly where the fields are, by the key order
/// of their types (so that 0 and -0 are one key, and so are all NaNs).
///
/// What is looked up for each changed row when queries are found by the values they ask for.
package struct FieldKeys: Sendable {
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
                throw .invalidCondition(table: schema.name, reason: "\(path) is not there")
            }
            fields.append(field)
        }
        self.fields = fields
    }

    package var count: Int { fields.count }

    /// Calls `body` with the key of a valid row, unless one of the fields is missing in it.
    @inline(__always)
    package func withKey(
        of row: UnsafeRawBufferPointer, in scratch: inout KeyScratch, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        scratch.buffer.removeAll()
        guard unsafe append(row, to: &scratch.buffer) else { return }
        unsafe body(scratch.buffer.bytes)
    }

    private func append(_ row: UnsafeRawBufferPointer, to key: inout KeyBuffer) -> Bool {
        guard let start = row.baseAddress else { return fields.isEmpty }
        for field in fields {
            guard let value = unsafe field.locate(in: start, layout) else { return false }
            unsafe layout.program.appendKey(field.node, at: value, to: &key)
        }
        return true
    }

    /// Calls `body` with the key of rows whose fields have some values, unless one of these is no value of its field.
    ///
    /// - Parameters:
    ///   - count: of the fields.
    ///   - value: what the field at a position has.
    package func withKey(
        of count: Int, in scratch: inout KeyScratch, _ value: (Int) -> [UInt8],
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        scratch.buffer.removeAll()
        for position in 0..<count {
            do throws(BSATNError) { try append(value(position), at: position, to: &scratch.buffer) } catch { return }
        }
        unsafe body(scratch.buffer.bytes)
    }

    /// The key of rows whose field at a position has a value, as the part of the whole key that the field makes.
    ///
    /// - Throws: if the bytes are no value of the field's type.
    package func key(of value: [UInt8], at position: Int) throws(BSATNError) -> [UInt8] {
        var key = KeyBuffer()
        try append(value, at: position, to: &key)
        return unsafe Array(key.bytes)
    }

    private func append(_ value: [UInt8], at position: Int, to key: inout KeyBuffer) throws(BSATNError) {
        let node = fields[position].node
        var end = 0
        try unsafe value.withBytes { (bytes) throws(BSATNError) in
            try unsafe layout.program.validate(node, in: bytes, at: &end)
            // A value without bytes has no address, and nothing is read from the one that serves.
            unsafe _ = layout.program.appendKey(
                node, at: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, to: &key)
        }
        guard end == value.count else { throw .trailingBytes(at: end, count: value.count - end) }
    }

    /// The different keys of several values of one field, in key order.
    ///
    /// - Throws: if the bytes are not so many values of the field's type.
    package func keys(of values: ValueList, at position: Int) throws(BSATNError) -> [[UInt8]] {
        let node = fields[position].node
        let places = try layout.program.places(of: values, node)
        var keys: [[UInt8]] = []
        for range in layout.program.distinct(values, places, node) {
            var key = KeyBuffer()
            unsafe values.bytes.withUnsafeBytes { bytes in
                // A value without bytes has no address; the key's own serves, from which nothing is read.
                let start = unsafe bytes.baseAddress.map { unsafe $0 + range.lowerBound }
                unsafe _ = layout.program.appendKey(node, at: start ?? UnsafeRawPointer(bitPattern: 8)!, to: &key)
            }
            unsafe keys.append(Array(key.bytes))
        }
        return keys
    }
}

/// Memory for keys that is used again and again.
package struct KeyScratch: ~Copyable {
    var buffer = KeyBuffer()

    package init() {}
}
