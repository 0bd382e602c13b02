// Durations and times come from clients, so arithmetic on them saturates at the ends of the range instead of trapping.

extension Int64 {
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}

extension TimeDuration {
    /// The longest duration, about 292,000 years.
    public static var max: TimeDuration { TimeDuration(microseconds: .max) }

    /// This many microseconds.
    public static func microseconds(_ count: Int64) -> TimeDuration { TimeDuration(microseconds: count) }

    /// This many milliseconds, at most ``max``.
    public static func milliseconds(_ count: Int64) -> TimeDuration { clamped(count, 1_000) }

    /// This many seconds, at most ``max``.
    public static func seconds(_ count: Int64) -> TimeDuration { clamped(count, 1_000_000) }

    /// This many times 60 seconds, at most ``max``.
    public static func minutes(_ count: Int64) -> TimeDuration { clamped(count, 60_000_000) }

    /// This many times 60 minutes, at most ``max``.
    public static func hours(_ count: Int64) -> TimeDuration { clamped(count, 3_600_000_000) }

    /// This many times 24 hours, at most ``max``.
    public static func days(_ count: Int64) -> TimeDuration { clamped(count, 86_400_000_000) }

    private static func clamped(_ count: Int64, _ unit: Int64) -> TimeDuration {
        let (product, overflow) = count.multipliedReportingOverflow(by: unit)
        return TimeDuration(microseconds: overflow ? (count < 0 ? .min : .max) : product)
    }

    /// From a duration of Swift: fractions of a microsecond are dropped, what does not fit becomes the nearest that does.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let whole = Self.clamped(seconds, 1_000_000).microseconds
        self.init(microseconds: whole.addingClamped(attoseconds / 1_000_000_000_000))
    }

    /// As a duration of Swift, exactly.
    public var duration: Duration { .microseconds(microseconds) }

    /// The sum, or the nearest duration in range.
    public static func + (left: TimeDuration, right: TimeDuration) -> TimeDuration {
        TimeDuration(microseconds: left.microseconds.addingClamped(right.microseconds))
    }

    /// The difference, or the nearest duration in range.
    public static func - (left: TimeDuration, right: TimeDuration) -> TimeDuration {
        TimeDuration(microseconds: left.microseconds.subtractingClamped(right.microseconds))
    }
}

extension TimeDuration: CustomStringConvertible {
    /// Sign, seconds, and six digits after the dot: `+1.500000`.
    public var description: String {
        let magnitude = microseconds.magnitude
        return "\(microseconds < 0 ? "-" : "+")\(magnitude / 1_000_000).\(padded(Int64(magnitude % 1_000_000), 6))"
    }
}

/// `value`, not negative, with zeros in front up to `width` digits.
func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
}

extension Duration {
    /// This many times 60 seconds.
    public static func minutes(_ count: Int) -> Duration { .seconds(60) * count }

    /// This many times 60 minutes.
    public static func hours(_ count: Int) -> Duration { .seconds(3_600) * count }

    /// This many times 24 hours.
    public static func days(_ count: Int) -> Duration { .seconds(86_400) * count }
}
