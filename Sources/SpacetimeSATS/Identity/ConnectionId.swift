/// Which connection of an identity is speaking. Zero stands for "no connection".
@frozen public struct ConnectionId: Hashable, Sendable, BitwiseCopyable {
    /// The id as a number. Its big-endian bytes are what is displayed.
    public var number: UInt128

    /// Wraps the number.
    @inlinable public init(number: UInt128) { self.number = number }

    /// No connection: reserved, refused when a client proposes it.
    @inlinable public static var none: ConnectionId { ConnectionId(number: 0) }

    /// Whether this stands for "no connection".
    @inlinable public var isNone: Bool { number == 0 }
}

extension ConnectionId: Comparable {
    /// The order of the numbers.
    @inlinable public static func < (left: ConnectionId, right: ConnectionId) -> Bool { left.number < right.number }
}

extension ConnectionId: SpacetimeType {
    /// A special product, always inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .connectionId }
    /// Reads 16 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self.init(number: try reader.readU128())
    }
    /// Writes 16 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(number) }
    /// Always 16.
    @inlinable public static var bsatnFixedSize: Int? { 16 }
}
