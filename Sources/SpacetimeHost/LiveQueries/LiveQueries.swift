import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSchema
import Synchronization

/// The queries that somebody subscribed to, found by what a commit changed, and the way of their changes to the sessions.
/// Guarded by the database's lock, but for ``removeLater(_:of:)``, ``deliver()`` and ``leftovers``.
final class LiveQueries: CommitObserver {
    private var templates: [BoundQuery: LiveTemplate] = [:]
    /// Those that join tables or make rows of their own.
    private var sources: [BoundQuery: LiveSource] = [:]
    /// What has to be looked at when a table has changed, by table id.
    private var byTable: [[LiveSource]] = []
    private let datastore: Datastore
    private let catalog: Catalog
    var planner: Planner { catalog.planner }
    /// Nil if whoever has the queries looks for changes himself.
    let followed: FollowedTables?
    private let wakes = WakeList()
    /// Stages of queries that were forgotten. Needs no lock.
    let leftovers = Leftovers()
    private var firstRows = FirstRowsCache()
    /// What changed lately, for clients that come back.
    var histories: QueryHistories
    /// First rows are found on a snapshot, without the lock, if more than these would have to be looked at.
    var lockedRowLimit = 4_096
    /// How what is committed meanwhile is taken in.
    var fillingPace = StageFilling.Pace()
    private var scratch = KeyScratch()
    /// The session whose call is running, if it is one's.
    var caller: Session?
    /// Of the commit that is being observed.
    private var touched: [LiveChanges] = []
    private var told: [Session] = []
    /// What the last of them was told.
    private var alike: AlikeUpdate?
    /// Somebody was told that a query of his failed.
    private var failed = false
    /// Why a query could not follow the last changes.
    private var failure: DatabaseError?
    /// Queries, with parameters, that are kept up to date better for each value by itself.
    private var literal: Set<BoundQuery> = []
    private static let literalLimit = 1_000
    /// Kinds by the identity of a query, which is kept so that no other gets it.
    private var byPrepared: [ObjectIdentifier: (query: PreparedQuery, template: LiveTemplate)] = [:]
    private static let preparedLimit = 4_096
    /// Kinds that nobody has a query of.
    private var idleCount = 0
    private static let idleLimit = 1_024
    /// Subscriptions that were left while somebody else had the database's lock. The one part that needs no lock.
    private let departed = Mutex<[Departure]>([])
    private let hasDeparted = Atomic(false)

    private struct Departure: Sendable {
        let session: Session
        /// Nil for all of them.
        let set: QuerySetID?
    }

    init(
        _ followed: FollowedTables?, _ catalog: Catalog, _ datastore: Datastore,
        resuming: ResumeOptions = ResumeOptions()
    ) {
        histories = QueryHistories(resuming)
        self.followed = followed
        self.catalog = catalog
        self.datastore = datastore
    }

    deinit {
        // Nobody else refers to the database any more, so no lock is needed.
        let gone = DatabaseError(
            .closed, "the database is gone, since nothing refers to it any more; keep it for as long as it is watched")
        for session in sessions { session.finish(.failed(gone)) }
        for session in sessions { session.wake() }
    }

    /// The number of different queries.
    var count: Int {
        removeDeparted()
        return templates.values.reduce(0) { $0 + $1.count }
    }

    /// The kinds of which somebody watches a query, in no particular order.
    var kinds: [LiveTemplate] {
        removeDeparted()
        return templates.values.filter { $0.count > 0 }
    }

    // MARK: Coming

    /// The query that a client asks for, which is entered if nobody watches it yet. To be given back by
    /// ``forgetUnneeded(_:)`` if in the end nobody does.
    ///
    /// - Returns: the query, and its values.
    func enter(_ query: SessionQuery) throws(DatabaseError) -> (LiveQuery, values: [[UInt8]]) {
        let prepared = query.prepared
        if prepared.isShared, let known = byPrepared[ObjectIdentifier(prepared)] {
            return (try enter(query.values, in: known.template), query.values)
        }
        let lifted = query.query.lifted(catalog, query.values)
        let (entry, values) = try enter(query, lifted)
        // As long as nothing had to be lifted, the values are those that the next one brings, too.
        if prepared.isShared, lifted.values.count == query.values.count, values.count == query.values.count {
            if byPrepared.count >= Self.preparedLimit { byPrepared = [:] }
            byPrepared[ObjectIdentifier(prepared)] = (prepared, entry.template)
        }
        return (entry, values)
    }

