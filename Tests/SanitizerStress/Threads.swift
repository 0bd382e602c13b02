import SpacetimeDurability

/// Runs a body on a thread of its own. Tasks would share as many threads as there are cores, and a task that waits for
/// a mutex keeps one: on two cores hardly anything would run beside anything.
func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
        startThread { done.resume(with: Result { try body() }) }
    }
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
