import Synchronization

/// What the program waits for and listens to.
struct ProgramState {
    /// Somebody who waits for an answer, and can be told that it is not wanted any more.
    struct Waiter {
        let ticket: UInt64
        let resume: @Sendable (Result<RequestOutcome, any Error>) -> Void
    }

    struct Watched {
        var state = ClientSubscription.State.pending
        /// Called once the state is another one.
        var waiters: [(ticket: UInt64, resume: @Sendable (Result<ClientSubscription.State, any Error>) -> Void)] = []
        let onEnd: (@Sendable (ClientError?) -> Void)?
    }

    struct Listener {
        let number: UInt64
        let tell: @Sendable (TableChanges) -> Void
        let end: (@Sendable (ClientError?) -> Void)?
    }

    var connection = ConnectionState.connecting
    var lastTicket: UInt64 = 0
    /// Tickets that were given back before anybody waited with them.
    var cancelled: Set<UInt64> = []
    var requests: [UInt32: Waiter] = [:]
    var subscriptions: [UInt32: Watched] = [:]
    var listeners: [String: [Listener]] = [:]
    var stateListeners: [(number: UInt64, tell: @Sendable (ConnectionState) -> Void)] = []

    mutating func makeTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }
}

extension ClientEngine {
    // MARK: Telling

    /// Tells the program of one event. Without the lock.
    func deliver(_ event: ClientEvent) {
        switch event {
        case .connected(let session): set(.connected(session))
        case .disconnected(let error, let delay): set(.waiting(error, retryIn: delay))
        case .ended(let error): end(error)
        case .changed(let changes):
            for changes in changes {
                let listeners = state.withLock { $0.program.listeners[changes.table] ?? [] }
                for listener in listeners { listener.tell(changes) }
            }
        case .finished(let number, let outcome):
            let waiter = state.withLock { $0.program.requests.removeValue(forKey: number) }
            waiter?.resume(.success(outcome))
        case .subscribed(let number): set(.active, of: number)
        case .unsubscribed(let number, let error): set(.ended(error), of: number)
        }
    }

    private func set(_ connection: ConnectionState) {
        let listeners = state.withLock { state in
            state.program.connection = connection
            return state.program.stateListeners.map(\.tell)
        }
        for tell in listeners { tell(connection) }
    }

    private func set(_ new: ClientSubscription.State, of number: UInt32) {
        let watched = state.withLock { state -> ProgramState.Watched? in
            guard var watched = state.program.subscriptions[number] else { return nil }
            defer { watched.waiters = [] }
            let told = watched
            watched.state = new
            watched.waiters = []
            // An ended one stays for as long as there is a handle that may be asked about it.
            state.program.subscriptions[number] = watched
            return told
        }
        guard let watched else { return }
        for waiter in watched.waiters { waiter.resume(.success(new)) }
        if case .ended(let error) = new { watched.onEnd?(error) }
    }

    private func end(_ error: ClientError?) {
        set(.ended(error))
        let listeners = state.withLock { state in
            defer {
                state.program.listeners = [:]
                state.program.stateListeners = []
            }
            return state.program.listeners.values.flatMap { $0 }.sorted { $0.number < $1.number }
        }
        for listener in listeners { listener.end?(error) }
        stopPump()
    }

    // MARK: Asking

