/// A span of time, to the microsecond; may be negative.
@frozen public struct TimeDuration: Hashable, Sendable, BitwiseCopyable {
    /// The length in microseconds.
    public var microseconds: Int64

    /// Wraps the number.
    @inlinable public init(microseconds: Int64) { self.microseconds = microseconds }

    /// No time at all.
    @inlinable public static var zero: TimeDuration { TimeDuration(microseconds: 0) }
}

extension TimeDuration: Comparable {
    /// The order of the numbers.
    @inlinable public static func < (left: TimeDuration, right: TimeDuration) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension TimeDuration: SpacetimeType {
    /// A special product, always inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .timeDuration }
    /// Reads 8 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self.init(microseconds: try reader.readI64())
    }
    /// Writes 8 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(microseconds) }
    /// Always 8.
    @inlinable public static var bsatnFixedSize: Int? { 8 }
}
