import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Calls of one client under one taking of the lock, as a batch of messages from him asks for. Each is a transaction of its
/// own, and is answered by an event in the client's own stream.
///
/// Others wait for as long as it lives: it has to end on the thread that began it, before that does anything else that takes
/// time.
package struct CallBatch: ~Copyable {
    private let sessions: Sessions
    private let session: Session
    /// When the last call ended, which is when the next one begins: of a call, one reading of a clock is left.
    private var now: Int64
    /// What calls see as the time, and when it was read.
    private var timestamp: Timestamp
    private var timestampReading: Int64
    /// The reducer that was called last, whose name many calls tell.
    private var last = (reducer: -1, name: "")
    private var hasAnswered = false

    /// For so long the database's clock is not read again. No two calls could be told apart by less than a microsecond anyway.
    private static let timestampNanoseconds: Int64 = 50_000

    /// With the lock held, which the batch releases when it ends.
    init(holdingLockOf sessions: Sessions, _ session: Session) {
        self.sessions = sessions
        self.session = session
        now = monotonicNanoseconds()
        timestamp = sessions.runner.clock.now()
        timestampReading = now
        sessions.queries.caller = session
    }

    var caller: Caller { session.caller }

    deinit {
        sessions.queries.caller = nil
        if hasAnswered { sessions.queries.wake(session) }
        sessions.runner.releaseAndFinish()
        sessions.queries.deliver()
    }

    /// Calls a reducer.
    ///
    /// - Parameters:
    ///   - request: chosen by the client, who is told it again.
    ///   - reducer: see ``Sessions/reducer(named:for:)``.
    ///   - arguments: in BSATN, one behind the other.
    /// - Returns: how long it took since the call before, in nanoseconds.
    @discardableResult
    package mutating func call(_ request: UInt32, _ reducer: Int, arguments: UnsafeRawBufferPointer) -> Int64 {
        if now - timestampReading > Self.timestampNanoseconds {
            timestamp = sessions.runner.clock.now()
            timestampReading = now
        }
        let outcome: CallResult.Outcome
        do {
            outcome = .committed(
                try sessions.runner.runReducer(reducer, arguments, as: session.caller, at: timestamp).offset)
        } catch { outcome = .failed(error) }
        if reducer != last.reducer { last = (reducer, sessions.runner.catalog.schema.reducers[reducer].name) }
        return answer(request, last.name, outcome)
    }

    /// Answers a call that cannot be made.
    package mutating func refuse(_ request: UInt32, _ reducer: String, _ error: DatabaseError) {
        answer(request, reducer, .failed(error))
    }

    @discardableResult
    private mutating func answer(_ request: UInt32, _ reducer: String, _ outcome: CallResult.Outcome) -> Int64 {
        let ended = monotonicNanoseconds()
        let nanoseconds = ended - now
        now = ended
        hasAnswered = true
        sessions.queries.answer(
            session,
            CallResult(
                request: request, reducer: reducer, timestamp: timestamp, nanoseconds: nanoseconds, outcome: outcome),
            at: TxOffset(sessions.runner.state.nextOffset &- 1))
        return nanoseconds
    }

    /// A picture of what has been committed, for those who read while a call takes long.
    package func picture() -> DatabasePicture {
        DatabasePicture(
            views: PictureViews(sessions.runner.datastore.snapshot(), sessions.runner),
            offset: TxOffset(sessions.runner.state.nextOffset &- 1))
    }
}

/// What a database held after a commit.
package struct DatabasePicture: Sendable {
    /// The tables, and the views of them.
    package let views: PictureViews
    /// The last commit that it includes.
    package let offset: TxOffset
}

extension Sessions {
    /// The position of a reducer that a client calls by a name. Needs no lock, and stays what it is.
    ///
    /// - Throws: `noSuchReducer` if there is none that the client may call.
    package func reducer(named name: String, for caller: Caller) throws(DatabaseError) -> Int {
        try runner.reducers.position(of: name, calledBy: caller)
    }

    /// Begins a batch of calls if nobody has the lock and the log has room; nil otherwise.
    ///
    /// - Throws: `nestedTransaction` inside a transaction.
    package func batchIfFree(by session: Session) throws(DatabaseError) -> CallBatch? {
        guard try runner.acquireIfFree(toWrite: true) else { return nil }
        return CallBatch(holdingLockOf: self, session)
    }

    /// Whether the log has room for more: where it has none, a batch has to be waited for in a task.
    package var hasRoom: Bool { !runner.durability.isSaturated }

    /// Has `body` called when whoever has the lock releases it, from that thread. It gets the lock after a while, for
    /// ``batch(by:with:)``, else a chance at ``batchIfFree(by:)``.
    ///
    /// - Parameter since: when the waiting began, by `monotonicNanoseconds()`.
    /// - Returns: false if the lock is free. Then nothing is called.
    package func whenReleased(since: Int64, _ body: @escaping @Sendable (HandedLock?) -> Void) -> Bool {
        runner.whenReleased(since: since, body)
    }

    /// Begins a batch of calls with a lock that was waited for.
    package func batch(by session: Session, with lock: HandedLock) -> CallBatch {
        lock.take()
        return CallBatch(holdingLockOf: self, session)
    }

    /// Runs a batch of calls. Suspends while others have the lock.
    package func batch(by session: Session, _ body: (inout CallBatch) -> Void) async throws(DatabaseError) {
        try await runner.takingLock(toWrite: true) {
            var batch = CallBatch(holdingLockOf: self, session)
            body(&batch)
        }
    }
}