    /// Makes a request, and waits for its answer.
    func request(
        _ make: @Sendable (inout ClientCore) throws(ClientError) -> UInt32
    ) async throws -> RequestOutcome {
        let ticket = state.withLock { $0.program.makeTicket() }
        defer { giveBack(ticket) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal = begin(ticket, make) { continuation.resume(with: $0) }
                if let refusal { continuation.resume(throwing: refusal) }
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    /// Makes a request, whose answer is told to `resume`. Returns why it was not made; then `resume` is not called.
    func begin(
        _ ticket: UInt64, _ make: @Sendable (inout ClientCore) throws(ClientError) -> UInt32,
        _ resume: @escaping @Sendable (Result<RequestOutcome, any Error>) -> Void
    ) -> (any Error)? {
        state.withLock { state -> (any Error)? in
            if !state.program.cancelled.isEmpty, state.program.cancelled.remove(ticket) != nil {
                return CancellationError()
            }
            state.core.now = options.clock.elapsed()
            do throws(ClientError) {
                let number = try make(&state.core)
                state.program.requests[number] = ProgramState.Waiter(ticket: ticket, resume: resume)
                perform(&state)
                return nil
            } catch { return error }
        }
    }

    /// Nobody waits any more for what this ticket was for. What was asked of the server goes on.
    private func cancel(_ ticket: UInt64) {
        let giveUp = state.withLock { state -> (@Sendable () -> Void)? in
            if let found = state.program.requests.first(where: { $0.value.ticket == ticket }) {
                state.program.requests[found.key] = nil
                let resume = found.value.resume
                return { resume(.failure(CancellationError())) }
            }
            for (number, watched) in state.program.subscriptions {
                guard let place = watched.waiters.firstIndex(where: { $0.ticket == ticket }) else { continue }
                state.program.subscriptions[number]?.waiters.remove(at: place)
                let resume = watched.waiters[place].resume
                return { resume(.failure(CancellationError())) }
            }
            state.program.cancelled.insert(ticket)
            return nil
        }
        giveUp?()
    }

    /// Forgets that a ticket was cancelled, if that came too late for it.
    private func giveBack(_ ticket: UInt64) {
        state.withLock { if !$0.program.cancelled.isEmpty { $0.program.cancelled.remove(ticket) } }
    }

    // MARK: Subscriptions

    /// Watches queries. `onEnd` is called when they are not watched any more.
    func subscribe(
        _ queries: [String], onEnd: (@Sendable (ClientError?) -> Void)? = nil
    ) throws(ClientError) -> UInt32 {
        try state.withLock { state throws(ClientError) in
            let number = try state.core.subscribe(queries)
            state.program.subscriptions[number] = ProgramState.Watched(onEnd: onEnd)
            perform(&state)
            return number
        }
    }

    func unsubscribe(_ number: UInt32) {
        state.withLock { state in
            state.core.unsubscribe(number)
            perform(&state)
        }
    }

    func forgetSubscription(_ number: UInt32) {
        state.withLock { state in
            // One that is still watched is needed to tell those who wait; it goes with the client.
            if case .ended = state.program.subscriptions[number]?.state {
                state.program.subscriptions[number] = nil
            }
        }
    }

    func subscriptionState(_ number: UInt32) -> ClientSubscription.State {
        state.withLock { $0.program.subscriptions[number]?.state ?? .ended(nil) }
    }

    /// Waits until a subscription is in another state than those that `isWaiting` holds to be too early.
    func waitForSubscription(
        _ number: UInt32, while isWaiting: @Sendable (ClientSubscription.State) -> Bool
    ) async throws -> ClientSubscription.State {
        while true {
            let ticket = state.withLock { $0.program.makeTicket() }
            defer { giveBack(ticket) }
            let reached = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let now = state.withLock { state -> Result<ClientSubscription.State, any Error>? in
                        if state.program.cancelled.remove(ticket) != nil { return .failure(CancellationError()) }
                        let now = state.program.subscriptions[number]?.state ?? .ended(nil)
                        guard isWaiting(now) else { return .success(now) }
                        state.program.subscriptions[number]?.waiters.append(
                            (ticket, { continuation.resume(with: $0) }))
                        return nil
                    }
                    if let now { continuation.resume(with: now) }
                }
            } onCancel: {
                cancel(ticket)
            }
            if !isWaiting(reached) { return reached }
        }
    }

    // MARK: Listening

    /// Has `tell` called with each change of a table from now on. `first`, with the lock, sees the rows that there are now.
    func listen(
        to layout: TableLayout, first: @Sendable (TableCache) -> Void = { _ in },
        end: (@Sendable (ClientError?) -> Void)? = nil, tell: @escaping @Sendable (TableChanges) -> Void
    ) -> ChangeListener {
        let (number, connection) = state.withLock { state in
            state.core.cache.describe(layout)
            let table = state.core.cache.table(layout.name)
            table.isWatched = true
            first(table)
            let number = state.program.makeTicket()
            state.program.listeners[layout.name, default: []].append(
                ProgramState.Listener(number: number, tell: tell, end: end))
            return (number, state.program.connection)
        }
        // Everybody else was told already. Whoever is told twice passes over it.
        if case .ended(let error) = connection { end?(error) }
        return ChangeListener(engine: self, table: layout.name, number: number)
    }

    func stopListening(to table: String?, _ number: UInt64) {
        state.withLock { state in
            guard let table else { return state.program.stateListeners.removeAll { $0.number == number } }
            state.program.listeners[table]?.removeAll { $0.number == number }
            if state.program.listeners[table]?.isEmpty != false {
                state.program.listeners[table] = nil
                state.core.cache[table]?.isWatched = false
            }
        }
    }

    /// Has `tell` called with each state of the connection from now on. Returns the state now.
    func listenToState(
        _ tell: @escaping @Sendable (ConnectionState) -> Void
    ) -> (ConnectionState, ChangeListener) {
        let (now, number) = state.withLock { state in
            let number = state.program.makeTicket()
            state.program.stateListeners.append((number, tell))
            return (state.program.connection, number)
        }
        return (now, ChangeListener(engine: self, table: nil, number: number))
    }
}
