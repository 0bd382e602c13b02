public import SpacetimeSATS
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where a database reads the time. Nothing else in it does.
public protocol HostClock: Sendable {
    /// The time now. Called at most once per call of a reducer, with the database's lock held: it must be quick.
    func now() -> Timestamp
}

/// The clock of the machine.
public struct SystemClock: HostClock {
    public init() {}

    /// About twenty nanoseconds: no system call where the kernel offers the time in user space.
    public func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSinceUnixEpoch: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}

/// A clock that stands still until it is told to move, for tests and simulations.
///
/// ```swift
/// let clock = VirtualClock()
/// clock.advance(by: .seconds(60))
/// ```
public final class VirtualClock: HostClock {
    private let microseconds: Atomic<Int64>

    /// - Parameter start: the first time it shows; by default 2026-01-01T00:00:00Z.
    public init(start: Timestamp = Timestamp(microsecondsSinceUnixEpoch: 1_767_225_600_000_000)) {
        microseconds = Atomic(start.microsecondsSinceUnixEpoch)
    }

    public func now() -> Timestamp {
        Timestamp(microsecondsSinceUnixEpoch: microseconds.load(ordering: .relaxed))
    }

    /// Moves the clock; whole microseconds count. A negative duration moves it back, as a machine's clock may jump.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        microseconds.wrappingAdd(seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000, ordering: .relaxed)
    }
}
