import Synchronization

/// Which reducers take so long that they are not run on the thread of an event loop, where other clients would wait.
///
/// From any thread. What several threads note at once may get lost, which does not matter to an average.
final class ReducerPace: Sendable {
    /// The average time of each reducer, in microseconds.
    private let averages: [AtomicMicroseconds]

    private final class AtomicMicroseconds: Sendable {
        let value = Atomic<UInt32>(0)
    }

    /// A reducer that takes longer than this on average is slow.
    private static let limit: UInt32 = 500

    init(reducerCount: Int) { averages = (0..<reducerCount).map { _ in AtomicMicroseconds() } }

    /// Whether the reducer has been slow.
    func isSlow(_ reducer: Int) -> Bool { averages[reducer].value.load(ordering: .relaxed) > Self.limit }

    /// Notes how long a call took. The average forgets: each call counts for an eighth.
    func note(_ reducer: Int, _ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds > 60 ? 60_000_000 : UInt32(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        let average = averages[reducer]
        let old = average.value.load(ordering: .relaxed)
        // Most are much faster, and nothing has to be noted.
        if microseconds < 8, old < 8 { return }
        average.value.store(UInt32((UInt64(old) * 7 + UInt64(microseconds)) / 8), ordering: .relaxed)
    }
}
