import SpacetimeSATS
import Synchronization

/// Calls of reducers that a guest asks for beside its transaction: they are made as soon as the lock is free, on behalf of
/// the database, whatever becomes of the transaction. Nobody waits for them, and they are lost if the program ends.
extension TransactionReference {
    package func callSoon(_ reducer: String, arguments: [UInt8]) { runner.callSoon(reducer, arguments: arguments) }
}

extension ProcedureCall {
    package func callSoon(_ reducer: String, arguments: [UInt8]) { runner.callSoon(reducer, arguments: arguments) }

    /// Whether there is anything to send requests with.
    package var canSend: Bool { procedures.options.http != nil }
}

extension TransactionRunner {
    fileprivate func callSoon(_ reducer: String, arguments: [UInt8]) {
        guard let position = reducers.position(ofAny: reducer) else {
            return log.appendOfHost(.error, "the module asked for a call of '\(reducer)', which is no reducer of it")
        }
        Task {
            do throws(DatabaseError) {
                // If it fails that is in the log, and there is nobody else to tell.
                _ = try await takingLock(toWrite: true) {
                    Result {
                        try runAndRelease(
                            .scheduled, reducer: position, arguments: arguments, as: Caller(identity: catalog.identity))
                    }
                }
            } catch {
                // The module was replaced meanwhile; else the database is closed.
                let next = successor.withLock { $0?.runner }
                if error.code == .moduleReplaced { next?.callSoon(reducer, arguments: arguments) }
            }
        }
    }
}
