package import SpacetimeSATS

/// A call of a reducer by a client, as it came.
package struct SessionCall: Sendable {
    /// Chosen by the client, who is told it again.
    package let request: UInt32
    package let reducer: String
    /// In BSATN, one behind the other.
    package let arguments: [UInt8]

    package init(request: UInt32, reducer: String, arguments: [UInt8]) {
        self.request = request
        self.reducer = reducer
        self.arguments = arguments
    }
}

/// How a client's call ended.
package struct CallResult: Sendable {
    package enum Outcome: Sendable {
        /// The call has committed, or changed nothing.
        case committed(TxOffset)
        /// The call was refused, or undone, for this reason: a `DatabaseError`, or what the reducer threw.
        case failed(any Error)
    }

    package let request: UInt32
    package let reducer: String
    /// The clock of the database when the call began.
    package let timestamp: Timestamp
    package let duration: Duration
    package let outcome: Outcome
}

/// Calls that clients make, answered in their own stream of events: the answer and what the call changed for its client are one
/// event.
extension Sessions {
    /// Calls reducers one after the other under one taking of the lock, as a batch of messages from one client asks for. Each
    /// is a transaction of its own, and is answered by an event.
    ///
    /// - Throws: `nestedTransaction` inside a transaction. Whatever else happens is in the answers.
    package func call(_ calls: [SessionCall], by session: Session) throws(DatabaseError) {
        try runner.acquireForWrite()
        callAndRelease(calls, session)
    }

    /// Calls reducers one after the other. Suspends while others have the lock.
    package func call(_ calls: [SessionCall], by session: Session) async throws(DatabaseError) {
        try await runner.takingLock(toWrite: true) { callAndRelease(calls, session) }
    }

    private func callAndRelease(_ calls: [SessionCall], _ session: Session) {
        for call in calls { self.call(call, session) }
        runner.releaseAndFinish()
        queries.deliver()
    }

    /// One call, with the lock held.
    private func call(_ call: SessionCall, _ session: Session) {
        let began = ContinuousClock.now
        let timestamp = runner.clock.now()
        let outcome: CallResult.Outcome
        let caller = queries.caller
        queries.caller = session
        do {
            let position = try runner.reducers.position(of: call.reducer, calledBy: session.caller)
            let end = try runner.run(
                .reducer, reducer: position, arguments: call.arguments, as: session.caller, at: timestamp)
            outcome = .committed(end.offset)
        } catch {
            outcome = .failed(error)
        }
        queries.caller = caller
        let result = CallResult(
            request: call.request, reducer: call.reducer, timestamp: timestamp, duration: ContinuousClock.now - began,
            outcome: outcome)
        queries.answer(session, result, at: TxOffset(runner.state.pointee.nextOffset &- 1))
    }
}
