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
}
