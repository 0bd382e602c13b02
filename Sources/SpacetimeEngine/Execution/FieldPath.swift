package import SpacetimeSATS
package import SpacetimeSchema

/// Where a condition finds a value in a row: a column, and the way into it.
package struct FieldPath: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// A field of a product, by its position.
        case field(Int)
        /// The payload of a variant, by its tag. A value of another variant has nothing there.
        case payload(UInt8)
    }

    package var column: ColumnID
    package var steps: [Step]

    package init(_ column: ColumnID, _ steps: [Step] = []) {
        self.column = column
        self.steps = steps
    }

    /// True if every row has a value there.
    package var isTotal: Bool {
        steps.allSatisfy { if case .field = $0 { true } else { false } }
    }
}

extension FieldPath: CustomStringConvertible {
    package var description: String {
        steps.reduce("#\(column.rawValue)") { text, step in
            switch step {
            case .field(let position): "\(text).\(position)"
            case .payload(let tag): "\(text)?\(tag)"
            }
        }
    }
}

/// Values of one type, in BSATN one after the other.
package struct ValueList: Hashable, Sendable {
    package var count: Int
    package var bytes: [UInt8]

    package init(count: Int, bytes: [UInt8]) {
        self.count = count
        self.bytes = bytes
    }

    /// The values of an array in BSATN; nil if the bytes are too few for its count.
    package init?(array: [UInt8]) {
        guard array.count >= 4 else { return nil }
        let count = array[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
        self.init(count: count, bytes: Array(array[4...]))
    }

    /// The values as an array in BSATN.
    package var array: [UInt8] { UInt32(truncatingIfNeeded: count).bsatn() + bytes }
}

extension TableSchema {
    /// The type of what a path leads to; nil if it leads nowhere.
    package func type(of path: FieldPath) -> AlgebraicType? {
        guard var type = column(path.column)?.type else { return nil }
        for step in path.steps {
            switch (step, type) {
            case (.field(let position), .product(let product)) where product.elements.indices.contains(position):
                type = product.elements[position].algebraicType
            case (.payload(let tag), .sum(let sum)) where sum.variants.indices.contains(Int(tag)):
                type = sum.variants[Int(tag)].algebraicType
            default: return nil
            }
        }
        return type
    }
}
