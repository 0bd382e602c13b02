import SpacetimeDurability
import SpacetimeEngine
import Synchronization

/// Writes snapshots of a running database to its files.
struct SnapshotTaker: Sendable {
    let files: DatabaseFiles
    let runner: TransactionRunner

    /// Writes the snapshot that was claimed, in the background if the database has one.
    func start() {
        // A failure is kept by the files and tried again after the next stretch of log.
        if files.options.runsInBackground {
            startThread(stepsBack: true) { writeClaimedOrNote() }
        } else {
            writeClaimedOrNote()
        }
    }

    private func writeClaimedOrNote() {
        do throws(DatabaseError) { _ = try writeClaimed() } catch {
            runner.log.appendOfHost(.warn, "no snapshot could be written, the log holds everything: \(error.message)")
        }
    }

    /// Writes a snapshot now and returns when it is complete.
    func takeNow() throws(DatabaseError) -> (offset: TxOffset, byteCount: UInt64) {
        try files.claimNextSnapshot()
        guard files.options.runsInBackground else { return try writeClaimed() }
        return try runAside { () throws(DatabaseError) in try writeClaimed() }
    }

    private func writeClaimed() throws(DatabaseError) -> (offset: TxOffset, byteCount: UInt64) {
        var runner = runner
        while true {
            let (frozen, offset): (DatastoreSnapshot, TxOffset)
            do throws(DatabaseError) { (frozen, offset) = try runner.snapshotWithOffset() } catch {
                if error.code == .moduleReplaced, let next = runner.successor.withLock({ $0?.runner }) {
                    runner = next
                    continue
                }
                files.abandonClaim(error)
                throw error
            }
            return (offset, try files.write(frozen, schema: runner.catalog.stored, nextOffset: offset.rawValue &+ 1))
        }
    }
}
