/// Who someone is, for good: a user, a service, or a database. Derived from the claims of a token.
@frozen public struct Identity: Hashable, Sendable, BitwiseCopyable {
    /// The identity as a number. Its big-endian bytes are what is displayed.
    public var number: UInt256

    /// Wraps the number.
    @inlinable public init(number: UInt256) { self.number = number }

    /// The number zero, which no token yields.
    @inlinable public static var zero: Identity { Identity(number: .zero) }
}

extension Identity: Comparable {
    /// The order of the numbers.
    @inlinable public static func < (left: Identity, right: Identity) -> Bool { left.number < right.number }
}

extension Identity: SpacetimeType {
    /// A special product, always inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .identity }
    /// Reads 32 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self.init(number: try reader.readU256())
    }
    /// Writes 32 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(number) }
    /// Always 32.
    @inlinable public static var bsatnFixedSize: Int? { 32 }
}
