import NIOCore
import Synchronization

/// What arrived, in order, for one reader who waits until a deadline and no longer.
final class Mailbox<Event: Sendable>: Sendable {
    /// Nothing came in time.
    struct Silence: Error, CustomStringConvertible {
        let waited: TimeAmount
        var description: String { "nothing arrived within \(waited.nanoseconds / 1_000_000) ms" }
    }

    private struct State {
        var events: [Event] = []
        var first = 0
        var waiting: CheckedContinuation<Event, any Error>?
        /// Tells a deadline whether the wait that it is for is still going on.
        var waits = 0
    }

    private let state = Mutex(State())

    func put(_ event: Event) {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            if state.waiting == nil { state.events.append(event) }
            return state.waiting
        }
        waiting?.resume(returning: event)
    }

    /// What arrived first of what was not taken yet.
    ///
    /// - Throws: ``Silence`` if nothing arrives before `limit` has passed on the event loop's clock.
    func take(within limit: TimeAmount, on loop: any EventLoop) async throws -> Event {
        try await withCheckedThrowingContinuation { continuation in
            let (event, wait) = state.withLock { state -> (Event?, Int) in
                if state.first < state.events.count {
                    defer { state.first += 1 }
                    return (state.events[state.first], 0)
                }
                precondition(state.waiting == nil, "a mailbox has one reader")
                state.events.removeAll(keepingCapacity: true)
                state.first = 0
                state.waits += 1
                state.waiting = continuation
                return (nil, state.waits)
            }
            if let event { return continuation.resume(returning: event) }
            loop.scheduleTask(in: limit) { self.giveUp(wait, limit) }
        }
    }

    private func giveUp(_ wait: Int, _ limit: TimeAmount) {
        let waiting = state.withLock { state in
            guard state.waits == wait else { return nil as CheckedContinuation<Event, any Error>? }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(throwing: Silence(waited: limit))
    }
}
