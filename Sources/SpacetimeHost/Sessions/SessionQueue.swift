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

    /// An entry of this client's own, with its number in the order of all entries.
    private struct OwnEntry {
        let number: UInt64
        var entry: Entry
    }

    private struct State {
        /// What many are told alike is apart, as references: of a client that reads nothing it may be thousands.
        var own = PieceQueue<OwnEntry>()
        var alike = PieceQueue<AlikeUpdate?>()
        /// The numbers of the entry that is taken next, and of the one that comes next.
        var first: UInt64 = 0
        var end: UInt64 = 0
        /// The number of the first of the own entries.
        var firstOwn = UInt64.max
        var nextPlace: UInt64 = 0
        /// Places that are not filled yet. There seldom is one, and then no entry needs to be looked at.
        var reservedCount = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        /// Nothing is taken in any more.
        var isClosed = false
        var isDelivering = false
        /// How many events there may be.
        var limit: Int

        init(limit: Int) { self.limit = limit }

        var count: Int { Int(end &- first) }

        /// True if the first entry may be taken.
        var isReady: Bool {
            guard first != end else { return false }
            guard reservedCount > 0, first == firstOwn, case .reserved = own[0].entry else { return true }
            return false
        }

        mutating func append(_ entry: Entry) {
            if own.isEmpty { firstOwn = end }
            own.append(OwnEntry(number: end, entry: entry))
            end &+= 1
        }

        mutating func append(_ update: AlikeUpdate) {
            alike.append(update)
            end &+= 1
        }

        mutating func pop() -> SessionEvent? {
            guard isReady else { return nil }
            defer { first &+= 1 }
            guard first == firstOwn else { return alike.removeFirst(leaving: nil).map { .update($0.update) } }
            guard case .event(let event) = own.removeFirst(leaving: OwnEntry(number: 0, entry: .taken)).entry else {
                return nil
            }
            firstOwn = own.isEmpty ? .max : own[0].number
            return event
        }

        mutating func removeAll() {
            own.removeAll()
            alike.removeAll()
            (first, end, firstOwn, reservedCount) = (0, 0, .max, 0)
        }

        /// A waiter, if there is something to take.
        mutating func popWaiter() -> Waiter? { !waiters.isEmpty && isReady ? waiters.removeFirst() : nil }
    }

    private let state: Mutex<State>

    init(limit: Int) { state = Mutex(State(limit: max(1, limit))) }

    /// Events that nobody has taken yet.
    package var count: Int { state.withLock { $0.count } }

    // MARK: Filling

    enum Appended {
        case queued
        /// There was no room for it.
        case full
        /// Nothing is taken in any more.
        case closed
    }

    func append(_ event: SessionEvent) -> Appended { append(.event(event)).result }

    /// Puts an update into the queue that others get, too.
    ///
    /// - Returns: whether whoever serves the client has to be told. If something was in the queue before, he has been, and
    ///   takes this with it or is about to look again.
    func append(_ update: AlikeUpdate) -> (result: Appended, isFirst: Bool) { append { $0.append(update) } }

    /// Puts an event into the queue that takes no room: who has no room for it could not understand what comes behind it.
    func insist(_ event: SessionEvent) {
        let waiter = state.withLock { state -> Waiter? in
            if state.isClosed { return nil }
            state.append(.event(event))
            return state.popWaiter()
        }
        waiter?.continuation.resume()
    }

    private func append(_ entry: Entry) -> (result: Appended, isFirst: Bool) { append { $0.append(entry) } }

    @inline(__always)
    private func append(_ body: (inout State) -> Void) -> (result: Appended, isFirst: Bool) {
        let (result, isFirst, waiter) = state.withLock { state -> (Appended, Bool, Waiter?) in
            if state.isClosed { return (.closed, false, nil) }
            let count = state.count
            guard count < state.limit else { return (.full, false, nil) }
            body(&state)
            return (.queued, count == 0, state.popWaiter())
        }
        waiter?.continuation.resume()
        return (result, isFirst)
    }

    /// Takes a place for an event that ``fill(_:with:)`` will bring.
    func reserve() -> (Place, Appended) {
        let place = state.withLock { state in
            state.nextPlace += 1
            return Place(number: state.nextPlace)
        }
        let result = append { state in
            state.append(.reserved(place))
            state.reservedCount += 1
        }.result
        return (place, result)
    }

    /// Puts the event into its place, if it is still there.
    func fill(_ place: Place, with event: SessionEvent) {
        let waiters = state.withLock { state -> [Waiter] in
            for position in 0..<state.own.count {
                guard case .reserved(place) = state.own[position].entry else { continue }
                state.own[position].entry = .event(event)
                state.reservedCount -= 1
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
            guard state.count > 0 else { return false }
            if !state.own.isEmpty, state.own[state.own.count - 1].number == state.end &- 1 {
                let last = state.own.count - 1
                guard case .event(.update(let queued)) = state.own[last].entry,
                    let both = queued.followed(by: update)
                else { return false }
                state.own[last].entry = .event(.update(both))
                return true
            }
            let last = state.alike.count - 1
            guard let both = state.alike[last]?.update.followed(by: update) else { return false }
            state.alike[last] = AlikeUpdate(both)
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
                state.append(.event(last))
            } else {
                state.removeAll()
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
            let (event, isOver) = state.withLock { ($0.pop(), $0.isClosed && $0.count == 0) }
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
            guard !state.isReady, !(state.isClosed && state.count == 0), !Task.isCancelled else { return false }
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
