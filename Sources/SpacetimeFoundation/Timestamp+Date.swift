public import SpacetimeSATS

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Microseconds from 1970 to 2001, where `Date` counts from.
private let referenceDate: Int64 = 978_307_200_000_000

extension Timestamp {
    /// The nearest microsecond, or the nearest time in range; a date that is not a number becomes the Unix epoch.
    public init(_ date: Date) {
        let interval = date.timeIntervalSinceReferenceDate
        let seconds = interval.rounded(.down)
        guard let whole = Int64(exactly: seconds) else {
            self = seconds.isNaN ? .unixEpoch : seconds < 0 ? .min : .max
            return
        }
        // The difference is exact: it lies between 0 and 1.
        let fraction = Int64(((interval - seconds) * 1_000_000).rounded())
        let reference = Timestamp(microsecondsSinceUnixEpoch: referenceDate)
        self = reference + TimeDuration.seconds(whole) + TimeDuration.microseconds(fraction)
    }
}

extension Date {
    /// The nearest date. Until the year 2137, and back to 1865, `Timestamp(date)` gives the same
    /// microsecond back; farther away a `Date` does not tell microseconds apart.
    public init(_ time: Timestamp) {
        // No time in range is so early that it would fall out of it here.
        let microseconds = Int128(time.microsecondsSinceUnixEpoch) - Int128(referenceDate)
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        self.init(timeIntervalSinceReferenceDate: Double(seconds) + Double(rest) / 1_000_000)
    }
}

extension TimeDuration {
    /// From seconds: the nearest microsecond, or the nearest duration in range; zero if `seconds` is not a number.
    public init(_ seconds: TimeInterval) {
        let microseconds = (seconds * 1_000_000).rounded()
        guard let whole = Int64(exactly: microseconds) else {
            self = microseconds.isNaN ? .zero : microseconds < 0 ? .min : .max
            return
        }
        self.init(microseconds: whole)
    }

    /// In seconds, as Foundation counts: the nearest `Double`, exact to the microsecond below 285 years.
    public var timeInterval: TimeInterval { Double(microseconds) / 1_000_000 }
}
