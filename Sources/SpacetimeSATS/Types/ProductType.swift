/// An ordered list of fields: a struct, a tuple, a row.
@frozen public struct ProductType: Hashable, Sendable {
    /// One field.
    @frozen public struct Element: Hashable, Sendable {
        /// The field's name; tuples have none.
        public var name: String?
        /// The field's type.
        public var algebraicType: AlgebraicType

        /// A field, named or not.
        @inlinable public init(name: String?, algebraicType: AlgebraicType) {
            self.name = name
            self.algebraicType = algebraicType
        }
    }

    /// The fields in order, which is also the order of their bytes.
    public var elements: [Element]

    /// From fields.
    @inlinable public init(_ elements: [Element]) { self.elements = elements }

    /// From named fields.
    @inlinable public init(_ named: [(String, AlgebraicType)]) {
        elements = named.map { Element(name: $0.0, algebraicType: $0.1) }
    }
}
