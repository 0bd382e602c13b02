import SpacetimeEngine
import SpacetimeSchema

/// Sets of queries that a session leaves and joins in one step, so that no commit comes between.
///
/// `Sendable` is unchecked: it belongs to one thread or task at a time.
final class SessionStep: @unchecked Sendable {
    let session: Session
    let leaving: [QuerySetID]
    /// Where the client's rows of sets are, which it has of an earlier connection.
    let since: [QuerySetID: ResumePoint]
    fileprivate(set) var joining: [JoiningSet] = []
    /// Why sets were not joined.
    fileprivate(set) var refused: [(set: QuerySetID, error: DatabaseError)] = []
    /// Rows that are still to be found.
    fileprivate(set) var pending: [PendingRows] = []
    /// Changes that are still to be put together.
    var pendingChanges: [PendingChanges] = []
    /// Of the moment at which the lock was taken, if somebody needed it.
    fileprivate var snapshot: DatastoreSnapshot?

    init(_ session: Session, leaving: [QuerySetID], since: [QuerySetID: ResumePoint] = [:]) {
        self.session = session
        self.since = since
        self.leaving = leaving
    }

    /// True if queries have to be made ready before the sets are joined.
    var isWaiting: Bool { joining.contains(where: \.isWaiting) }
    /// True if something is still to be found for the session.
    var isUnfinished: Bool { !pending.isEmpty || !pendingChanges.isEmpty }

    // MARK: Without the lock

    func fill(_ meanwhile: () -> Void) {
        for set in joining where set.isWaiting {
            do throws(DatabaseError) { try set.fill(meanwhile) } catch { set.problem = error }
        }
    }

    func fill() async {
        for set in joining where set.isWaiting {
            do throws(DatabaseError) { try await set.fill() } catch { set.problem = error }
        }
    }

    func find(_ runner: TransactionRunner) {
        for changes in pendingChanges { changes.sum() }
        for position in pending.indices { pending[position].find(runner) }
    }
}

/// The parts of a step that are done under the lock.
///
/// ```text
/// enter    the queries are looked up or made; from now on commits are followed
///          without the lock: stages are filled, if one needs many rows
/// complete first rows, or a place for them in the queue; the sets are watched from now on
///          without the lock: rows are found that take long
/// settle   rows are kept for others
/// ```
extension Sessions {
    // MARK: Entering

    /// Notes that a session goes on here which has watched nothing since the module was replaced.
    private func follow(_ session: Session) {
        guard let known = session.catalog, known !== runner.catalog else { return }
        move(session)
    }

    func enter(_ step: SessionStep, _ lists: [(set: QuerySetID, queries: [SessionQuery])]) {
        for (set, list) in lists {
            do throws(DatabaseError) { try enter(step, set, list) } catch { step.refused.append((set, error)) }
        }
        guard step.isWaiting else { return }
        for joining in step.joining { step.session.joining[joining.set] = joining }
    }

    private func enter(_ step: SessionStep, _ set: QuerySetID, _ list: [SessionQuery]) throws(DatabaseError) {
        let session = step.session
        follow(session)
        if let refusal = runner.state.refusal, refusal.code == .closed { throw refusal }
        if session.sets[set] != nil, !step.leaving.contains(set) { throw Self.alreadySubscribed(set) }
        if !session.joining.isEmpty, session.joining[set] != nil { throw Self.alreadySubscribed(set) }
        let joining = JoiningSet(session, set, list)
        do throws(DatabaseError) {
            var allowed = try AllowedRows(for: session.caller, runner)
            try enter(list, step, joining, &allowed)
        } catch {
            joining.abandon(in: queries)
            throw error
        }
        step.joining.append(joining)
    }

    /// Enters the queries of a set. What was entered before one is refused is the caller's to give back.
    func enter(_ list: [SessionQuery], _ step: SessionStep, _ joining: JoiningSet) throws(DatabaseError) {
        var unlimited: AllowedRows?
        try enter(list, step, joining, &unlimited)
    }

