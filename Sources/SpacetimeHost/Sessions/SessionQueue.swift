import Synchronization

/// The events on their way to one client: in order, and at most so many. Filled with the database's lock held, emptied by
/// whoever serves the client: a task that awaits them, an event loop, or the thread that committed.
package final class SessionQueue: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    /// A place in the queue for an event that is still being made. What is behind it waits.
    struct Place: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private enum Entry {
        case event(SessionEvent)
        case reserved(Place)
        case taken
    }

    private struct State {
        var events = PieceQueue<Entry>()
        var nextPlace: UInt64 = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        /// Nothing is taken in any more.
        var isClosed = false
        var isDelivering = false
        /// How many events there may be.
        var limit: Int

        /// True if the first entry may be taken.
        var isReady: Bool {
            guard !events.isEmpty, case .event = events[0] else { return false }
            return true
        }

        mutating func pop() -> SessionEvent? {
            guard isReady else { return nil }
            guard case .event(let event) = events.removeFirst(leaving: .taken) else { return nil }
            return event
        }
    }

    private let state: Mutex<State>

    init(limit: Int) { state = Mutex(State(limit: max(1, limit))) }

    /// Events that nobody has taken yet.
    package var count: Int { state.withLock { $0.events.count } }

    // MARK: Filling

    enum Appended {
        case queued
        /// There was no room for it.
        case full
        /// Nothing is taken in any more.
        case closed
    }

    func append(_ event: SessionEvent) -> Appended { append(.event(event)) }

    /// Puts an event into the queue that takes no room: who has no room for it could not understand what comes behind it.
    func insist(_ event: SessionEvent) {
        let waiter = state.withLock { state -> Waiter? in
            if state.isClosed { return nil }
            state.events.append(.event(event))
            return state.isReady && !state.waiters.isEmpty ? state.waiters.removeFirst() : nil
        }
        waiter?.continuation.resume()
    }

    private func append(_ entry: Entry) -> Appended {
        let (result, waiter) = state.withLock { state -> (Appended, Waiter?) in
            if state.isClosed { return (.closed, nil) }
            guard state.events.count < state.limit else { return (.full, nil) }
            state.events.append(entry)
            return (.queued, state.isReady && !state.waiters.isEmpty ? state.waiters.removeFirst() : nil)
        }
        waiter?.continuation.resume()
        return result
    }

    /// Takes a place for an event that ``fill(_:with:)`` will bring.
    func reserve() -> (Place, Appended) {
        let place = state.withLock { state in
            state.nextPlace += 1
            return Place(number: state.nextPlace)
        }
        return (place, append(.reserved(place)))
    }

    /// Puts the event into its place, if it is still there.
    func fill(_ place: Place, with event: SessionEvent) {
        let waiters = state.withLock { state -> [Waiter] in
            for position in 0..<state.events.count {
                guard case .reserved(place) = state.events[position] else { continue }
                state.events[position] = .event(event)
                break
            }
            guard state.isReady else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// Puts an update together with the last event in the queue.
    ///
    /// - Returns: false if that is no update by others, with which it could be put together.
    func coalesce(_ update: SessionUpdate) -> Bool {
        state.withLock { state in
            let last = state.events.count - 1
            guard last >= 0, case .event(.update(let queued)) = state.events[last],
                let both = queued.followed(by: update)
            else { return false }
            state.events[last] = .event(.update(both))
            return true
        }
    }

    /// Closes the queue behind what is in it, with a last event. There is always room for that one.
    func finish(_ end: SubscriptionEnd) { close(.ended(end)) }

    /// Closes the queue and drops what is in it.
    func cancel() { close(nil) }

    private func close(_ last: SessionEvent?) {
        let waiters = state.withLock { state -> [Waiter] in
            if let last {
                if state.isClosed { return [] }
                state.events.append(.event(last))
            } else {
                state.events.removeAll()
            }
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    // MARK: Emptying

    /// An event that is there already, without waiting.
    package func nextAvailable() -> SessionEvent? { state.withLock { $0.pop() } }

    /// Calls `body` with one event after the other until there are no more, unless another thread (or a frame further up
    /// this one's stack) is at it: that one goes on with what has come meanwhile.
    package func drain(_ body: (SessionEvent) -> Void) {
        let mayDeliver = state.withLock { state in
            guard !state.isDelivering, state.isReady else { return false }
            state.isDelivering = true
            return true
        }
        guard mayDeliver else { return }
        while let event = nextToDeliver() { body(event) }
    }

    private func nextToDeliver() -> SessionEvent? {
        state.withLock { state in
            let event = state.pop()
            if event == nil { state.isDelivering = false }
            return event
        }
    }

    /// The next event; nil once the queue was closed and is empty, or the waiting task was cancelled.
    ///
    /// A continuation only wakes the reader: the event itself stays in the queue until the reader takes it, so that
    /// the lock alone orders what the committing thread wrote before what the reader reads.
    package func next() async -> SessionEvent? {
        let id = state.withLock { state -> UInt64 in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        while true {
            let (event, isOver) = state.withLock { ($0.pop(), $0.isClosed && $0.events.isEmpty) }
            if let event { return event }
            if isOver || Task.isCancelled { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in wait(id, continuation) }
            } onCancel: {
                stopWaiting(id)
            }
        }
    }

    /// Wakes the reader when there is something to take, which may be now.
    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        let waits = state.withLock { state in
            guard !state.isReady, !(state.isClosed && state.events.isEmpty), !Task.isCancelled else { return false }
            state.waiters.append(Waiter(id: id, continuation: continuation))
            return true
        }
        if !waits { continuation.resume() }
    }

    private func stopWaiting(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let position = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: position)
        }
        waiter?.continuation.resume()
    }
}
