/// When a scheduled function runs: over and over, or once.
@frozen public enum ScheduleAt: Hashable, Sendable, BitwiseCopyable {
    /// Again and again, this far apart.
    case interval(TimeDuration)
    /// Once, at this time.
    case time(Timestamp)
}

extension ScheduleAt: CustomStringConvertible, LosslessStringConvertible {
    /// The text of the time, `2023-11-14T22:13:20.123456Z`, or of the interval in seconds, `+5.000000`.
    public var description: String {
        switch self {
        case .interval(let interval): interval.description
        case .time(let time): time.description
        }
    }

    /// From a text that ``Timestamp`` or ``TimeDuration`` reads; no text is both. Nil for anything else.
    public init?(_ text: String) {
        if let time = Timestamp(text) {
            self = .time(time)
        } else if let interval = TimeDuration(text) {
            self = .interval(interval)
        } else {
            return nil
        }
    }
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
