/// Something to be done, in a transaction of its own, once a call has been undone.
package typealias RollbackWork = (TransactionReference) throws -> Void

extension TransactionReference {
    /// Notes what is to be done if the running call is undone. Forgotten if it is committed.
    package func afterRollback(_ work: @escaping RollbackWork) throws(DatabaseError) {
        try requireWritable()
        state.pointee.add(rollbackWork: work)
    }
}
