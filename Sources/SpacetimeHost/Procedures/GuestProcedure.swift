/// The transactions of a procedure that begins and ends them itself, on one thread: the face of a call for guests.
///
/// Not `Sendable`: a transaction belongs to the thread that runs it. What the guest does in one goes through a
/// ``GuestTransaction``.
package final class GuestProcedure {
    private let call: ProcedureCall
    private var open: TransactionReference?

    init(_ call: ProcedureCall) {
        self.call = call
        runner = call.runner
    }

    /// Another one once the module was replaced.
    private var runner: TransactionRunner

    /// Begins a transaction; blocks the thread while others have the lock.
    ///
    /// - Throws: `nestedTransaction` if one is open.
    package func begin() throws(DatabaseError) -> TransactionReference {
        try call.requireRunning()
        if open != nil {
            throw DatabaseError(
                .nestedTransaction, "the procedure has a transaction open; commit it, or roll it back, before the next")
        }
        while true {
            do throws(DatabaseError) {
                let transaction = try runner.beginProcedureTransaction(as: call.caller)
                open = transaction
                return transaction
            } catch { runner = try call.successor(of: runner, behind: error) }
        }
    }

    /// Commits the open transaction.
    ///
    /// - Returns: the commit, or the last one before it if nothing changed.
    @discardableResult
    package func commit() throws(DatabaseError) -> TxOffset {
        guard open != nil else { throw noTransaction() }
        open = nil
        let offset = try runner.commitProcedureTransaction(function: call.loggedFunction(on: runner))
        call.note(offset)
        return offset
    }

    /// Undoes the open transaction.
    package func rollBack() throws(DatabaseError) {
        guard rollBackIfOpen() else { throw noTransaction() }
    }

    /// - Returns: false if none was open.
    func rollBackIfOpen() -> Bool {
        guard open != nil else { return false }
        open = nil
        runner.abortCall()
        return true
    }

    private func noTransaction() -> DatabaseError {
        DatabaseError(.transactionEnded, "the procedure has no transaction open; begin one before")
    }
}
