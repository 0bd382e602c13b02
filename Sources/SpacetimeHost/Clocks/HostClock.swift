public import SpacetimeSATS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where a database reads the time, and what wakes it when the rows of its schedule tables are due. Nothing else in it
/// knows of time.
public protocol HostClock: Sendable {
    /// The time now. Called at most once per call of a reducer, with the database's lock held: it must be quick.
    func now() -> Timestamp

    /// Makes an alarm that calls `ring` when this clock has reached the time that the alarm is set to.
    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm
}

/// The clock of the machine.
public struct SystemClock: HostClock {
    /// All of them show the same time.
    public init() {}

    /// About twenty nanoseconds: no system call where the kernel offers the time in user space.
    public func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSinceUnixEpoch: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    /// An alarm that rings on a thread of its own.
    public func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm { SystemAlarm(ring) }
}
