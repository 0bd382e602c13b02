public import SpacetimeSATS

/// An estimate of what a server's clock shows.
public struct ServerTime: Sendable, Hashable {
    /// The time at the server.
    public let now: Timestamp
    /// By how much it may be wrong, to either side. About half of the time that the quickest call took.
    public let uncertainty: TimeDuration
}
