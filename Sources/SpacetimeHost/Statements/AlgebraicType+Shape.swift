package import SpacetimeSATS

extension AlgebraicType {
    /// True if values of one type are values of the other: types that differ in nothing but the names of fields and cases.
    package func hasSameShape(as other: AlgebraicType) -> Bool {
        switch (self, other) {
        // A time is no duration, though both are a number of microseconds.
        case (.product, .product) where isSpecialProduct || other.isSpecialProduct: self == other
        case (.product(let left), .product(let right)):
            left.elements.count == right.elements.count
                && zip(left.elements, right.elements).allSatisfy { $0.algebraicType.hasSameShape(as: $1.algebraicType) }
        case (.sum(let left), .sum(let right)):
            left.variants.count == right.variants.count
                && zip(left.variants, right.variants).allSatisfy { $0.algebraicType.hasSameShape(as: $1.algebraicType) }
        case (.array(let left), .array(let right)): left.hasSameShape(as: right)
        default: self == other
        }
    }
}