    private func enter(
        _ list: [SessionQuery], _ step: SessionStep, _ joining: JoiningSet, _ allowed: inout AllowedRows?
    ) throws(DatabaseError) {
        let caller = step.session.caller
        try prepare(list, for: caller)
        let (rules, owner) = (runner.catalog.rules, runner.catalog.owner.identity)
        for asked in list {
            if !rules.isEmpty, caller.identity != owner { try rules.requireFollowable(asked.query, runner.catalog) }
            try enter(
                rules.restricted(asked, for: caller, owner: owner, runner.catalog.viewTables), step, joining, &allowed)
        }
    }

    private static func alreadySubscribed(_ set: QuerySetID) -> DatabaseError {
        DatabaseError(
            .alreadySubscribed, "the client has a set of queries \(set.rawValue) already; choose another number")
    }

    /// What the rules of the module read is not asked for by the client, so it is not looked at here.
    private func prepare(_ list: [SessionQuery], for caller: Caller) throws(DatabaseError) {
        let described = runner.catalog.systemTables
        for asked in list {
            try check(asked, for: caller)
            if asked.query.tables.contains(where: { described.describes($0.id) }) { try runner.fillSystemTables() }
        }
    }

    /// - Throws: `noSuchTable` if the client may not read one of the tables.
    private func check(_ asked: SessionQuery, for caller: Caller) throws(DatabaseError) {
        let query = asked.query
        for table in query.tables {
            guard runner.catalog.isReadable(table.id, by: caller) else {
                throw Catalog.noReadableTable(try runner.catalog.facts(of: table.id).schema.name)
            }
        }
        if asked.prepared.isShared { return }
        for case .rows(let slot, let predicate) in query.conditions {
            // Before anything is done with it that takes time in proportion to its size.
            let table = try runner.catalog.facts(of: query.tables[slot].id).schema.name
            do throws(EngineError) { try predicate.checkSize(table: table) } catch { throw DatabaseError(error) }
        }
    }

    private func enter(
        _ query: SessionQuery, _ step: SessionStep, _ joining: JoiningSet, _ allowed: inout AllowedRows?
    ) throws(DatabaseError) {
        // Before the rows are looked at.
        for view in try runner.materialiseViews(of: query.query, query.values, for: step.session.caller) {
            joining.add(view)
        }
        let (entry, values) = try queries.enter(query)
        joining.add(entry, values)
        if !entry.isWatched { try allowed?.take(query, runner) }
        if !entry.template.hasStages { return }
        do throws(EngineError) { try prepareStage(of: entry, values, step, joining) } catch {
            throw DatabaseError(error)
        }
    }

    private func prepareStage(
        of query: LiveQuery, _ values: [[UInt8]], _ step: SessionStep, _ joining: JoiningSet
    ) throws(EngineError) {
        switch query.stage {
        case .ready?: return
        case .filling(let filling)?: return joining.add(filling, isOwn: false)
        case .failed?, nil: break
        }
        let template = query.template
        if let stage = try template.lockedStage(
            values, runner.search, queries.planner, limit: queries.lockedRowLimit)
        {
            query.stage = .ready(stage)
            return
        }
        guard let stage = try template.emptyStage(values) else { return }
        let rows = try SnapshotRows(template, values, queries.planner, runner.datastore)
        let filling = StageFilling(query, stage, rows, snapshot(of: step), runner, queries.fillingPace)
        joining.add(filling, isOwn: true)
    }

    private func snapshot(of step: SessionStep) -> DatastoreSnapshot {
        if let snapshot = step.snapshot { return snapshot }
        let snapshot = runner.datastore.snapshot()
        step.snapshot = snapshot
        return snapshot
    }

    // MARK: Completing

    /// - Parameter isLater: the lock was released since the sets were entered.
    func complete(_ step: SessionStep, isLater: Bool) {
        if isLater {
            step.snapshot = nil
            for joining in step.joining where step.session.joining[joining.set] === joining {
                step.session.joining[joining.set] = nil
            }
        }
        for set in step.leaving { queries.remove(set, of: step.session) }
        for joining in step.joining {
            // Left by somebody who came between. There is nothing to be told.
            if joining.isLeft {
                joining.abandon(in: queries)
                continue
            }
            do throws(DatabaseError) {
                if let problem = joining.problem { throw problem }
                try complete(joining, step)
            } catch {
                joining.abandon(in: queries)
                step.refused.append((joining.set, error))
            }
        }
    }

