package import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

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

extension AlgebraicType {
    /// True if there are equal values with different bytes.
    package var hasFloats: Bool {
        switch self {
        case .f32, .f64: true
        case .array(let element): element.hasFloats
        case .product(let product): product.elements.contains { $0.algebraicType.hasFloats }
        case .sum(let sum): sum.variants.contains { $0.algebraicType.hasFloats }
        default: false
        }
    }
}
