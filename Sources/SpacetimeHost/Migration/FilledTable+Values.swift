package import SpacetimeSATS
import SpacetimeSchema

/// Rows without a Swift type.
extension FilledTable {
    /// Inserts a product whose fields are the columns in their order.
    ///
    /// - Throws: `malformedRow` if the fields are not of the columns' types. Their bytes alone might pass as such.
    package func insert(_ row: AlgebraicValue) throws(DatabaseError) {
        guard case .product(let fields) = row, fields.count == schema.columns.count else {
            throw DatabaseError(
                .malformedRow,
                "a row of table '\(schema.name)' is a product of \(schema.columns.count) values: \(schema.columnText)")
        }
        for (position, (column, field)) in zip(schema.columns, fields).enumerated()
        where !field.isValue(of: column.type) {
            throw DatabaseError(
                .malformedRow,
                "value \(position + 1) of a row of table '\(schema.name)' is \(field.shortText), which is none of column "
                    + "'\(column.swiftText)'; the columns are \(schema.columnText)")
        }
        var writer = BSATNWriter()
        row.encode(to: &writer)
        try insert(&writer)
    }
}

extension AlgebraicValue {
    /// Whether this is a value of the type, which must be free of references.
    fileprivate func isValue(of type: AlgebraicType) -> Bool {
        switch (self, type) {
        case (.bool, .bool), (.i8, .i8), (.u8, .u8), (.i16, .i16), (.u16, .u16), (.i32, .i32), (.u32, .u32),
            (.i64, .i64), (.u64, .u64), (.i128, .i128), (.u128, .u128), (.i256, .i256), (.u256, .u256), (.f32, .f32),
            (.f64, .f64), (.string, .string), (.bytes, .array(.u8)):
            true
        case (.array(let elements), .array(let element)): elements.allSatisfy { $0.isValue(of: element) }
        case (.product(let fields), .product(let product)):
            fields.count == product.elements.count
                && zip(fields, product.elements).allSatisfy { $0.isValue(of: $1.algebraicType) }
        case (.sum(let tag, let payload), .sum(let sum)):
            Int(tag) < sum.variants.count && payload.isValue(of: sum.variants[Int(tag)].algebraicType)
        default: false
        }
    }

    /// The value, or the beginning of its text.
    fileprivate var shortText: String {
        let text = "\(self)"
        return text.count > 60 ? text.prefix(60) + "…" : text
    }
}
