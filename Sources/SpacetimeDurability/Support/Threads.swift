import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Something that is true until the first who asks.
final class Flag: Sendable {
    private let value: Atomic<Bool>

    init(_ value: Bool) { self.value = Atomic(value) }

    /// True for one caller at most.
    func clear() -> Bool { value.exchange(false, ordering: .acquiringAndReleasing) }
}

/// A lock that threads can wait in until something changes.
///
/// `@unchecked Sendable`: `value` is reached only between `pthread_mutex_lock` and `pthread_mutex_unlock`, in `withLock`;
/// the mutex and the condition lie at addresses that never change.
package final class Monitor<Value>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func withLock<Result, E: Error>(_ body: (inout Value) throws(E) -> Result) throws(E) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    /// Blocks until `isReady` says so of the value. It is asked again after each ``wake(_:)``.
    package func wait(until isReady: (inout Value) -> Bool) {
        pthread_mutex_lock(mutex)
        while !isReady(&value) { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
    }

    /// Changes the value and lets all waiting threads look at it.
    package func wake(_ body: (inout Value) -> Void) {
        pthread_mutex_lock(mutex)
        body(&value)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}

/// Runs a body on a thread of its own: work that waits for a disk would otherwise keep one of the few threads that run
/// tasks.
package func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let work = Unmanaged.passRetained(Work(body)).toOpaque()
    #if canImport(Darwin)
    var thread: pthread_t?
    #else
    var thread = pthread_t()
    #endif
    let failure = pthread_create(
        &thread, nil,
        { pointer in
            // Balances the retain of whoever started the thread.
            #if canImport(Darwin)
            Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
            #else
            if let pointer { Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body() }
            #endif
            return nil
        }, work)
    guard failure == 0 else {
        // No thread to be had: the work is done here, late but not lost.
        return Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
    }
    #if canImport(Darwin)
    if let thread { pthread_detach(thread) }
    #else
    pthread_detach(thread)
    #endif
}