    private func complete(_ joining: JoiningSet, _ step: SessionStep) throws(DatabaseError) {
        let (session, set) = (joining.session, joining.set)
        let refusal = runner.state.refusal
        if let refusal, refusal.code == .closed { throw refusal }
        if session.sets[set] != nil { throw Self.alreadySubscribed(set) }
        if let appended = resume(joining, step) { return watch(joining, behind: appended) }
        var rows: [SharedDelta] = []
        rows.reserveCapacity(joining.queries.count)
        var missing: [PendingRows.Missing?] = []
        for (position, query) in joining.queries.enumerated() {
            let values = joining.values[position]
            if let known = try firstRows(of: query, values) {
                rows.append(known)
            } else {
                while missing.count < position { missing.append(nil) }
                missing.append(try missingRows(of: query, values))
                rows.append(query.template.noRows)
            }
        }
        try session.check(rowCount: rows.reduce(0) { $0 + $1.inserts.count })
        let appended: SessionQueue.Appended
        if missing.isEmpty {
            appended = session.queue.append(.subscribed(SetRows(set: set, offset: offset, rows: rows)))
        } else {
            let (place, isReserved) = session.queue.reserve()
            appended = isReserved
            step.pending.append(
                PendingRows(
                    set: set, offset: offset, session: session, place: place, snapshot: snapshot(of: step),
                    queries: joining.queries, rows: rows, missing: missing))
        }
        watch(joining, behind: appended)
    }

    /// The last commit.
    var offset: TxOffset { TxOffset(runner.state.nextOffset &- 1) }

    /// Has a session watch a set, of whose rows it was told.
    private func watch(_ joining: JoiningSet, behind appended: SessionQueue.Appended) {
        let (session, set) = (joining.session, joining.set)
        let refusal = runner.state.refusal
        if !joining.views.isEmpty { session.views[set] = joining.views }
        let end = refusal.map { $0.code == .readOnly ? SubscriptionEnd.complete : .failed(runner.writesRefused()) }
        queries.add(set, joining.queries, to: session, at: offset, behind: appended, end: end)
        joining.end(in: queries)
        if session.catalog != nil, session.sets[set] != nil { session.asked[set] = joining.asked }
    }

    /// The rows of a query as they are now: those that somebody got before, as long as they have not changed. Nil if they are
    /// to be found without the lock.
    private func firstRows(of query: LiveQuery, _ values: [[UInt8]]) throws(DatabaseError) -> SharedDelta? {
        if let known = query.firstRows { return known }
        let template = query.template
        // A stage that somebody else could not make, or that could not follow a commit.
        if query.stage == nil, template.hasStages { throw StageFilling.stopped }
        if case .failed(let error)? = query.stage { throw error }
        var rows: RowBatch?
        do throws(EngineError) {
            if case .ready(let stage)? = query.stage {
                if stage.rowCount <= queries.lockedRowLimit { rows = try stage.rows() }
            } else {
                rows = try template.lockedRows(
                    values, runner.search, queries.planner, limit: queries.lockedRowLimit)
            }
        } catch { throw DatabaseError(error) }
        guard let rows else { return nil }
        let first = rows.isEmpty ? template.noRows : SharedDelta(table: template.table, inserts: rows)
        queries.keep(first, of: query)
        return first
    }

    private func missingRows(of query: LiveQuery, _ values: [[UInt8]]) throws(DatabaseError) -> PendingRows.Missing {
        let template = query.template
        do throws(EngineError) {
            return PendingRows.Missing(
                rows: try SnapshotRows(template, values, queries.planner, runner.datastore),
                stage: try template.emptyStage(values), table: template.table)
        } catch { throw DatabaseError(error) }
    }

    // MARK: Settling

    /// Keeps rows that were found without the lock for those who subscribe later, unless they have changed meanwhile; and has
    /// a session not watch what could not be found.
    func settle(_ step: SessionStep) {
        for pending in step.pending {
            if pending.failure != nil {
                queries.remove(pending.set, of: pending.session)
            } else {
                pending.forEachCurrent { query, rows in queries.keep(rows, of: query) }
            }
        }
    }
}
