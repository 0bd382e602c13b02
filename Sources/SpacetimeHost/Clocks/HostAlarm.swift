public import SpacetimeSATS

/// Rings once when its clock has reached a time.
public protocol HostAlarm: AnyObject, Sendable {
    /// Sets the alarm to a time, in place of an earlier one; nil: to none. A time that is past already is reached.
    ///
    /// Called with the lock of a database held: it must be quick, and must not ring before it returns.
    func set(_ time: Timestamp?)

    /// The alarm rings no more, and may be forgotten.
    func cancel()
}
