import SpacetimeDurability
package import SpacetimeSATS

/// What tells whether a database goes on, as far as it can be seen without waiting for anybody.
package struct DatabasePulse: Sendable {
    /// False while a transaction runs.
    package var isFree: Bool
    /// Changes with each transaction.
    package var transaction: UInt64
    /// When the next scheduled call is due; nil if none is, or it is not known because a transaction runs.
    package var nextDue: Timestamp?
    /// The time on the clock that schedules go by.
    package var now: Timestamp
    /// Commits that were handed to the log, and those of them that are on disk. Equal in a database in memory.
    package var appendedCommits: UInt64
    package var durableCommits: UInt64
    /// Why no more commits can be kept; nil if they can.
    package var logFailure: String?
    /// Why the last snapshot could not be written; nil if it could.
    package var snapshotFailure: String?
    /// Why the module's log cannot be written to its files; nil if it can.
    package var moduleLogFailure: String?
}

extension DatabaseCore {
    /// Looks how the database is doing. Takes the lock only if nobody has it: it answers also while a call never ends.
    package func pulse() -> DatabasePulse {
        // A number that may be read at any time.
        let transaction = runner.state.serial
        let isFree = (try? runner.acquireIfFree(toWrite: false)) == true
        let nextDue = isFree ? scheduler?.nextDue : nil
        if isFree { runner.release() }
        let durable = files?.log.durableEnd ?? 0
        return DatabasePulse(
            isFree: isFree, transaction: transaction, nextDue: nextDue, now: runner.clock.now(),
            appendedCommits: max(files?.log.appendedEnd ?? 0, durable), durableCommits: durable,
            logFailure: files?.log.failure.flatMap { $0.code == .closed ? nil : $0.description },
            snapshotFailure: files?.snapshotFailure?.message, moduleLogFailure: log.fileFailure?.description)
    }
}
