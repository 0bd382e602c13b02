/// A universally unique identifier. BSATN holds its sixteen bytes reversed, since the number is little-endian there.
@frozen public struct Uuid: Hashable, Sendable, BitwiseCopyable {
    /// The sixteen bytes read as a big-endian number.
    public var number: UInt128

    /// Wraps the number.
    @inlinable public init(number: UInt128) { self.number = number }

    /// All bits zero.
    @inlinable public static var `nil`: Uuid { Uuid(number: 0) }

    /// All bits one.
    @inlinable public static var max: Uuid { Uuid(number: .max) }
}

extension Uuid: Comparable {
    /// The order of the numbers.
    @inlinable public static func < (left: Uuid, right: Uuid) -> Bool { left.number < right.number }
}

extension Uuid: SpacetimeType {
    /// A special product, always inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .uuid }
    /// Reads 16 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self.init(number: try reader.readU128())
    }
    /// Writes 16 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(number) }
    /// Always 16.
    @inlinable public static var bsatnFixedSize: Int? { 16 }
}
