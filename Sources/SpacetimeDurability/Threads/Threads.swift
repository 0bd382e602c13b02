#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs a body on a thread of its own: work that waits for a disk would otherwise keep one of the few threads that run
/// tasks. If there is no thread to be had it is done here, late but not lost.
///
/// - Parameter stepsBack: others who want the cores come first. For long work that nobody is in a hurry for: on equal terms
///   it would take time slices of several milliseconds from the thread that commits.
package func startThread(stepsBack: Bool = false, _ body: @escaping @Sendable () -> Void) {
    if !startThreadIfPossible(stepsBack: stepsBack, body) { body() }
}

/// Runs a body on a thread of its own.
///
/// - Parameters:
///   - stackByteCount: how large its stack is at least, if not as the system makes them.
///   - stepsBack: others who want the cores come first.
/// - Returns: false if the system gives no thread; the body does not run then.
package func startThreadIfPossible(
    stackByteCount: Int? = nil, stepsBack: Bool = false, _ body: @escaping @Sendable () -> Void
) -> Bool {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    // The thread takes the reference over; it is taken back below if there is none.
    let whole: @Sendable () -> Void = {
        if stepsBack { lowerPriorityOfThisThread() }
        body()
    }
    let work = unsafe Unmanaged.passRetained(Work(whole)).toOpaque()
    #if canImport(Darwin)
    var thread: pthread_t?
    #else
    var thread = pthread_t()
    #endif
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    if let stackByteCount { unsafe pthread_attr_setstacksize(&attributes, stackByteCount) }
    let failure = unsafe pthread_create(
        &thread, &attributes,
        { pointer in
            // Balances the retain of whoever started the thread.
            #if canImport(Darwin)
            unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
            #else
            if let pointer = unsafe pointer { unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body() }
            #endif
            return nil
        }, work)
    guard failure == 0 else {
        unsafe Unmanaged<Work>.fromOpaque(work).release()
        return false
    }
    #if canImport(Darwin)
    if let thread = unsafe thread { unsafe pthread_detach(thread) }
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

/// The processor's cores that are there for threads.
package var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Does works that do not depend on each other, on several threads of which the calling one is one, and returns when all
/// are done. They are begun in their order.
package func doInParallel(threads: Int, _ works: [@Sendable () -> Void]) {
    let state = Monitor((next: 0, running: 0))
    let worker: @Sendable () -> Void = {
        while true {
            let number = state.withLock { state in
                defer { state.next += 1 }
                return state.next
            }
            guard number < works.count else { break }
            works[number]()
        }
    }
    for _ in 1..<max(1, min(threads, works.count)) {
        state.withLock { $0.running += 1 }
        startThread {
            worker()
            state.wake { $0.running -= 1 }
        }
    }
    worker()
    state.wait { $0.running == 0 }
}
