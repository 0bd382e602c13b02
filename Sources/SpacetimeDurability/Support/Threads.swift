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
        #if canImport(Darwin)
        pthread_cond_init(condition, nil)
        #else
        // Waits are not to last longer because the machine's clock was set back.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        #endif
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
        wait { isReady(&$0) ? .over : .untilWoken }
    }

    /// Blocks until `look` says that it is over. It is asked again after each ``wake(_:)``, and when the time that it
    /// named is over.
    package func wait(_ look: (inout Value) -> Waiting) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch look(&value) {
            case .over: return
            case .untilWoken: pthread_cond_wait(condition, mutex)
            case .atMost(let nanoseconds): waitForChange(nanoseconds)
            }
        }
    }

    private func waitForChange(_ nanoseconds: Int64) {
        #if canImport(Darwin)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        pthread_cond_timedwait_relative_np(condition, mutex, &time)
        #else
        let end = monotonicNanoseconds() + nanoseconds
        var time = timespec()
        time.tv_sec = .init(end / 1_000_000_000)
        time.tv_nsec = .init(end % 1_000_000_000)
        pthread_cond_timedwait(condition, mutex, &time)
        #endif
    }

    /// Changes the value and lets all waiting threads look at it.
    package func wake(_ body: (inout Value) -> Void) {
        pthread_mutex_lock(mutex)
        body(&value)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}

/// What a thread in a ``Monitor`` waits for.
package enum Waiting {
    case over
    case untilWoken
    /// A change, or so many nanoseconds.
    case atMost(Int64)
}

/// Time that goes on evenly, whatever the machine's clock is set to.
package func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Runs a body on a thread of its own: work that waits for a disk would otherwise keep one of the few threads that run
/// tasks. If there is no thread to be had it is done here, late but not lost.
///
/// - Parameter stepsBack: others who want the cores come first. For long work that nobody is in a hurry for: on equal terms
///   it would take time slices of several milliseconds from the thread that commits.
package func startThread(stepsBack: Bool = false, _ body: @escaping @Sendable () -> Void) {
    let isStarted = startThreadIfPossible {
        if stepsBack { lowerPriorityOfThisThread() }
        body()
    }
    if !isStarted { body() }
}

/// Runs a body on a thread of its own.
///
/// - Returns: false if the system gives no thread; the body does not run then.
package func startThreadIfPossible(_ body: @escaping @Sendable () -> Void) -> Bool {
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
        Unmanaged<Work>.fromOpaque(work).release()
        return false
    }
    #if canImport(Darwin)
    if let thread { pthread_detach(thread) }
    #else
    pthread_detach(thread)
    #endif
    return true
}

/// Runs long work on a thread that steps back for others, and waits for it.
package func runAside<Result: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Result
) throws(Failure) -> Result {
    let outcome = Monitor<Swift.Result<Result, Failure>?>(nil)
    startThread(stepsBack: true) {
        let result: Swift.Result<Result, Failure>
        do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
        outcome.wake { $0 = result }
    }
    while true {
        outcome.wait { $0 != nil }
        if let result = outcome.withLock({ $0 }) { return try result.get() }
    }
}

/// Runs long work on a thread of its own that steps back for others, and suspends the task until it is done.
///
/// The few threads that run tasks are left to the tasks.
package func suspendingAside<Result: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Result
) async throws(Failure) -> Result {
    // The outcome goes through a lock, which orders what the thread wrote before what the task reads.
    let outcome = Monitor<Swift.Result<Result, Failure>?>(nil)
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
        startThread(stepsBack: true) {
            let result: Swift.Result<Result, Failure>
            do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
            outcome.withLock { $0 = result }
            done.resume()
        }
    }
    guard let result = outcome.withLock({ $0 }) else { preconditionFailure("the work ended without an outcome") }
    return try result.get()
}

private func lowerPriorityOfThisThread() {
    #if canImport(Darwin)
    pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0)
    #else
    // Linux keeps this per thread. If it is refused the thread goes on as it is.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    #endif
}
