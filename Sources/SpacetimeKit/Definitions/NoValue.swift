public import SpacetimeSATS

/// What a procedure returns that returns nothing.
public struct NoValue: SpacetimeType, Hashable {
    /// There is one value of it.
    public init() {}

    public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .unit }
    public static var bsatnFixedSize: Int? { 0 }
    public init(from reader: inout BSATNReader) throws(BSATNError) {}
    public func encode(to writer: inout BSATNWriter) {}
}
