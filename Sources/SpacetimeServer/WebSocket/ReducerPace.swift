import Synchronization

/// Which reducers take so long that they are not run on the thread of an event loop, where other clients would wait.
///
/// From any thread. What several threads note at once may get lost, which does not matter to an average.
///
/// `Sendable` is unchecked for the pointer, which stays, to numbers that are atomic.
final class ReducerPace: @unchecked Sendable {
    /// The average time of each reducer, in microseconds. Looked at for each call, so it counts no references.
    private let averages: UnsafeMutablePointer<Atomic<UInt32>>
    private let count: Int

    /// A reducer that takes longer than this on average is slow.
    private static let limit: UInt32 = 500
    /// A call counts for no more than this, unless it took longer than ``longest``: the system may have had the thread do
    /// something else meanwhile, and that must not make a reducer slow once and for all.
    private static let counted: UInt32 = 2_000
    /// A call that took longer than this counts in full.
    private static let longest: UInt32 = 50_000

    init(reducerCount: Int) {
        count = reducerCount
        averages = .allocate(capacity: reducerCount)
        for reducer in 0..<reducerCount { (averages + reducer).initialize(to: Atomic(0)) }
    }

    deinit {
        averages.deinitialize(count: count)
        averages.deallocate()
    }

    /// Whether the reducer has been slow.
    func isSlow(_ reducer: Int) -> Bool {
        precondition(reducer >= 0 && reducer < count, "there is no such reducer")
        return averages[reducer].load(ordering: .relaxed) > Self.limit
    }

    /// Notes how long a call took. The average forgets: each call counts for an eighth.
    func note(_ reducer: Int, _ nanoseconds: Int64) {
        precondition(reducer >= 0 && reducer < count, "there is no such reducer")
        var microseconds = UInt32(clamping: min(nanoseconds / 1_000, 60_000_000))
        if microseconds > Self.counted, microseconds < Self.longest { microseconds = Self.counted }
        let old = averages[reducer].load(ordering: .relaxed)
        // Most are much faster, and nothing has to be noted.
        if microseconds < 8, old < 8 { return }
        averages[reducer].store(UInt32((UInt64(old) * 7 + UInt64(microseconds)) / 8), ordering: .relaxed)
    }
}
