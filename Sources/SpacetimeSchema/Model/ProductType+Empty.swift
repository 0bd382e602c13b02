package import SpacetimeSATS

extension ProductType {
    /// No fields: the parameters of a function that takes none.
    package static var empty: ProductType { ProductType([] as [Element]) }
}
