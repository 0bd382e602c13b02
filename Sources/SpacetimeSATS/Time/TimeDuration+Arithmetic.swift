// Durations and times come from clients, so arithmetic on them saturates at the ends of the range instead of trapping.

extension Int64 {
    @inlinable func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    @inlinable func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    @inlinable func multipliedClamped(by other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }
}

extension TimeDuration {
    /// The longest duration, about 292,000 years.
    public static var max: TimeDuration { TimeDuration(microseconds: .max) }

    /// The longest duration backwards.
    public static var min: TimeDuration { TimeDuration(microseconds: .min) }

    /// This many microseconds, or the nearest duration in range.
    @inlinable public static func microseconds(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 1) }

    /// This many milliseconds, or the nearest duration in range.
    @inlinable public static func milliseconds(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 1_000) }

    /// This many seconds, or the nearest duration in range.
    @inlinable public static func seconds(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 1_000_000) }

    /// This many times 60 seconds, or the nearest duration in range.
    @inlinable public static func minutes(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 60_000_000) }

    /// This many times 60 minutes, or the nearest duration in range.
    @inlinable public static func hours(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 3_600_000_000) }

    /// This many times 24 hours, or the nearest duration in range.
    @inlinable public static func days(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 86_400_000_000) }

    /// This many times seven days, or the nearest duration in range.
    @inlinable public static func weeks(_ count: some BinaryInteger) -> TimeDuration { clamped(count, 604_800_000_000) }

    @inlinable static func clamped(_ count: some BinaryInteger, _ unit: Int64) -> TimeDuration {
        TimeDuration(microseconds: Int64(clamping: count).multipliedClamped(by: unit))
    }

    /// From a duration of Swift: fractions of a microsecond are dropped, what does not fit becomes the nearest that does.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let whole = Self.clamped(seconds, 1_000_000).microseconds
        self.init(microseconds: whole.addingClamped(attoseconds / 1_000_000_000_000))
    }

    /// As a duration of Swift, exactly.
    public var duration: Duration { .microseconds(microseconds) }
}

extension TimeDuration: DurationProtocol {
    /// The sum, or the nearest duration in range.
    @inlinable public static func + (left: TimeDuration, right: TimeDuration) -> TimeDuration {
        TimeDuration(microseconds: left.microseconds.addingClamped(right.microseconds))
    }

    /// The difference, or the nearest duration in range.
    @inlinable public static func - (left: TimeDuration, right: TimeDuration) -> TimeDuration {
        TimeDuration(microseconds: left.microseconds.subtractingClamped(right.microseconds))
    }

    /// The multiple, or the nearest duration in range.
    @inlinable public static func * (duration: TimeDuration, factor: Int) -> TimeDuration {
        TimeDuration(microseconds: duration.microseconds.multipliedClamped(by: Int64(factor)))
    }

    /// That part of the duration, without fractions of a microsecond. Traps if `divisor` is zero.
    @inlinable public static func / (duration: TimeDuration, divisor: Int) -> TimeDuration {
        // The one quotient that does not fit.
        if divisor == -1 { return .zero - duration }
        return TimeDuration(microseconds: duration.microseconds / Int64(divisor))
    }

    /// How often `right` fits into `left`; infinite or not a number if `right` is zero.
    @inlinable public static func / (left: TimeDuration, right: TimeDuration) -> Double {
        Double(left.microseconds) / Double(right.microseconds)
    }
}

extension TimeDuration: CustomStringConvertible, LosslessStringConvertible {
    /// Sign, seconds, and six digits after the dot: `+1.500000`.
    public var description: String {
        let magnitude = microseconds.magnitude
        return "\(microseconds < 0 ? "-" : "+")\(magnitude / 1_000_000).\(padded(Int64(magnitude % 1_000_000), 6))"
    }

    /// From seconds in decimal, with or without a sign and a fraction of at most nine digits: `1.5`, `-0.000001`.
    ///
    /// Digits below the microsecond are dropped. Nil for anything else, and for durations out of range.
    public init?(_ text: String) {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var magnitude: Int128 = 0
        var digits = 0
        while let digit = rest.first, digit >= 48, digit <= 57 {
            magnitude = magnitude * 10 + Int128(digit - 48)
            digits += 1
            // Thirteen digits of seconds are in range; the rest can only be zeros in front.
            guard magnitude < 10_000_000_000_000 else { return nil }
            rest.removeFirst()
        }
        guard digits > 0 else { return nil }
        var fractionDigits = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard (1...9).contains(rest.count) else { return nil }
            while let digit = rest.first, digit >= 48, digit <= 57 {
                if fractionDigits < 6 {
                    magnitude = magnitude * 10 + Int128(digit - 48)
                    fractionDigits += 1
                }
                rest.removeFirst()
            }
        }
        guard rest.isEmpty else { return nil }
        for _ in fractionDigits..<6 { magnitude *= 10 }
        guard let microseconds = Int64(exactly: isNegative ? -magnitude : magnitude) else { return nil }
        self.init(microseconds: microseconds)
    }
}

/// `value`, not negative, with zeros in front up to `width` digits.
func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
}

// What the standard library stops at seconds with. As its own, these trap past the range of `Duration`, which is about
// 5,000 billion years.
extension Duration {
    /// This many times 60 seconds.
    @inlinable public static func minutes(_ count: some BinaryInteger) -> Duration { .seconds(60) * count }

    /// This many times 60 minutes.
    @inlinable public static func hours(_ count: some BinaryInteger) -> Duration { .seconds(3_600) * count }

    /// This many times 24 hours.
    @inlinable public static func days(_ count: some BinaryInteger) -> Duration { .seconds(86_400) * count }

    /// This many times seven days.
    @inlinable public static func weeks(_ count: some BinaryInteger) -> Duration { .seconds(604_800) * count }
}