    private func enter(
        _ query: SessionQuery, _ lifted: (query: BoundQuery, values: [[UInt8]])
    ) throws(DatabaseError) -> (LiveQuery, values: [[UInt8]]) {
        if let known = templates[lifted.query] { return (try enter(lifted.values, in: known), lifted.values) }
        if !literal.contains(lifted.query) {
            if let template = try template(lifted.query) {
                return (try enter(lifted.values, in: template), lifted.values)
            }
            if literal.count >= Self.literalLimit { literal = [] }
            literal.insert(lifted.query)
        }
        // A kind of its own, since the values cannot be taken out.
        let bound: BoundQuery
        do throws(EngineError) { bound = try query.query.binding(query.values) } catch { throw DatabaseError(error) }
        if let known = templates[bound] { return (try enter([], in: known), []) }
        guard let template = try template(bound) else {
            throw DatabaseError(.invalidCondition, "the query has parameters that were given no values")
        }
        return (try enter([], in: template), [])
    }

    private func enter(_ values: [[UInt8]], in template: LiveTemplate) throws(DatabaseError) -> LiveQuery {
        if let known = template.known(values, &scratch) { return known }
        let (query, isNew): (LiveQuery, Bool)
        do throws(EngineError) { (query, isNew) = try template.enter(values, &scratch) } catch {
            throw DatabaseError(error)
        }
        guard isNew else { return query }
        if template.count == 1 { enter(template) }
        for table in template.source.tables { followed?.follow(table) }
        return query
    }

    private func enter(_ template: LiveTemplate) {
        if templates[template.query] != nil { idleCount -= 1 }
        templates[template.query] = template
        let source = template.source
        if source.templates.isEmpty {
            if let query = source.query { sources[query] = source }
            for table in source.tables {
                while byTable.count <= Int(table.rawValue) { byTable.append([]) }
                byTable[Int(table.rawValue)].append(source)
            }
        }
        source.add(template)
    }

    /// The kind that a query is of; nil if its parameters cannot be taken out of it, or if without their values a commit would
    /// have to read whole tables.
    private func template(_ query: BoundQuery) throws(DatabaseError) -> LiveTemplate? {
        guard let shape = try LiveShape(query, catalog) else { return nil }
        var output: TableFacts?
        if query.grouping == nil, case .rows(let slot) = query.output {
            output = try catalog.facts(of: query.tables[slot].id)
        } else if query.grouping == nil, shape.source == nil {
            // All columns that may be seen.
            output = try catalog.facts(of: query.tables[0].id)
        } else if let slot = catalog.viewTables.wholeSlot(of: query) {
            output = try catalog.facts(of: query.tables[slot].id)
        }
        let stages = try LiveStages(query, shape, catalog)
        guard let source = try source(shape, of: query) else { return nil }
        do throws(EngineError) { return try LiveTemplate(query, shape, source, stages, output: output, catalog) } catch
        {
            throw DatabaseError(error)
        }
    }

    private func source(_ shape: LiveShape, of query: BoundQuery) throws(DatabaseError) -> LiveSource? {
        guard let made = shape.source else {
            let table = query.tables[0].id
            let known = Int(table.rawValue) < byTable.count ? byTable[Int(table.rawValue)] : []
            return known.first { $0.query == nil } ?? LiveSource(table)
        }
        if let known = sources[made] { return known }
        let plan: LivePlan
        do throws(PlanError) {
            // What is allowed is told by the query itself; what is fast, by what is left of it.
            let whole = try planner.livePlan(query, datastore)
            guard let open = try? planner.livePlan(made, datastore) else { return nil }
            if open.unindexed.count > whole.unindexed.count { return nil }
            plan = open
        } catch {
            throw DatabaseError(.invalidQuery, "\(error)")
        }
        do throws(EngineError) { return try LiveSource(made, plan, datastore) } catch { throw DatabaseError(error) }
    }

    func forgetUnneeded(_ queries: [LiveQuery]) {
        for query in queries where !query.isNeeded { forget(query) }
    }

