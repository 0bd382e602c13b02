import SpacetimeSATS

extension CaseConversionPolicy {
    /// The canonical name of a table or function, or the name of a column, field or parameter.
    func converted(_ name: String) -> String {
        switch self {
        case .none: name
        case .snakeCase: CaseConversion.snake(name)
        }
    }

    func convertedVariant(_ name: String) -> String {
        switch self {
        case .none: name
        case .snakeCase: CaseConversion.camel(name)
        }
    }

    func convertedType(_ name: String) -> String {
        switch self {
        case .none: name
        case .snakeCase: CaseConversion.pascal(name)
        }
    }

    /// Renames fields and variants at every level. Special types keep all their names, since they are recognised by
    /// them.
    func converted(_ type: AlgebraicType) -> AlgebraicType {
        guard self != .none else { return type }
        switch type {
        case .array(let element):
            return .array(converted(element))
        case .product(var product) where !type.isSpecialProduct:
            for position in product.elements.indices {
                product.elements[position].name = product.elements[position].name.map { converted($0) }
                product.elements[position].algebraicType = converted(product.elements[position].algebraicType)
            }
            return .product(product)
        case .sum(var sum) where !type.isSpecialSum:
            for position in sum.variants.indices {
                sum.variants[position].name = sum.variants[position].name.map { convertedVariant($0) }
                sum.variants[position].algebraicType = converted(sum.variants[position].algebraicType)
            }
            return .sum(sum)
        default:
            return type
        }
    }
}
