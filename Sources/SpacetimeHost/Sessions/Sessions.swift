import SpacetimeDurability
import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// The clients that watch queries.
///
/// `Sendable` is unchecked: the queries are touched with the database's lock held only, but for what they allow otherwise.
package final class Sessions: @unchecked Sendable {
    let runner: TransactionRunner
    let queries: LiveQueries
    /// Reads the texts of queries.
    package let texts: QueryTexts
    /// Those of the core that has taken over, if one has.
    let successor = Mutex<Sessions?>(nil)

    init(_ runner: TransactionRunner, _ queries: LiveQueries) {
        self.runner = runner
        self.queries = queries
        texts = QueryTexts(runner.catalog)
    }

    // MARK: Subscribing

    /// Has a session watch a set of queries.
    ///
    /// The session is first told the rows of all of them as they are at one moment, and then each commit behind it that
    /// changes them: there is neither a gap nor an overlap. If one of the queries is refused, so is the set, and nothing has
    /// changed. Rows that take long to find are found without the lock, before this returns.
    ///
    /// Each query of the list has rows and changes of its own, also if two of them ask for the same.
    ///
    /// - Throws: `noSuchTable` if there is no such table that the session's client may read, `alreadySubscribed` if the session
    ///   has a set with this id, `invalidCondition`, `invalidQuery`, `limitReached`, `closed`.
    package func subscribe(_ session: Session, to set: QuerySetID, _ list: [SessionQuery]) throws(DatabaseError) {
        if let refused = try change(session, leaving: [], joining: [(set, list)]).first { throw refused.error }
    }

    /// Has a session watch a set of queries. Suspends while others have the lock, and while rows are found that take long.
    package func subscribe(_ session: Session, to set: QuerySetID, _ list: [SessionQuery]) async throws(DatabaseError) {
        if let refused = try await change(session, leaving: [], joining: [(set, list)]).first { throw refused.error }
    }

    /// Leaves sets of queries and joins others in one step, as a client does that walks over the border of a map: no commit
    /// comes between.
    ///
    /// - Parameter since: of sets whose rows the client has as they were once, the commit. It is told what has changed since
    ///   (`SessionEvent.resumed`) if that is known, and else all rows.
    /// - Returns: the sets that were refused, and why; the others are being watched.
    package func change(
        _ session: Session, leaving left: [QuerySetID], joining joined: [(set: QuerySetID, queries: [SessionQuery])],
        since: [QuerySetID: ResumePoint] = [:]
    ) throws(DatabaseError) -> [(set: QuerySetID, error: DatabaseError)] {
        try change(session, leaving: left, joining: joined, since: since) {}
    }

    /// - Parameter meanwhile: called where others may commit between the parts of the step. For tests.
    func change(
        _ session: Session, leaving left: [QuerySetID], joining joined: [(set: QuerySetID, queries: [SessionQuery])],
        since: [QuerySetID: ResumePoint] = [:], meanwhile: () -> Void
    ) throws(DatabaseError) -> [(set: QuerySetID, error: DatabaseError)] {
        let step = SessionStep(session, leaving: left, since: since)
        try runner.acquire()
        enter(step, joined)
        let isLater = step.isWaiting
        if isLater {
            runner.release()
            meanwhile()
            step.fill(meanwhile)
            meanwhile()
            try runner.acquire()
        }
        completeAndRelease(step, isLater: isLater)
        if step.isUnfinished {
            meanwhile()
            step.find(runner)
            if (try? runner.acquire()) != nil { settleAndRelease(step) } else { dropUnfound(step) }
        }
        return step.refused
    }

    /// The same in a task, which suspends while others have the lock, and while rows are found that take long.
    package func change(
        _ session: Session, leaving left: [QuerySetID], joining joined: [(set: QuerySetID, queries: [SessionQuery])],
        since: [QuerySetID: ResumePoint] = [:]
    ) async throws(DatabaseError) -> [(set: QuerySetID, error: DatabaseError)] {
        let step = SessionStep(session, leaving: left, since: since)
        let isLater = try await runner.takingLock {
            enter(step, joined)
            if step.isWaiting {
                runner.release()
                return true
            }
            completeAndRelease(step, isLater: false)
            return false
        }
        if isLater {
            await step.fill()
            try await runner.takingLock { completeAndRelease(step, isLater: true) }
        }
        if step.isUnfinished {
            await suspendingAside { [runner] () in step.find(runner) }
            do throws(DatabaseError) { try await runner.takingLock { settleAndRelease(step) } } catch {
                dropUnfound(step)
            }
        }
        return step.refused
    }

    private func completeAndRelease(_ step: SessionStep, isLater: Bool) {
        complete(step, isLater: isLater)
        runner.release()
        queries.deliver()
    }

    /// Has sets not be watched whose rows could not be found, although others have the sessions by now.
    private func dropUnfound(_ step: SessionStep) {
        for pending in step.pending where pending.failure != nil { remove(pending.set, of: pending.session) }
    }

    private func settleAndRelease(_ step: SessionStep) {
        settle(step)
        runner.release()
    }

    // MARK: Leaving

    /// Ends the watching of a set of queries. Nothing that is committed after this returns is told of it. From anywhere, also
    /// from inside a transaction; waits for nobody.
    package func unsubscribe(_ session: Session, from set: QuerySetID) { remove(set, of: session) }

    /// Ends a session, and drops what it was not told yet. Safe to call more than once and from anywhere, also from inside a
    /// transaction; waits for nobody.
    package func end(_ session: Session) {
        session.drop()
        remove(nil, of: session)
    }

    private func remove(_ set: QuerySetID?, of session: Session) {
        // Inside a transaction, or while another thread is in one, it is only noted, and whoever has the lock next does it.
        guard (try? runner.acquireIfFree(toWrite: false)) == true else {
            queries.removeLater(set, of: session)
            if runner.isReplaced { forwardDepartures() }
            return
        }
        queries.remove(set, of: session)
        runner.release()
        queries.leftovers.free()
    }

    /// Hands on what was noted here while, or after, another core took over.
    func forwardDepartures() {
        guard let successor = successor.withLock({ $0 }) else { return }
        queries.forEachDeparture { successor.remove($1, of: $0) }
    }

    /// The number of distinct queries that are being watched.
    package func queryCount() throws(DatabaseError) -> Int {
        try runner.acquire()
        defer { runner.release() }
        return queries.count
    }
}
