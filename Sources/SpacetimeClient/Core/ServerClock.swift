import SpacetimeSATS

/// What a client knows of its server's clock, from the answers to its calls.
///
/// A call's timestamp was read by the server between the moment at which the call was sent and the one at which its answer came. So
/// each answer bounds the difference between the server's clock and the client's own from both sides, and what several answers say
/// holds together: the bounds are never wrong, however unequal the two ways are, and the quickest answers make them narrow.
struct ServerClock {
    /// Bounds of what the server's clock shows when the client's shows zero, in microseconds, and when they were true.
    private struct Bounds {
        var low: Int64
        var high: Int64
        var at: Duration
    }

    /// So much two clocks may run apart: one microsecond in so many.
    private static let driftDivisor: Int64 = 5_000
    /// A server need not read its clock anew for each call.
    private static let slack: Int64 = 100
    /// Times beyond are none that a clock shows: some thousand years on either side.
    private static let limit: Int64 = 1 << 56

    private var bounds: Bounds?

    /// An answer came.
    ///
    /// - Parameters:
    ///   - sent: when the call was sent, by the client's clock.
    ///   - received: when its answer came.
    ///   - server: what the server's clock showed in between.
    mutating func add(sent: Duration, received: Duration, server: Timestamp) {
        let time = server.microsecondsSinceUnixEpoch
        let (start, end) = (Self.microseconds(sent), Self.microseconds(received))
        guard time.magnitude < Self.limit, start.magnitude < Self.limit, end.magnitude < Self.limit, start <= end else {
            return
        }
        let sample = Bounds(low: time - end - Self.slack, high: time - start + Self.slack, at: received)
        guard let known = bounds.map({ Self.widened($0, at: received) }) else {
            bounds = sample
            return
        }
        let both = Bounds(low: max(known.low, sample.low), high: min(known.high, sample.high), at: received)
        // Somebody has set a clock: only what is new holds.
        bounds = both.low <= both.high ? both : sample
    }

    /// The time at the server, and by how much that may be wrong; nil before the first answer.
    func time(at now: Duration) -> ServerTime? {
        guard let bounds = bounds.map({ Self.widened($0, at: now) }) else { return nil }
        let half = (bounds.high - bounds.low) / 2
        return ServerTime(
            now: Timestamp(microsecondsSinceUnixEpoch: bounds.low + half + Self.microseconds(now)),
            uncertainty: TimeDuration(microseconds: half + 1))
    }

    private static func widened(_ bounds: Bounds, at now: Duration) -> Bounds {
        let drift = max(0, microseconds(now - bounds.at)) / driftDivisor
        return Bounds(low: bounds.low - drift, high: bounds.high + drift, at: now)
    }

    private static func microseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds.multipliedReportingOverflow(by: 1_000_000).partialValue &+ attoseconds / 1_000_000_000_000
    }
}
