import SpacetimeEngine
import SpacetimeSchema
import Synchronization

/// The queries that somebody subscribed to, found by what a commit changed, and the way of their changes to the sessions.
/// Guarded by the database's lock, but for ``removeLater(_:from:)`` and ``deliver()``.
final class LiveQueries: CommitObserver {
    private var templates: [BoundQuery: LiveTemplate] = [:]
    private var byTable: [[LiveTemplate]] = []
    private let followed: FollowedTables
    private let wakes = WakeList()
    private var firstRows = FirstRowsCache()
    private var scratch = KeyScratch()
    /// Of the commit that is being observed.
    private var touched: [LiveChanges] = []
    private var told: [Session] = []
    /// Subscriptions that were left while somebody else had the database's lock. The one part that needs no lock.
    private let departed = Mutex<[Departure]>([])
    private let hasDeparted = Atomic(false)

    private struct Departure: Sendable {
        let session: Session
        /// Nil for all of them.
        let set: QuerySetID?
    }

    init(_ followed: FollowedTables) { self.followed = followed }

    deinit {
        // Nobody else refers to the database any more, so no lock is needed.
        let gone = DatabaseError(
            .closed, "the database is gone, since nothing refers to it any more; keep it for as long as it is watched")
        for session in sessions { session.finish(.failed(gone)) }
        for session in sessions { session.wake() }
    }

    /// The number of distinct queries.
    var count: Int {
        removeDeparted()
        return templates.values.reduce(0) { $0 + $1.count }
    }

    // MARK: Coming

    /// The query that a lifted query is, which is entered if nobody watches it yet. To be given back by
    /// ``forgetUnwatched(_:)`` if in the end nobody does.
    func enter(_ query: SessionQuery, _ facts: TableFacts) throws(EngineError) -> LiveQuery {
        let known = templates[query.query]
        let template = if let known { known } else { try LiveTemplate(query.query, facts) }
        let (entry, isNew) = try template.enter(query.values)
        guard isNew else { return entry }
        if known == nil {
            templates[query.query] = template
            let table = Int(template.table.rawValue)
            while byTable.count <= table { byTable.append([]) }
            byTable[table].append(template)
        }
        followed.follow(template.table)
        return entry
    }

    func forgetUnwatched(_ queries: [LiveQuery]) {
        for query in queries where !query.isWatched { forget(query) }
    }

    /// Adds a set of different queries to a session, which is first told their rows.
    ///
    /// - Parameter end: why there will be nothing else, if so.
    func add(_ rows: SetRows, _ queries: [LiveQuery], to session: Session, end: SubscriptionEnd?) {
        removeDeparted()
        switch session.queue.append(.subscribed(rows)) {
        case .queued: wakes.add(session)
        case .full: drop(session)
        case .closed: break
        }
        if let end { session.finish(end) }
        if session.hasEnded { return forgetUnwatched(queries) }
        session.sets[rows.set] = queries
        for (position, query) in queries.enumerated() {
            query.add(LiveQuery.Subscriber(session: session, set: rows.set, position: UInt32(position)))
        }
    }

    /// Keeps the first rows of a query for those who subscribe to it later.
    func keep(_ rows: SharedDelta, of query: LiveQuery) { firstRows.keep(rows, of: query) }

    // MARK: Going

    /// Removes a set of queries of a session, or all of them.
    func remove(_ set: QuerySetID?, of session: Session) {
        guard let set else {
            for set in session.sets.keys.sorted() { remove(set, of: session) }
            return
        }
        for query in session.sets.removeValue(forKey: set) ?? [] {
            query.remove(session, set)
            if !query.isWatched { forget(query) }
        }
    }

    /// Notes that a set is to be removed, or all of a session's, from any thread and without the database's lock.
    func removeLater(_ set: QuerySetID?, of session: Session) {
        departed.withLock { $0.append(Departure(session: session, set: set)) }
        hasDeparted.store(true, ordering: .releasing)
    }

    /// Removes what was noted by ``removeLater(_:of:)``.
    private func removeDeparted() {
        guard hasDeparted.load(ordering: .relaxed), hasDeparted.exchange(false, ordering: .acquiring) else { return }
        let list = departed.withLock { list in
            defer { list = [] }
            return list
        }
        for departure in list { remove(departure.set, of: departure.session) }
    }

    private func forget(_ query: LiveQuery) {
        let template = query.template
        guard template.remove(query) else { return }
        firstRows.drop(query)
        followed.unfollow(template.table)
        guard template.count == 0 else { return }
        templates[template.query] = nil
        byTable[Int(template.table.rawValue)].removeAll { $0 === template }
    }

    /// Ends a session that fell behind, after what is in its queue.
    private func drop(_ session: Session) {
        remove(nil, of: session)
        session.finish(.overflow)
        wakes.add(session)
    }

    /// Ends all sessions, each after what it has still to get.
    func end(_ reason: SubscriptionEnd) {
        for session in sessions {
            remove(nil, of: session)
            session.finish(reason)
            wakes.add(session)
        }
    }

    /// All that watch something, in no particular order.
    private var sessions: [Session] {
        var sessions: [ObjectIdentifier: Session] = [:]
        for template in templates.values {
            for query in template.queries {
                query.forEachSubscriber { sessions[ObjectIdentifier($0.session)] = $0.session }
            }
        }
        return Array(sessions.values)
    }

    // MARK: Following commits

    /// Finds the queries that a commit concerns and puts what changed in them into the sessions' queues.
    func observe(_ commit: Commit) -> Bool {
        removeDeparted()
        for changes in commit.changes?.tables ?? [] where Int(changes.table.rawValue) < byTable.count {
            for template in byTable[Int(changes.table.rawValue)] { template.collect(changes, &scratch, into: &touched) }
        }
        if touched.isEmpty { return false }
        for changes in touched { distribute(changes) }
        touched.removeAll(keepingCapacity: true)
        let hasTold = !told.isEmpty
        for session in told { tell(session, at: commit.offset) }
        told.removeAll(keepingCapacity: true)
        return hasTold
    }

    private func distribute(_ changes: LiveChanges) {
        let query = changes.query
        query.changes = -1
        firstRows.drop(query)
        query.rowsProduced &+= UInt32(truncatingIfNeeded: changes.deletes.count + changes.inserts.count)
        let template = query.template
        let delta = SharedDelta(
            table: template.table, deletes: changes.deletes, inserts: changes.inserts, pairs: template.pairs)
        query.forEachSubscriber { subscriber in
            let session = subscriber.session
            if session.hasEnded { return }
            if session.changes.isEmpty { told.append(session) }
            session.changes.append(SetChange(set: subscriber.set, query: Int(subscriber.position), delta: delta))
        }
    }

    private func tell(_ session: Session, at offset: TxOffset) {
        var changes = session.changes
        session.changes = []
        if changes.count > 1 { changes.sort { ($0.set, $0.query) < ($1.set, $1.query) } }
        switch session.queue.append(.update(SessionUpdate(offset: offset, changes: changes))) {
        case .queued: wakes.add(session)
        case .full: drop(session)
        case .closed: remove(nil, of: session)
        }
    }

    func deliver() { wakes.deliver() }
}
