/// When a scheduled function runs: over and over, or once.
@frozen public enum ScheduleAt: Hashable, Sendable, BitwiseCopyable {
    /// Again and again, this far apart.
    case interval(TimeDuration)
    /// Once, at this time.
    case time(Timestamp)
}

extension ScheduleAt: SpacetimeType {
    /// A special sum, always inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .scheduleAt }
    /// Reads a tag and eight bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) {
        self =
            try reader.readTag(below: 2) == 0
            ? .interval(TimeDuration(from: &reader)) : .time(Timestamp(from: &reader))
    }
    /// Writes a tag and eight bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .interval(let interval):
            writer.writeTag(0)
            interval.encode(to: &writer)
        case .time(let time):
            writer.writeTag(1)
            time.encode(to: &writer)
        }
    }
    /// Always 9.
    @inlinable public static var bsatnFixedSize: Int? { 9 }
}
