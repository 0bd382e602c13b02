/// A tagged union: an enum whose cases carry a payload each. At most 256 variants, since the tag is one byte.
@frozen public struct SumType: Hashable, Sendable {
    /// How many variants a sum can have.
    public static var variantLimit: Int { 256 }

    /// One variant; its tag is its position.
    @frozen public struct Variant: Hashable, Sendable {
        /// The variant's name.
        public var name: String?
        /// The payload's type, unit if there is none.
        public var algebraicType: AlgebraicType

        /// A variant, named or not.
        @inlinable public init(name: String?, algebraicType: AlgebraicType) {
            self.name = name
            self.algebraicType = algebraicType
        }
    }

    /// The variants in the order of their tags.
    public var variants: [Variant]

    /// From variants.
    @inlinable public init(_ variants: [Variant]) { self.variants = variants }

    /// From named variants.
    @inlinable public init(_ named: [(String, AlgebraicType)]) {
        variants = named.map { Variant(name: $0.0, algebraicType: $0.1) }
    }
}
