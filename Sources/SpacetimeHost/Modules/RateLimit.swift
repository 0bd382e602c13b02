/// How often something may happen: so many times a second in the long run, and so many at once after a pause.
///
/// ```swift
/// @Reducer(rate: .perSecond(2, burst: 10)) static func suggest(_ context: borrowing Context, title: String) throws {
///     try context.db.book.insert(Book(id: 0, title: title, shelf: "wishes", borrower: nil))
/// }
/// ```
public struct RateLimit: Hashable, Sendable {
    public var perSecond: Double
    public var burst: Double

    /// - Parameters:
    ///   - perSecond: at least 0.001.
    ///   - burst: at least 1. By default what a second allows.
    public init(perSecond: Double, burst: Double? = nil) {
        self.perSecond = max(perSecond, 0.001)
        self.burst = max(burst ?? perSecond, 1)
    }

    /// - Parameters:
    ///   - count: how many a second.
    ///   - burst: how many at once, at least 1. By default what a second allows.
    public static func perSecond(_ count: Double, burst: Double? = nil) -> RateLimit {
        RateLimit(perSecond: count, burst: burst)
    }

    /// - Parameters:
    ///   - count: how many a minute.
    ///   - burst: how many at once, at least 1. By default what a minute allows.
    public static func perMinute(_ count: Double, burst: Double? = nil) -> RateLimit {
        RateLimit(perSecond: count / 60, burst: burst ?? count)
    }
}
