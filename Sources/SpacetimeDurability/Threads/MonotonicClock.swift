#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Time that goes on evenly, whatever the machine's clock is set to.
package func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    // Writes the time and keeps no pointer.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
