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

    /// The time now, or a few milliseconds ago if that is cheaper to tell. The log has it as the time of a call that did
    /// not ask for its time and that nobody watches. What ``now()`` says, if a clock does not define it.
    func coarseNow() -> Timestamp

    /// Makes an alarm that calls `ring` when this clock has reached the time that the alarm is set to.
    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm
}

extension HostClock {
    public func coarseNow() -> Timestamp { now() }
}

/// The clock of the machine.
public struct SystemClock: HostClock {
    /// All of them show the same time.
    public init() {}

    /// Twenty to thirty nanoseconds: no system call where the kernel offers the time in user space.
    public func now() -> Timestamp { Self.read(CLOCK_REALTIME) }

    /// The time of the kernel's last tick, on Linux: at most 4 ms ago, in a fifth of the time that ``now()`` takes.
    public func coarseNow() -> Timestamp {
        #if os(Linux)
        Self.read(CLOCK_REALTIME_COARSE)
        #else
        now()
        #endif
    }

    @inline(__always)
    private static func read(_ clock: clockid_t) -> Timestamp {
        var time = timespec()
        clock_gettime(clock, &time)
        return Timestamp(microsecondsSinceUnixEpoch: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    /// An alarm that rings on a thread of its own.
    public func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm { SystemAlarm(ring) }
}
