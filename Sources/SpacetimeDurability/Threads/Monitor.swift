#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A lock that threads can wait in until something changes.
///
/// `@unchecked Sendable`: `value` is reached only between `pthread_mutex_lock` and `pthread_mutex_unlock`, in `withLock`;
/// the mutex and the condition lie at addresses that never change.
@safe package final class Monitor<Value>: @unchecked Sendable {
    // Both are allocated and initialised as long as the monitor lives.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe condition = .allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        #if canImport(Darwin)
        unsafe pthread_cond_init(condition, nil)
        #else
        // Waits are not to last longer because the machine's clock was set back. The attributes are used up by the call.
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        // Nobody waits or holds the lock: that would keep the monitor alive.
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    // The mutex is initialised, and unlocked by the thread that locked it.
    private func lock() { unsafe pthread_mutex_lock(mutex) }
    private func unlock() { unsafe pthread_mutex_unlock(mutex) }

    package func withLock<Result, E: Error>(_ body: (inout Value) throws(E) -> Result) throws(E) -> Result {
        lock()
        defer { unlock() }
        return try body(&value)
    }

    /// Blocks until `isReady` says so of the value. It is asked again after each ``wake(_:)``.
    package func wait(until isReady: (inout Value) -> Bool) {
        wait { isReady(&$0) ? .over : .untilWoken }
    }

    /// Blocks until `look` says that it is over. It is asked again after each ``wake(_:)``, and when the time that it
    /// named is over.
    package func wait(_ look: (inout Value) -> Waiting) {
        lock()
        defer { unlock() }
        while true {
            switch look(&value) {
            case .over: return
            // The thread holds the lock, as waiting demands.
            case .untilWoken: unsafe pthread_cond_wait(condition, mutex)
            case .atMost(let nanoseconds): waitForChange(nanoseconds)
            }
        }
    }

    /// The thread holds the lock, as waiting demands.
    private func waitForChange(_ nanoseconds: Int64) {
        #if canImport(Darwin)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe pthread_cond_timedwait_relative_np(condition, mutex, &time)
        #else
        let end = monotonicNanoseconds() + nanoseconds
        var time = timespec()
        time.tv_sec = .init(end / 1_000_000_000)
        time.tv_nsec = .init(end % 1_000_000_000)
        unsafe pthread_cond_timedwait(condition, mutex, &time)
        #endif
    }

    /// Changes the value and lets all waiting threads look at it.
    package func wake(_ body: (inout Value) -> Void) {
        lock()
        body(&value)
        unsafe pthread_cond_broadcast(condition)
        unlock()
    }
}

/// What a thread in a ``Monitor`` waits for.
package enum Waiting {
    case over
    case untilWoken
    /// A change, or so many nanoseconds.
    case atMost(Int64)
}
