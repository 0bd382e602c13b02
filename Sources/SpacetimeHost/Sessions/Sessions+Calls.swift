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
    /// How long it took. In a batch the call before it ends where it begins, so reading its message is part of it.
    package let nanoseconds: Int64
    package let outcome: Outcome
}

/// Calls that clients make, answered in their own stream of events: the answer and what the call changed for its client are one
/// event.
extension Sessions {
    /// Calls reducers one after the other under one taking of the lock. Each is a transaction of its own, and is answered by
    /// an event. Blocks the thread while others have the lock.
    ///
    /// - Throws: `nestedTransaction` inside a transaction. Whatever else happens is in the answers.
    package func call(_ calls: [SessionCall], by session: Session) throws(DatabaseError) {
        try runner.acquireForWrite()
        var batch = CallBatch(holdingLockOf: self, session)
        run(calls, in: &batch)
    }

    /// Calls reducers one after the other. Suspends while others have the lock.
    package func call(_ calls: [SessionCall], by session: Session) async throws(DatabaseError) {
        try await batch(by: session) { run(calls, in: &$0) }
    }

    private func run(_ calls: [SessionCall], in batch: inout CallBatch) {
        for call in calls {
            do throws(DatabaseError) {
                let reducer = try reducer(named: call.reducer, for: batch.caller)
                call.arguments.withUnsafeBytes { _ = batch.call(call.request, reducer, arguments: $0) }
            } catch {
                batch.refuse(call.request, call.reducer, error)
            }
        }
    }
}
