import SpacetimeDurability
import Synchronization

/// Work that goes on beside what is measured: each kind on a thread of its own, which steps back for others, again and
/// again until it is over.
final class Company: Sendable {
    private struct State {
        /// How often each work was done.
        var rounds: [Int]
        var running: Int
        var failure: (any Error)?
    }

    private let state: Monitor<State>
    private let isOver = Atomic(false)
    private let hasEachBeenDone: Atomic<Bool>

    init(_ works: [@Sendable () throws -> Void]) {
        state = Monitor(State(rounds: works.map { _ in 0 }, running: works.count))
        hasEachBeenDone = Atomic(works.isEmpty)
        for (number, work) in works.enumerated() {
            startThread(stepsBack: true) { self.repeat(work, number) }
        }
    }

    private func `repeat`(_ work: () throws -> Void, _ number: Int) {
        var failure: (any Error)?
        while failure == nil, !isOver.load(ordering: .relaxed) {
            do { try work() } catch { failure = error }
            let isEachDone = state.withLock { state in
                state.rounds[number] += 1
                return state.rounds.allSatisfy { $0 > 0 }
            }
            // A failure must not keep the measured loop waiting for rounds that never come.
            if isEachDone || failure != nil { hasEachBeenDone.store(true, ordering: .relaxed) }
        }
        state.wake { state in
            state.running -= 1
            state.failure = state.failure ?? failure
        }
    }

    /// Each work has been done from beginning to end.
    var isDoneOnce: Bool { hasEachBeenDone.load(ordering: .relaxed) }

    /// Lets the rounds that are running end.
    ///
    /// - Returns: how often the work was done that was done least often; 0 if there is none.
    func end() throws -> Int {
        isOver.store(true, ordering: .relaxed)
        state.wait { $0.running == 0 }
        let (rounds, failure) = state.withLock { ($0.rounds.min() ?? 0, $0.failure) }
        if let failure { throw failure }
        return rounds
    }
}
