import SpacetimeDurability
import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// The clients that watch queries.
///
/// `Sendable` is unchecked: the queries are touched with the database's lock held only, but for what they allow otherwise.
package final class Sessions: @unchecked Sendable {
    let runner: TransactionRunner
    let queries: LiveQueries
    /// Reads the texts of queries.
    package let texts: QueryTexts

    init(_ runner: TransactionRunner, _ queries: LiveQueries) {
        self.runner = runner
        self.queries = queries
        texts = QueryTexts(runner.catalog)
    }

    // MARK: Subscribing

    /// Has a session watch a set of queries.
    ///
    /// The session is first told the rows of all of them as they are now, and then each commit that changes them: evaluating
    /// and registering are one step under the lock, so there is neither a gap nor an overlap. If one of the queries is refused,
    /// so is the set, and nothing has changed.
    ///
    /// - Throws: `noSuchTable` if there is no such table that the session's client may read, `alreadySubscribed` if the session
    ///   has a set with this id, `invalidCondition`, `limitReached`, `closed`.
    package func subscribe(_ session: Session, to set: QuerySetID, _ list: [SessionQuery]) throws(DatabaseError) {
        try runner.acquire()
        guard var pending = try subscribeAndRelease(session, set, list) else { return }
        pending.find(runner.catalog)
        if (try? runner.acquire()) != nil {
            keep(pending)
            runner.release()
        }
    }

    /// Has a session watch a set of queries. Suspends while others have the lock.
    package func subscribe(_ session: Session, to set: QuerySetID, _ list: [SessionQuery]) async throws(DatabaseError) {
        let pending = try await runner.takingLock {
            Result { () throws(DatabaseError) in try subscribeAndRelease(session, set, list) }
        }.get()
        guard let pending else { return }
        let found = await suspendingAside { [catalog = runner.catalog] in
            var found = pending
            found.find(catalog)
            return found
        }
        try await runner.takingLock {
            keep(found)
            runner.release()
        }
    }

    /// Keeps rows that were found without the lock for those who subscribe later, unless they have changed meanwhile.
    private func keep(_ pending: PendingRows) {
        for (position, query) in pending.queries.enumerated() where pending.conditions[position] != nil {
            guard let rows = pending.rows[position], query.isWatched, query.version == pending.versions[position] else {
                continue
            }
            queries.keep(rows, of: query)
        }
    }

    /// The condition of a query whose rows are so many that they are found on a snapshot, without the lock; nil for others.
    private func largeScan(_ query: LiveQuery, _ values: [[UInt8]]) throws(DatabaseError) -> RowPredicate? {
        let template = query.template
        guard query.firstRows == nil, template.source.query == nil, !template.schema.isEvent,
            case .none = template.stageKind,
            runner.datastore.count(template.source.tables[0]) > PendingRows.rowLimit
        else { return nil }
        do throws(EngineError) {
            let condition = try template.condition.binding(values, table: template.schema.name)
            guard case .table = runner.catalog.planner.plan(condition, for: template.source.tables[0]).access else {
                return nil
            }
            return condition
        } catch {
            throw DatabaseError(error)
        }
    }

    private func subscribeAndRelease(
        _ session: Session, _ set: QuerySetID, _ list: [SessionQuery]
    ) throws(DatabaseError) -> PendingRows? {
        let pending: PendingRows?
        do throws(DatabaseError) { pending = try register(session, set, list) } catch {
            runner.release()
            throw error
        }
        runner.release()
        queries.deliver()
        return pending
    }

    private func register(
        _ session: Session, _ set: QuerySetID, _ list: [SessionQuery]
    ) throws(DatabaseError) -> PendingRows? {
        let refusal = runner.state.pointee.refusal
        if let refusal, refusal.code == .closed { throw refusal }
        if session.sets[set] != nil {
            throw DatabaseError(
                .alreadySubscribed, "the client has a set of queries \(set.rawValue) already; choose another number")
        }
        let described = runner.catalog.systemTables
        if list.contains(where: { $0.query.tables.contains { described.describes($0.id) } }) {
            try runner.fillSystemTables()
        }
        var entries: [LiveQuery] = []
        var rows: [SharedDelta?] = []
        var conditions: [RowPredicate?] = []
        var seen: Set<ObjectIdentifier> = []
        var views: [ViewInstance] = []
        do throws(DatabaseError) {
            let owner = runner.catalog.owner.identity
            for asked in list {
                // What the rules of the module read is not asked for by the client.
                try check(asked.query, for: session.caller)
            }
            for asked in list {
                let query = runner.catalog.rules.restricted(
                    asked, for: session.caller, owner: owner, runner.catalog.viewTables)
                // Before the rows are looked at.
                for view in try runner.materialiseViews(of: query.query, query.values, for: session.caller) {
                    view.users += 1
                    views.append(view)
                }
                let (entry, values) = try queries.enter(query)
                // What a list says twice is meant once.
                guard seen.insert(ObjectIdentifier(entry)).inserted else { continue }
                entries.append(entry)
                let condition = try largeScan(entry, values)
                conditions.append(condition)
                rows.append(condition == nil ? try firstRows(of: entry, values) : nil)
            }
        } catch {
            queries.forgetUnwatched(entries)
            for view in views { view.users -= 1 }
            throw error
        }
        session.views[set] = views
        let offset = TxOffset(runner.state.pointee.nextOffset &- 1)
        let end = refusal.map { $0.code == .readOnly ? SubscriptionEnd.complete : .failed(runner.writesRefused()) }
        guard rows.contains(where: { $0 == nil }) else {
            let first = SetRows(set: set, offset: offset, rows: rows.compactMap(\.self))
            queries.add(set, entries, to: session, behind: session.queue.append(.subscribed(first)), end: end)
            return nil
        }
        let (place, appended) = session.queue.reserve()
        let pending = PendingRows(
            set: set, offset: offset, session: session, place: place, snapshot: runner.datastore.snapshot(),
            queries: entries, versions: entries.map(\.version), conditions: conditions, rows: rows)
        queries.add(set, entries, to: session, behind: appended, end: end)
        return pending
    }

    /// - Throws: `noSuchTable` if the client may not read one of the tables.
    private func check(_ query: BoundQuery, for caller: Caller) throws(DatabaseError) {
        for table in query.tables {
            let schema = try runner.catalog.facts(of: table.id).schema
            guard runner.catalog.isReadable(table.id, by: caller) else { throw Catalog.noReadableTable(schema.name) }
        }
        for case .rows(let slot, let predicate) in query.conditions {
            // Before anything is done with it that takes time in proportion to its size.
            let table = try runner.catalog.facts(of: query.tables[slot].id).schema.name
            do throws(EngineError) { try predicate.checkSize(table: table) } catch { throw DatabaseError(error) }
        }
    }

    /// The rows of a query as they are now: those that somebody got before, as long as they have not changed.
    private func firstRows(of query: LiveQuery, _ values: [[UInt8]]) throws(DatabaseError) -> SharedDelta {
        if let known = query.firstRows { return known }
        do throws(EngineError) {
            let rows = try query.template.rows(of: query, values, runner.search, queries.planner)
            let first = SharedDelta(table: query.template.table, inserts: rows)
            queries.keep(first, of: query)
            return first
        } catch {
            throw DatabaseError(error)
        }
    }

    // MARK: Several at once

    /// Leaves sets of queries and joins others in one step, as a client does that walks over the border of a map: under one
    /// taking of the lock, so that no commit comes between.
    ///
    /// - Returns: the sets that were refused, and why; the others are being watched.
    package func change(
        _ session: Session, leaving left: [QuerySetID], joining joined: [(set: QuerySetID, queries: [SessionQuery])]
    ) throws(DatabaseError) -> [(set: QuerySetID, error: DatabaseError)] {
        try runner.acquire()
        for set in left { queries.remove(set, of: session) }
        var refused: [(set: QuerySetID, error: DatabaseError)] = []
        var pending: [PendingRows] = []
        for (set, list) in joined {
            do throws(DatabaseError) {
                if let rows = try register(session, set, list) { pending.append(rows) }
            } catch {
                refused.append((set, error))
            }
        }
        runner.release()
        queries.deliver()
        for position in pending.indices { pending[position].find(runner.catalog) }
        if !pending.isEmpty, (try? runner.acquire()) != nil {
            for rows in pending { keep(rows) }
            runner.release()
        }
        return refused
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
        guard (try? runner.acquireIfFree(toWrite: false)) == true else { return queries.removeLater(set, of: session) }
        queries.remove(set, of: session)
        runner.release()
    }

    /// The number of distinct queries that are being watched.
    package func queryCount() throws(DatabaseError) -> Int {
        try runner.acquire()
        defer { runner.release() }
        return queries.count
    }
}
