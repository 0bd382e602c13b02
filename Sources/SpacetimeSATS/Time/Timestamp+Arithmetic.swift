// Saturates like the arithmetic of ``TimeDuration``.
//
// The forms with Swift's `Duration` are disfavoured, so that `time + .seconds(1)` means one thing: a ``TimeDuration``.

extension Timestamp {
    /// The first time in range, about 290,000 years before our era.
    public static var min: Timestamp { Timestamp(microsecondsSinceUnixEpoch: .min) }

    /// The last time in range, in the year 294247.
    public static var max: Timestamp { Timestamp(microsecondsSinceUnixEpoch: .max) }

    /// The time that much later, or the last one in range.
    @inlinable public static func + (time: Timestamp, duration: TimeDuration) -> Timestamp {
        Timestamp(microsecondsSinceUnixEpoch: time.microsecondsSinceUnixEpoch.addingClamped(duration.microseconds))
    }

    /// The time that much earlier, or the first one in range.
    @inlinable public static func - (time: Timestamp, duration: TimeDuration) -> Timestamp {
        Timestamp(
            microsecondsSinceUnixEpoch: time.microsecondsSinceUnixEpoch.subtractingClamped(duration.microseconds))
    }

    /// How much later `left` is than `right`, or the nearest duration in range.
    @inlinable public static func - (left: Timestamp, right: Timestamp) -> TimeDuration {
        TimeDuration(
            microseconds: left.microsecondsSinceUnixEpoch.subtractingClamped(right.microsecondsSinceUnixEpoch))
    }

    /// Moves the time later, at most to the last one in range.
    @inlinable public static func += (time: inout Timestamp, duration: TimeDuration) { time = time + duration }

    /// Moves the time earlier, at most to the first one in range.
    @inlinable public static func -= (time: inout Timestamp, duration: TimeDuration) { time = time - duration }

    /// The time that much later, or the last one in range; fractions of a microsecond are dropped from `duration`.
    @_disfavoredOverload
    public static func + (time: Timestamp, duration: Duration) -> Timestamp { time + TimeDuration(duration) }

    /// The time that much earlier, or the first one in range; fractions of a microsecond are dropped from `duration`.
    @_disfavoredOverload
    public static func - (time: Timestamp, duration: Duration) -> Timestamp { time - TimeDuration(duration) }

    /// Moves the time later, at most to the last one in range.
    @_disfavoredOverload
    public static func += (time: inout Timestamp, duration: Duration) { time = time + TimeDuration(duration) }

    /// Moves the time earlier, at most to the first one in range.
    @_disfavoredOverload
    public static func -= (time: inout Timestamp, duration: Duration) { time = time - TimeDuration(duration) }
}