    /// Adds a set of queries to a session. The same query may be in it several times.
    ///
    /// - Parameters:
    ///   - offset: the commit that their first rows are of.
    ///   - appended: whether the queue has taken them, or a place for them.
    ///   - end: why there will be nothing else, if so.
    func add(
        _ set: QuerySetID, _ queries: [LiveQuery], to session: Session, at offset: TxOffset,
        behind appended: SessionQueue.Appended, end: SubscriptionEnd?
    ) {
        removeDeparted()
        switch appended {
        case .queued: wakes.add(session)
        case .full: drop(session)
        case .closed: break
        }
        if let end { session.finish(end) }
        if session.hasEnded {
            for view in session.views.removeValue(forKey: set) ?? [] { view.users -= 1 }
            return forgetUnneeded(queries)
        }
        session.sets[set] = LiveQueryList(queries)
        for (position, query) in queries.enumerated() {
            query.add(LiveQuery.Subscriber(session: session, set: set, position: UInt32(position)))
            if session.tellsOffsets { histories.begin(query, at: offset) }
        }
    }

    /// Keeps the first rows of a query for those who subscribe to it later.
    func keep(_ rows: SharedDelta, of query: LiveQuery) { firstRows.keep(rows, of: query) }

    // MARK: Going

    /// Removes a set of queries of a session, or all of them.
    func remove(_ set: QuerySetID?, of session: Session) {
        guard let set else {
            if session.tellsOffsets { keepForReturn(session) }
            for set in session.joining.keys.sorted() { leave(set, of: session) }
            for set in session.sets.keys.sorted() { remove(set, of: session) }
            return
        }
        leave(set, of: session)
        for view in session.views.removeValue(forKey: set) ?? [] { view.users -= 1 }
        session.asked[set] = nil
        for query in session.sets.removeValue(forKey: set) ?? LiveQueryList([]) {
            query.remove(session, set)
            if session.tellsOffsets { histories.end(query) }
            if !query.isNeeded { forget(query) }
        }
    }

    /// Has a set that is about to be watched not be watched.
    private func leave(_ set: QuerySetID, of session: Session) {
        if session.joining.isEmpty { return }
        session.joining.removeValue(forKey: set)?.leave()
    }

    /// Notes that a set is to be removed, or all of a session's, from any thread and without the database's lock.
    func removeLater(_ set: QuerySetID?, of session: Session) {
        departed.withLock { $0.append(Departure(session: session, set: set)) }
        hasDeparted.store(true, ordering: .releasing)
    }

    /// Removes what was noted by ``removeLater(_:of:)``.
    func removeDeparted() { forEachDeparture { remove($1, of: $0) } }

    /// Takes out what was noted by ``removeLater(_:of:)``. Needs no lock.
    @inline(__always)
    func forEachDeparture(_ body: (Session, QuerySetID?) -> Void) {
        guard hasDeparted.load(ordering: .relaxed), hasDeparted.exchange(false, ordering: .acquiring) else { return }
        let list = departed.withLock { list in
            defer { list = [] }
            return list
        }
        for departure in list { body(departure.session, departure.set) }
    }

    func forget(_ query: LiveQuery) {
        let template = query.template
        let source = template.source
        guard template.remove(query) else { return }
        firstRows.drop(query)
        if followed != nil, case .ready(let stage)? = query.stage {
            leftovers.add(stage)
            query.stage = nil
        }
        for table in source.tables { followed?.unfollow(table) }
        guard template.count == 0 else { return }
        // The kind stays known, since queries of it mostly come again; but commits do not look at it.
        source.remove(template)
        if source.templates.isEmpty {
            for table in source.tables { byTable[Int(table.rawValue)].removeAll { $0 === source } }
        }
        idleCount += 1
        if idleCount > Self.idleLimit { forgetIdle() }
    }

