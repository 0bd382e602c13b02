#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs a body on a thread of its own. Tasks would share as many threads as there are cores, and a task that waits for
/// a mutex keeps one: on two cores hardly anything would run beside anything.
func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
        let work = Unmanaged.passRetained(Work { done.resume(with: Result { try body() }) })
        #if canImport(Darwin)
        var thread: pthread_t?
        let failure = pthread_create(&thread, nil, { runWork($0) }, work.toOpaque())
        if failure == 0, let thread { pthread_detach(thread) }
        #else
        var thread = pthread_t()
        let failure = pthread_create(&thread, nil, { runWork($0) }, work.toOpaque())
        if failure == 0 { pthread_detach(thread) }
        #endif
        precondition(failure == 0, "no thread could be started: \(failure)")
    }
}

private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runWork(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // Balances the retain of whoever started the thread.
    if let pointer { Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body() }
    return nil
}

/// Numbers that repeat.
struct Numbers {
    private var state: UInt32

    init(seed: UInt32) { state = seed }

    mutating func next(below limit: UInt32) -> UInt32 {
        state = state &* 1_664_525 &+ 1_013_904_223
        return (state >> 8) % limit
    }
}
