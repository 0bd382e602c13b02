import NIOCore
import SpacetimeHost

/// Counts what happens against a ``RateLimit``. A value of one event loop; it reads no clock.
///
/// It remembers one time: when all that has happened would be paid for at the permitted rate. So it costs an addition and a
/// comparison, whatever the rate.
struct RateLimiter {
    private let nanosecondsEach: Double
    /// How far ``paid`` may be ahead of now.
    private let ahead: Double
    private var paid = -Double.infinity

    /// Whether a new one would do as well.
    func isFull(at now: NIODeadline) -> Bool { paid <= Double(now.uptimeNanoseconds) }

    init(_ limit: RateLimit) {
        nanosecondsEach = 1e9 / limit.perSecond
        ahead = nanosecondsEach * limit.burst
    }

    /// Counts something that is only done if it may be.
    ///
    /// - Returns: nil if it may be done; else how long to wait for it. Then it was not counted.
    mutating func admit(at now: NIODeadline) -> TimeAmount? {
        let time = Double(now.uptimeNanoseconds)
        let after = max(paid, time) + nanosecondsEach
        // Sums of fractions are not exact.
        if after - time > ahead * 1.000_001 { return .nanoseconds(Int64((after - time - ahead).rounded(.up))) }
        paid = after
        return nil
    }

    /// Counts things that are done in any case.
    ///
    /// - Returns: how long to do none of them from now on; nil if more may be done at once.
    mutating func charge(_ count: Int, at now: NIODeadline) -> TimeAmount? {
        let time = Double(now.uptimeNanoseconds)
        paid = max(paid, time) + nanosecondsEach * Double(count)
        let excess = paid - time - ahead
        return excess > ahead * 0.000_001 ? .nanoseconds(Int64(excess.rounded(.up))) : nil
    }
}