    /// Forgets the kinds that nobody has a query of.
    private func forgetIdle() {
        templates = templates.filter { $0.value.count > 0 }
        byPrepared = byPrepared.filter { $0.value.template.count > 0 }
        sources = sources.filter { !$0.value.templates.isEmpty }
        idleCount = 0
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

    /// Lets go of all queries and of whoever watches them, who are told nothing: another core has them.
    func letGo() {
        templates = [:]
        sources = [:]
        byTable = []
        byPrepared = [:]
        idleCount = 0
        histories = histories.emptied
    }

    /// All that watch something, in no particular order.
    var sessions: [Session] {
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
        let tells = follow(commit)
        return tells || !leftovers.isEmpty
    }

    private func follow(_ commit: Commit) -> Bool {
        removeDeparted()
        if histories.hasAbsences { forgetAbsent(at: commit.timestamp) }
        failed = false
        guard let changes = commit.changes else { return false }
        collect(changes)
        if touched.isEmpty { return failed }
        for position in touched.indices { distribute(&touched[position], of: changes, at: commit.offset) }
        touched.removeAll(keepingCapacity: true)
        let hasTold = !told.isEmpty || failed
        for session in told { tell(session, at: commit.offset) }
        told.removeAll(keepingCapacity: true)
        alike = nil
        return hasTold
    }

    /// Whether queries have to be looked at when a table has changed.
    func isFollowed(_ table: TableID) -> Bool {
        Int(table.rawValue) < byTable.count && !byTable[Int(table.rawValue)].isEmpty
    }

    /// Calls `body` with what changes of tables change in each query. For queries that have no sessions.
    ///
    /// - Throws: what is wrong with the change of a query.
    func forEachChange(
        by changes: ChangeSet, _ body: (LiveQuery, RowChanges) -> Void
    ) throws(DatabaseError) {
        failure = nil
        collect(changes)
        for changes in touched { changes.query.changes = -1 }
        defer { touched.removeAll(keepingCapacity: true) }
        if let failure { throw failure }
        for position in touched.indices {
            do throws(EngineError) { try touched[position].finish(changes, in: datastore) } catch {
                // What it keeps has changed nevertheless.
                body(touched[position].query, RowChanges())
                throw DatabaseError(error)
            }
            if touched[position].isEmpty { continue }
            var changes = RowChanges()
            (changes.deletes, changes.inserts) = (touched[position].deletes, touched[position].inserts)
            body(touched[position].query, changes)
        }
    }

    /// Finds the queries that changes of tables concern, and what they change in each.
    private func collect(_ changes: ChangeSet) {
        var planChanges: PlanChanges?
        for table in changes.tables where Int(table.table.rawValue) < byTable.count {
            for source in byTable[Int(table.table.rawValue)] {
                guard source.query != nil else {
                    for template in source.templates {
                        template.collect(
                            deletes: table.deletes, inserts: table.inserts, &scratch, into: &touched)
                    }
                    continue
                }
                // Once, at the first of its tables that has changed.
                guard source.tables.first(where: { changes[$0] != nil }) == table.table else { continue }
                let commit = planChanges ?? PlanChanges(changes)
                planChanges = commit
                collect(commit, changes, source)
            }
        }
    }

    private func collect(_ commit: PlanChanges, _ changes: ChangeSet, _ source: LiveSource) {
        do throws(EngineError) {
            let (deletes, inserts) = try source.changes(by: commit, changes, in: datastore, &scratch)
            if deletes.isEmpty, inserts.isEmpty { return }
            for template in source.templates {
                template.collect(deletes: deletes, inserts: inserts, &scratch, into: &touched)
            }
        } catch {
            fail(source.templates.flatMap(\.queries), DatabaseError(error))
        }
    }

    /// Ends the sets of queries that cannot be kept up to date any more.
    private func fail(_ queries: [LiveQuery], _ error: DatabaseError) {
        failure = error
        for query in queries {
            // Whoever looks for changes himself takes back what they were changes of.
            if query.stage != nil, followed != nil { query.stage = .failed(error) }
            var sets: [(Session, QuerySetID)] = []
            query.forEachSubscriber { sets.append(($0.session, $0.set)) }
            for (session, set) in sets where session.sets[set] != nil {
                remove(set, of: session)
                switch session.queue.append(.failed(set, error)) {
                case .queued: wakes.add(session)
                case .full: drop(session)
                case .closed: break
                }
                failed = true
            }
            guard histories[query] != nil else { continue }
            histories.drop(query)
            if !query.isNeeded { forget(query) }
        }
    }

    private func distribute(_ changes: inout LiveChanges, of commit: ChangeSet, at offset: TxOffset) {
        let query = changes.query
        query.changes = -1
        do throws(EngineError) { try changes.finish(commit, in: datastore) } catch {
            return fail([query], DatabaseError(error))
        }
        if changes.isEmpty { return }
        firstRows.drop(query)
        query.version &+= 1
        // A set that failed over another query was left meanwhile; and nobody watches what is about to be watched.
        let isRemembered = histories[query] != nil
        if !query.isWatched, !isRemembered { return }
        query.rowsProduced &+= UInt64(truncatingIfNeeded: changes.deletes.count + changes.inserts.count)
        query.bytesProduced &+= UInt64(truncatingIfNeeded: changes.deletes.bytes.count + changes.inserts.bytes.count)
        let template = query.template
        let delta = SharedDelta(
            table: template.table, deletes: changes.deletes, inserts: changes.inserts, pairs: template.pairs)
        if isRemembered { histories.append(delta, at: offset, to: query) }
        // Most have the query at the same place of a set of the same number: they share one list.
        var shared: [SetChange] = []
        query.forEachSubscriber { subscriber in
            let session = subscriber.session
            if session.hasEnded { return }
            let change = SetChange(set: subscriber.set, query: Int(subscriber.position), delta: delta)
            guard session.changes.isEmpty else { return session.changes.append(change) }
            told.append(session)
            if shared.isEmpty || !shared[0].isSame(as: change) { shared = [change] }
            session.changes = shared
        }
    }

    private func tell(_ session: Session, at offset: TxOffset) {
        // Its changes go with the answer to its call.
        if session === caller { return }
        guard session.changes.count == 1 else { return tell(session, nil, at: offset) }
        // Of those who watch one query most are told the same.
        let update = alikeUpdate(session.changes, at: offset)
        session.changes = []
        let (result, isFirst) = session.queue.append(update)
        switch result {
        case .queued: if isFirst { wakes.add(session) }
        case .full where session.coalesces && session.queue.coalesce(update.update): wakes.add(session)
        case .full: drop(session)
        case .closed: remove(nil, of: session)
        }
    }

    @inline(__always)
    private func alikeUpdate(_ changes: [SetChange], at offset: TxOffset) -> AlikeUpdate {
        if let alike, alike.update.changes[0].isSame(as: changes[0]) { return alike }
        let update = AlikeUpdate(SessionUpdate(offset: offset, call: nil, changes: changes))
        alike = update
        return update
    }

    /// Tells a session how its call ended, and what it changed for it. Whoever serves it is to be woken behind all answers of a
    /// batch (``wake(_:)``).
    func answer(_ session: Session, _ result: CallResult, at offset: TxOffset) { tell(session, result, at: offset) }

    /// Whoever serves a session is to hear of what it was told.
    func wake(_ session: Session) { wakes.add(session) }

    private func tell(_ session: Session, _ result: CallResult?, at offset: TxOffset) {
        var changes: [SetChange] = []
        if !session.changes.isEmpty { swap(&changes, &session.changes) }
        if changes.count > 1 { changes.sort { ($0.set, $0.query) < ($1.set, $1.query) } }
        let update = SessionUpdate(offset: offset, call: result, changes: changes)
        switch session.queue.append(.update(update)) {
        case .queued: if result == nil { wakes.add(session) }
        case .full where session.coalesces && session.queue.coalesce(update): wakes.add(session)
        case .full: drop(session)
        case .closed: remove(nil, of: session)
        }
    }

    /// Tells a session, outside of commits, what has changed for it.
    func tell(_ session: Session, _ changes: [SetChange], at offset: TxOffset) {
        session.changes = changes
        tell(session, nil, at: offset)
    }

    /// Ends one set of a session, which does not watch it any more.
    func tell(_ session: Session, _ error: DatabaseError, of set: QuerySetID) {
        switch session.queue.append(.failed(set, error)) {
        case .queued: wakes.add(session)
        case .full: drop(session)
        case .closed: break
        }
    }

    /// Ends a session of which nothing is watched any more.
    func end(_ session: Session, _ reason: SubscriptionEnd) {
        session.finish(reason)
        wakes.add(session)
    }

    func deliver() {
        wakes.deliver()
        leftovers.free()
    }
}
