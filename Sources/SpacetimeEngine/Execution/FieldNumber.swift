import SpacetimeSATS
package import SpacetimeSchema

// Memory safety. Valid images: rows come from the datastore. Checked bytes: a value is validated as what its field is.

/// Reads a field of the rows of one table as a floating-point number: an integer of up to 64 bits, a float, or a struct of
/// one such field, as times are.
///
/// Reading keeps the order, if not every digit: of two values the greater one is not read as less. That is what places in a
/// grid are told by.
package struct FieldNumber: Sendable {
    private enum Form {
        case signed(Int), unsigned(Int), float, double
    }

    private let layout: RowLayout
    private let field: RowField
    private let form: Form

    /// Nil if there is no such field, or it is no number.
    package init?(_ path: FieldPath, for schema: TableSchema) {
        guard let layout = try? RowLayout(schema.columns.map(\.type)), let field = RowField(path, schema, layout) else {
            return nil
        }
        var node = layout.program.nodes[Int(field.node)]
        while node.kind == .product, node.childCount == 1 {
            node = layout.program.nodes[Int(layout.program.children[Int(node.firstChild)])]
        }
        switch node.kind {
        case .signed where node.fixedSize <= 8: form = .signed(Int(node.fixedSize))
        case .unsigned where node.fixedSize <= 8: form = .unsigned(Int(node.fixedSize))
        case .float: form = node.fixedSize == 4 ? .float : .double
        default: return nil
        }
        self.layout = layout
        self.field = field
    }

    /// The field in a valid row; nil if it is missing there.
    package func value(in row: UnsafeRawBufferPointer) -> Double? {
        guard let start = row.baseAddress, let place = unsafe field.locate(in: start, layout) else { return nil }
        return unsafe number(at: place)
    }

    /// A value of the field's type; nil if the bytes are none.
    package func value(_ bytes: [UInt8]) -> Double? {
        unsafe bytes.withUnsafeBytes { bytes in
            var offset = 0
            guard let start = bytes.baseAddress,
                (try? unsafe layout.program.validate(field.node, in: bytes, at: &offset)) != nil,
                offset == bytes.count
            else { return nil }
            return unsafe number(at: start)
        }
    }

    private func number(at place: UnsafeRawPointer) -> Double {
        switch form {
        case .signed(1): unsafe Double(place.load(as: Int8.self))
        case .signed(2): unsafe Double(place.loadUnaligned(as: Int16.self))
        case .signed(4): unsafe Double(place.loadUnaligned(as: Int32.self))
        case .signed: unsafe Double(place.loadUnaligned(as: Int64.self))
        case .unsigned(1): unsafe Double(place.load(as: UInt8.self))
        case .unsigned(2): unsafe Double(place.loadUnaligned(as: UInt16.self))
        case .unsigned(4): unsafe Double(place.loadUnaligned(as: UInt32.self))
        case .unsigned: unsafe Double(place.loadUnaligned(as: UInt64.self))
        case .float: unsafe Double(Float(bitPattern: place.loadUnaligned(as: UInt32.self)))
        case .double: unsafe Double(bitPattern: place.loadUnaligned(as: UInt64.self))
        }
    }
}
