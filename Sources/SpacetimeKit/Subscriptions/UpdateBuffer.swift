import SpacetimeHost
import Synchronization

/// Updates between the database and one reader that awaits them. At most `limit` are on their way or here; one more and
/// the reader is told that it fell behind, after it has read what is there.
final class UpdateBuffer: QuerySink {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var updates: [QueryUpdate] = []
        var first = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        var end: End?

        var count: Int { updates.count - first }

        mutating func pop() -> QueryUpdate? {
            guard first < updates.count else { return nil }
            let update = updates[first]
            first += 1
            // Shifted now and then, so that taking one is O(1) on average.
            if first >= 64, first * 2 >= updates.count {
                updates.removeFirst(first)
                first = 0
            }
            return update
        }
    }

    private enum End {
        case over
        /// Told once.
        case failure(DatabaseError)
    }

    private let limit: Int
    private let state = Mutex(State())
    private let cancelled = Atomic(false)
    private let reserved = Atomic(0)

    init(limit: Int) { self.limit = max(1, limit) }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func reserve() -> Bool {
        if reserved.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        reserved.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    func receive(_ update: QueryUpdate) {
        let waiter = state.withLock { state -> Waiter? in
            guard state.end == nil else { return nil }
            state.updates.append(update)
            return state.waiters.isEmpty ? nil : state.waiters.removeFirst()
        }
        waiter?.continuation.resume()
    }

    func end(_ reason: SubscriptionEnd) {
        switch reason {
        case .overflow: end(.failure(DatabaseError.overflow(limit)))
        case .complete: end(.over)
        case .failed(let error): end(.failure(error))
        }
    }

    private func end(_ end: End, dropping: Bool = false) {
        cancelled.store(true, ordering: .relaxed)
        let waiters = state.withLock { state -> [Waiter] in
            guard state.end == nil else { return [] }
            state.end = end
            if dropping {
                state.updates = []
                state.first = 0
            }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    /// Ends the sequence: what was not read is dropped.
    func cancel() { end(.over, dropping: true) }

    /// The next update; nil once the subscription or the waiting task was cancelled.
    ///
    /// A continuation only wakes the reader: the update itself stays in the buffer until the reader takes it, so that
    /// the lock alone orders what the committing thread wrote before what the reader reads.
    func next() async throws(DatabaseError) -> QueryUpdate? {
        let id = state.withLock { state -> UInt64 in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        while true {
            switch take() {
            case .update(let update): return update
            case .failure(let error): throw error
            case .end: return nil
            case .nothing: break
            }
            if Task.isCancelled { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in wait(id, continuation) }
            } onCancel: {
                stopWaiting(id)
            }
        }
    }

    /// An update that is there already, without waiting.
    func nextAvailable() -> QueryUpdate? {
        let update = state.withLock { $0.pop() }
        if update != nil { reserved.wrappingSubtract(1, ordering: .relaxed) }
        return update
    }

    private enum Taken {
        case update(QueryUpdate)
        case failure(DatabaseError)
        case end
        case nothing
    }

    private func take() -> Taken {
        let taken = state.withLock { state -> Taken in
            if let update = state.pop() { return .update(update) }
            switch state.end {
            case .over: return .end
            case .failure(let error):
                state.end = .over
                return .failure(error)
            case nil: return .nothing
            }
        }
        if case .update = taken { reserved.wrappingSubtract(1, ordering: .relaxed) }
        return taken
    }

    /// Wakes the reader when there is something to take, which may be now.
    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        let waits = state.withLock { state in
            guard state.count == 0, state.end == nil, !Task.isCancelled else { return false }
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
