import NIOCore
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// What one client has taken of what it may take, and what it did. A value of its connection's event loop; it reads no clock.
struct ClientLedger {
    let limits: ClientLimits
    private let policy: LimitPolicy
    private let server: ServerMetrics
    private let database: DatabaseMetrics
    private(set) var metrics: ConnectionMetrics

    private var messageRate: RateLimiter?
    private var reducerRates: ReducerRates
    private var sendWatch: SendWatch
    private var messageWatch: MessageWatch

    /// Messages since ``endOfRead(at:)``.
    private var unchargedMessages = 0
    /// A message has come to its end since ``tick(held:at:)``.
    private var hasCompleteMessage = false
    /// At most so many queries are watched.
    private var queryBound = 0
    private var hasEnded = false
    private var lastReducer = (name: "", position: -1)
    private let reducerNames: [String]
    /// Of the module as it is now; metrics keep to the names that there were first.
    private var rateNames: [String]

    init(
        _ limits: ClientLimits, _ policy: LimitPolicy, _ rates: ReducerRates, _ server: ServerMetrics,
        _ database: DatabaseMetrics
    ) {
        self.limits = limits
        self.policy = policy
        self.server = server
        self.database = database
        metrics = ConnectionMetrics(database)
        messageRate = limits.messageRate.map(RateLimiter.init)
        reducerRates = rates
        sendWatch = SendWatch(timeout: policy.sendTimeout)
        messageWatch = MessageWatch(timeout: policy.messageTimeout)
        reducerNames = database.reducers
        rateNames = database.reducers
    }

    // MARK: Beginning and end

    mutating func begin(_ connectionProtocol: ConnectionProtocol) { database.opened(connectionProtocol) }

    /// Only the first reason counts.
    mutating func end(_ reason: ConnectionEnd) {
        if hasEnded { return }
        hasEnded = true
        metrics.end()
        database.closed(reason)
    }

    func note(_ limit: ClientLimit) { server.refused(by: limit) }

    // MARK: Coming in

    @inline(__always)
    mutating func receive(_ message: ReceivedMessage) {
        metrics.receive(message)
        unchargedMessages &+= 1
    }

    @inline(__always)
    mutating func receiveFrame(byteCount: Int) {
        metrics.receive(byteCount: byteCount)
        hasCompleteMessage = true
    }

    /// What was read at once has been taken in.
    ///
    /// - Returns: how long to read nothing now; nil if there is no need for that.
    mutating func endOfRead(at now: NIODeadline) -> TimeAmount? {
        defer { unchargedMessages = 0 }
        guard unchargedMessages > 0, let wait = messageRate?.charge(unchargedMessages, at: now) else { return nil }
        note(.messageRate)
        return wait
    }

    /// The module was replaced, and reducers have other positions.
    mutating func follow(_ names: [String], _ rates: ReducerRates) {
        rateNames = names
        reducerRates = rates
    }

    /// - Returns: nil if the reducer may be called now; else why it was not. (It changes nothing; but of a value that changes,
    ///   who only reads gets a copy.)
    @inline(__always)
    mutating func refusal(of reducer: Int, at now: NIODeadline) -> DatabaseError? {
        reducerRates.isEmpty ? nil : lookUpRefusal(of: reducer, now)
    }

    @inline(never)
    private func lookUpRefusal(of reducer: Int, _ now: NIODeadline) -> DatabaseError? {
        guard let wait = reducerRates.admit(reducer, at: now) else { return nil }
        note(.reducerRate)
        return DatabaseError(.limitReached, ReducerRates.refusal(of: rateNames[reducer], wait: wait))
    }

    /// Asks for queries to be watched, beside those that are.
    ///
    /// - Parameter watched: counts those that are watched; only asked if it may matter.
    /// - Throws: `limitReached`.
    mutating func admit(queries count: Int, watched: () -> Int) throws(DatabaseError) {
        guard let limit = limits.subscriptionLimit else { return }
        if queryBound + count > limit { queryBound = watched() }
        guard queryBound + count <= limit else {
            note(.subscriptions)
            throw DatabaseError(
                .limitReached,
                "\(queryBound) queries are watched and \(count) more were asked for, but a client may watch \(limit); leave "
                    + "some first")
        }
        queryBound += count
    }

    // MARK: Going out

    /// An event was put into a frame.
    mutating func send(_ event: SessionEvent, isLeaving: Bool) {
        switch event {
        case .update(let update):
            guard let call = update.call else { return metrics.send(.update) }
            metrics.send(.reducerResult)
            record(call)
        case .subscribed, .unsubscribed: metrics.send(isLeaving ? .unsubscribed : .subscribed)
        case .resumed: metrics.send(.resumed)
        case .failed, .reply: metrics.send(.answer)
        case .moduleReplaced, .ended: break
        }
    }

    private mutating func record(_ call: CallResult) {
        if lastReducer.name != call.reducer {
            lastReducer = (call.reducer, reducerNames.firstIndex(of: call.reducer) ?? -1)
        }
        let hasCommitted = if case .committed = call.outcome { true } else { false }
        metrics.call(lastReducer.position, hasCommitted: hasCommitted, nanoseconds: call.nanoseconds)
    }

    mutating func sendFrame(byteCount: Int) { metrics.sendFrame(byteCount: byteCount) }

    // MARK: Time

    /// Some time has passed.
    ///
    /// - Parameters:
    ///   - waiting: bytes that the system has not taken yet.
    ///   - held: bytes of a message that has not come as a whole.
    ///   - watched: how many sets of queries are watched.
    ///   - inbox: how many messages wait to be handled.
    /// - Returns: why the client is to be dropped; nil if it is not.
    mutating func tick(
        sent: UInt64, waiting: Int, held: Int, sets: Int, inbox: Int, outbox: Int, at now: NIODeadline
    ) -> ClientLimit? {
        metrics.set(subscriptions: sets)
        metrics.set(waitingIn: inbox, waitingOut: outbox)
        metrics.flush()
        messageWatch.didRead(isComplete: hasCompleteMessage || held == 0, at: now)
        if held > 0 { messageWatch.didRead(isComplete: false, at: now) }
        hasCompleteMessage = false
        let written = sent - min(sent, UInt64(clamping: waiting))
        let isStuck = sendWatch.isStuck(written: written, isWaiting: waiting > 0, at: now)
        let limit: ClientLimit? = isStuck ? .slowReader : messageWatch.isStuck(at: now) ? .slowMessage : nil
        if let limit { note(limit) }
        return limit
    }
}

extension SpacetimeServer {
    /// The ledger of a new client.
    func ledger(for database: HostedDatabase, _ principal: Principal) -> ClientLedger {
        let limits = limits(of: principal, in: database)
        return ClientLedger(
            limits, options.limits, database.reducerRates(limits, of: .identity(principal.identity)), metrics,
            metrics(of: database))
    }

    /// What a client may take.
    func limits(of principal: Principal, in database: HostedDatabase) -> ClientLimits {
        options.limits.limits(of: principal.identity, claims: principal.claims, owner: database.owner)
    }

    /// The metrics of a database.
    func metrics(of database: HostedDatabase) -> DatabaseMetrics {
        metrics.database(
            registry.label(of: database.identity), reducers: database.core.catalog.schema.reducers.map(\.name))
    }
}
