package import SpacetimeEngine
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

    /// With the lock held, which the batch releases when it ends.
    init(holdingLockOf sessions: Sessions, _ session: Session) {
        self.sessions = sessions
        self.session = session
    }

    var caller: Caller { session.caller }

    deinit {
        sessions.runner.releaseAndFinish()
        sessions.queries.deliver()
    }

    /// Calls a reducer.
    ///
    /// - Parameters:
    ///   - request: chosen by the client, who is told it again.
    ///   - reducer: see ``Sessions/reducer(named:for:)``.
    ///   - arguments: in BSATN, one behind the other.
    /// - Returns: how long it took.
    @discardableResult
    package func call(_ request: UInt32, _ reducer: Int, arguments: UnsafeRawBufferPointer) -> Duration {
        let name = sessions.runner.catalog.schema.reducers[reducer].name
        return sessions.answer(request, name, in: session) { timestamp in
            try sessions.runner.run(
                .reducer, reducer: reducer, argumentBytes: arguments, as: session.caller, at: timestamp
            ).offset
        }
    }

    /// A picture of what has been committed, for those who read while a call takes long.
    package func picture() -> DatabasePicture {
        DatabasePicture(
            snapshot: sessions.runner.datastore.snapshot(),
            offset: TxOffset(sessions.runner.state.pointee.nextOffset &- 1))
    }

    /// Answers a call that cannot be made.
    package func refuse(_ request: UInt32, _ reducer: String, _ error: DatabaseError) {
        _ = sessions.answer(request, reducer, in: session) { _ throws(DatabaseError) in throw error }
    }
}

/// What a database held after a commit.
package struct DatabasePicture: Sendable {
    package let snapshot: DatastoreSnapshot
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

    /// Runs a batch of calls. Suspends while others have the lock.
    package func batch(by session: Session, _ body: (borrowing CallBatch) -> Void) async throws(DatabaseError) {
        try await runner.takingLock(toWrite: true) { body(CallBatch(holdingLockOf: self, session)) }
    }

    /// One call, with the lock held.
    fileprivate func answer(
        _ request: UInt32, _ reducer: String, in session: Session, _ run: (Timestamp) throws -> TxOffset
    ) -> Duration {
        let began = ContinuousClock.now
        let timestamp = runner.clock.now()
        let outcome: CallResult.Outcome
        let caller = queries.caller
        queries.caller = session
        do { outcome = .committed(try run(timestamp)) } catch { outcome = .failed(error) }
        queries.caller = caller
        let result = CallResult(
            request: request, reducer: reducer, timestamp: timestamp, duration: ContinuousClock.now - began,
            outcome: outcome)
        queries.answer(session, result, at: TxOffset(runner.state.pointee.nextOffset &- 1))
        return result.duration
    }
}
