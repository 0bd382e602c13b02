public import SpacetimeSATS
import SpacetimeSchema

/// Work that a call had noted by `context.afterRollback`, and that failed itself when the call had been undone.
///
/// The caller gets what the call threw, so this is the only trace of it.
public struct AfterRollbackFailure: Sendable, CustomStringConvertible {
    /// The reducer whose call had failed; nil if it was such work itself.
    public let reducer: String?
    /// On whose behalf the call and the work ran.
    public let caller: Identity
    /// The time of the call.
    public let timestamp: Timestamp
    /// What the work threw. What it had written was undone.
    public let error: any Error

    public var description: String {
        let undone = reducer.map { "reducer '\($0)'" } ?? "other such work"
        return "work after the rollback of \(undone), called by \(caller) at \(timestamp), failed: \(error)"
    }
}

/// Something to be done, in a transaction of its own, once a call has been undone.
package typealias RollbackWork = (TransactionReference) throws -> Void

extension TransactionReference {
    /// Notes what is to be done if the running call is undone. Forgotten if it is committed.
    package func afterRollback(_ work: @escaping RollbackWork) throws(DatabaseError) {
        try requireWritable()
        state.add(rollbackWork: work)
    }
}

extension TransactionRunner {
    /// Does what was noted for the case that a call is undone, when it has been: on behalf of the same caller, at the same
    /// time, each in a transaction of its own. What fails there is undone, and told of when the lock has been released, by
    /// ``releaseAndFinish()``. With the lock held.
    func follow(_ work: [RollbackWork], of reducer: Int, as caller: Caller, at timestamp: Timestamp) {
        for body in work {
            do { _ = try run(.host, reducer: nil, arguments: [], as: caller, at: timestamp, after: body) } catch {
                let failure = AfterRollbackFailure(
                    reducer: reducer < 0 ? nil : catalog.schema.reducers[reducer].sourceName,
                    caller: caller.identity, timestamp: timestamp, error: error)
                log.appendOfHost(.error, failure.description)
                state.rollbackFailures.append(failure)
            }
        }
    }

    /// Releases the lock after a transaction that may have been undone, and does what is left to do then: observers deliver,
    /// a snapshot is taken if one is due, and the program hears of work after a rollback that failed.
    func releaseAndFinish() {
        let failures = state.rollbackFailures
        if !failures.isEmpty { state.rollbackFailures = [] }
        release()
        finish(delivering: true)
        if let onAfterRollbackFailure { for failure in failures { onAfterRollbackFailure(failure) } }
    }
}
