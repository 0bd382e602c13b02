/// Pieces of work that several threads finish in any order, and one thread takes in order.
///
/// A number of pieces may be ahead of the one that is taken next, so memory stays bounded however uneven the work is. When a
/// piece failed, its error is met by whoever takes the pieces, in its place, as if there were one thread.
final class AssemblyLine<Piece: Sendable>: Sendable {
    private struct State {
        /// The number of the piece that is taken next.
        var next: UInt64
        /// Nil as a piece is the end.
        var finished: [UInt64: Result<Piece?, any Error>] = [:]
        var running = 0
        var isStopped = false
    }

    private let state: Monitor<State>
    private let ahead: UInt64

    init(from first: UInt64, ahead: UInt64) {
        state = Monitor(State(next: first))
        self.ahead = ahead
    }

    /// Runs a worker on a thread of its own. It takes on numbers in ascending order, waits for its turn with each, and puts
    /// a result for it.
    ///
    /// - Returns: false if the system gives no thread; the worker does not run then.
    func start(_ worker: @escaping @Sendable () -> Void) -> Bool {
        state.wake { $0.running += 1 }
        let isStarted = startThreadIfPossible {
            worker()
            self.state.wake { $0.running -= 1 }
        }
        if !isStarted { state.wake { $0.running -= 1 } }
        return isStarted
    }

    /// Blocks while the piece is too far ahead.
    ///
    /// - Returns: false if no more pieces are wanted.
    func awaitTurn(of number: UInt64) -> Bool {
        var isWanted = false
        state.wait { state in
            isWanted = !state.isStopped
            return state.isStopped || number - state.next < ahead
        }
        return isWanted
    }

    /// - Parameter result: nil if there are no more pieces.
    func put(_ result: Result<Piece?, any Error>, number: UInt64) { state.wake { $0.finished[number] = result } }

    /// Blocks until the next piece is there.
    ///
    /// - Returns: nil at the end.
    func take() throws -> Piece? {
        var result: Result<Piece?, any Error>?
        state.wait { state in
            result = state.finished.removeValue(forKey: state.next)
            return result != nil
        }
        state.wake { $0.next += 1 }
        return try result?.get()
    }

    /// Tells the workers that nothing more is wanted, and blocks until they have ended.
    func stop() {
        state.wake { $0.isStopped = true }
        state.wait { $0.running == 0 }
    }
}
