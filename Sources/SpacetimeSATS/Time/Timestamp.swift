/// A point in time, to the microsecond.
@frozen public struct Timestamp: Hashable, Sendable, BitwiseCopyable {
    /// Microseconds since 1970-01-01T00:00:00Z, negative before that.
    public var microsecondsSinceUnixEpoch: Int64

    /// Wraps the number.
    @inlinable public init(microsecondsSinceUnixEpoch: Int64) {
        self.microsecondsSinceUnixEpoch = microsecondsSinceUnixEpoch
    }

    /// 1970-01-01T00:00:00Z
    @inlinable public static var unixEpoch: Timestamp { Timestamp(microsecondsSinceUnixEpoch: 0) }
}

extension Timestamp: Comparable {
    /// The order of the numbers.
    @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSinceUnixEpoch < right.microsecondsSinceUnixEpoch
    }
}

extension Timestamp: SpacetimeType {
    /// A special product, always inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .timestamp }
    /// Reads 8 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self.init(microsecondsSinceUnixEpoch: try reader.readI64())
    }
    /// Writes 8 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(microsecondsSinceUnixEpoch) }
    /// Always 8.
    @inlinable public static var bsatnFixedSize: Int? { 8 }
}
