import SpacetimeSATS

/// Something to be done, in a transaction of its own, once a call has been undone.
package typealias RollbackWork = (TransactionReference) throws -> Void

extension TransactionReference {
    /// Notes what is to be done if the running call is undone. Forgotten if it is committed.
    package func afterRollback(_ work: @escaping RollbackWork) throws(DatabaseError) {
        try requireWritable()
        state.pointee.rollbackWork = (state.pointee.rollbackWork ?? []) + [work]
    }
}

extension DatabaseCore {
    /// Undoes the write transaction, and then does what was noted for that case: on behalf of the same caller, at the same
    /// time, each in a transaction of its own. What fails there is undone, and nobody else is told. With the lock held.
    func undoWriteAndFollowUp() {
        guard let work = state.pointee.rollbackWork else { return undoWrite() }
        state.pointee.rollbackWork = nil
        let caller = state.pointee.caller
        let timestamp = readTimestamp()
        undoWrite()
        for body in work {
            _ = try? run(.host, reducer: nil, arguments: [], as: caller, at: timestamp, after: body)
        }
    }

    /// The call was committed, or there is nothing that could follow it.
    @inline(__always)
    func dropRollbackWork() {
        if state.pointee.rollbackWork != nil { state.pointee.rollbackWork = nil }
    }
}
