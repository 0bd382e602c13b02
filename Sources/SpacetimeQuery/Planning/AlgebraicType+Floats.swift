package import SpacetimeSATS

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
