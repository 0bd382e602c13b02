package import SpacetimeSchema

// Memory safety. Valid images: of the table, in memory of the caller. Rests of keys lie in the bytes that they were
// put into.

/// An order of the rows of one table: by the values of some fields, the first before the second, each as an index over it
/// would order it. What a row does not have, such as the payload of another case, is behind all that others have, as nil is.
///
/// Free of references into the table, so that it serves snapshots.
package struct RowOrder {
    private struct Field {
        let column: Int
        /// The way into the column's value; each step with the type that it starts from.
        let steps: [(step: FieldPath.Step, from: Int32)]
        /// The type of what is at its end.
        let node: Int32
    }

    private let layout: RowLayout
    private let fields: [Field]

    /// - Throws: `invalidCondition` if a field is not there.
    package init(_ paths: [FieldPath], for schema: TableSchema) throws(EngineError) {
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        var fields: [Field] = []
        for path in paths {
            guard let field = Self.field(path, schema, layout) else {
                throw .invalidCondition(
                    table: schema.name, reason: "rows are to be ordered by \(path), which is not there")
            }
            fields.append(field)
        }
        self.fields = fields
    }

    private static func field(_ path: FieldPath, _ schema: TableSchema, _ layout: borrowing RowLayout) -> Field? {
        guard schema.columns.indices.contains(path.column.index) else { return nil }
        let program = layout.program
        var node = layout.columns[path.column.index].node
        var steps: [(step: FieldPath.Step, from: Int32)] = []
        for step in path.steps {
            let entry = program.nodes[Int(node)]
            let child: Int
            switch step {
            case .field(let position) where entry.kind == .product: child = position
            case .payload(let tag) where entry.kind == .sum: child = Int(tag)
            default: return nil
            }
            guard child < Int(entry.childCount) else { return nil }
            steps.append((step, node))
            node = program.children[Int(entry.firstChild) + child]
        }
        return Field(column: path.column.index, steps: steps, node: node)
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
            if let value = unsafe locate(field, in: row, &key) {
                unsafe layout.program.appendKey(field.node, at: value, to: &key)
            } else {
                key.append(1)
            }
        }
    }

    /// Where a field is in a row; nil if the row has another case. Notes each case on the way, so that those who have it
    /// come before those who do not.
    private func locate(_ field: Field, in row: UnsafeRawPointer, _ key: inout KeyBuffer) -> UnsafeRawPointer? {
        let program = layout.program
        var address = unsafe row + layout.offset(of: field.column, in: row)
        for (step, node) in field.steps {
            switch step {
            case .field(let position):
                let firstChild = Int(program.nodes[Int(node)].firstChild)
                for i in 0..<position { unsafe address += program.size(program.children[firstChild + i], at: address) }
            case .payload(let tag):
                guard unsafe address.load(as: UInt8.self) == tag else { return nil }
                key.append(0)
                unsafe address += 1
            }
        }
        return unsafe address
    }
}
