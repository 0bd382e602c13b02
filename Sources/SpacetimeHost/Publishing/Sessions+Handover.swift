import SpacetimeEngine

/// The sessions of a database on their way from one core to the one that takes over.
///
/// All that may fail is done first, by ``Sessions/receive(from:)``, and leaves the sessions as they are. ``Sessions/complete(_:at:)``
/// cannot fail. Both with the lock of the old core held; of the new one nobody knows yet.
struct SessionHandover {
    struct Member {
        let session: Session
        var joined: [JoiningSet] = []
        var refused: [(set: QuerySetID, error: DatabaseError)] = []
        /// What the new module makes of the rows of views.
        var changes: [SetChange] = []
    }

    var members: [Member] = []
    /// Those that end with the module.
    var ending: [Session] = []
}

/// What clients were shown of rows that a module makes, those of views, before another module makes them.
///
/// Where tables change places, they must be looked at before that: ``gather()``. Otherwise each is looked at when it is asked for.
struct ShownRows {
    private let sessions: Sessions
    private var gathered: [Place: RowBatch]?

    private struct Place: Hashable {
        let session: ObjectIdentifier
        let set: QuerySetID
        let query: Int
    }

    init(of sessions: Sessions) { self.sessions = sessions }

    /// Looks at all of them. Those that many clients are shown are looked at once.
    mutating func gather() throws(DatabaseError) {
        var known: [ObjectIdentifier: [[[UInt8]]: (LiveQuery, RowBatch)]] = [:]
        var found: [Place: RowBatch] = [:]
        for session in sessions.queries.sessions where session.catalog != nil && !session.hasEnded {
            for (set, list) in session.asked {
                for (position, query) in list.enumerated() {
                    guard let (entry, values) = try derived(query, session) else { continue }
                    let before = known[ObjectIdentifier(entry)]?[values]?.1
                    let rows = if let before { before } else { try rows(of: entry, values) }
                    known[ObjectIdentifier(entry), default: [:]][values] = (entry, rows)
                    found[Place(session: ObjectIdentifier(session), set: set, query: position)] = rows
                }
            }
        }
        gathered = found
    }

    /// The rows of a query that a session asks for; nil if they are not of the module's making.
    func rows(
        of query: SessionQuery, at position: Int, in set: QuerySetID, _ session: Session
    ) throws(DatabaseError) -> RowBatch? {
        if let gathered { return gathered[Place(session: ObjectIdentifier(session), set: set, query: position)] }
        guard let (entry, values) = try derived(query, session) else { return nil }
        return try rows(of: entry, values)
    }

    private func derived(
        _ query: SessionQuery, _ session: Session
    ) throws(DatabaseError) -> (LiveQuery, [[UInt8]])? {
        let catalog = sessions.runner.catalog
        let known = catalog.rules.restricted(
            query, for: session.caller, owner: catalog.owner.identity, catalog.viewTables)
        guard known.query.tables.contains(where: { catalog.isDerived($0.id) }) else { return nil }
        return try sessions.queries.enter(known)
    }

    private func rows(of entry: LiveQuery, _ values: [[UInt8]]) throws(DatabaseError) -> RowBatch {
        let runner = sessions.runner
        do throws(EngineError) {
            return try entry.template.rows(of: entry, values, runner.search, runner.catalog.planner)
        } catch { throw DatabaseError(error) }
    }
}

extension Sessions {
    // MARK: What may fail

    /// Asks here for everything that is watched in another core, and finds what differs.
    ///
    /// Tables have the same rows in both; rows that the module makes, those of views, are compared.
    ///
    /// - Throws: what a view threw. Nothing has happened then that a session would notice.
    func receive(from old: Sessions, _ shown: ShownRows) throws(DatabaseError) -> SessionHandover {
        var handover = SessionHandover()
        var translation = QueryTranslation(from: old.runner.catalog, to: runner.catalog)
        let usual = queries.lockedRowLimit
        // Nobody can commit meanwhile, so there is nothing to be gained by looking at rows without the lock.
        queries.lockedRowLimit = .max
        defer { queries.lockedRowLimit = usual }
        for session in old.queries.sessions {
            guard session.catalog != nil, !session.hasEnded else {
                handover.ending.append(session)
                continue
            }
            handover.members.append(try receive(session, shown, &translation))
        }
        return handover
    }

    private func receive(
        _ session: Session, _ shown: ShownRows, _ translation: inout QueryTranslation
    ) throws(DatabaseError) -> SessionHandover.Member {
        var member = SessionHandover.Member(session: session)
        for set in session.sets.keys.sorted() {
            do throws(DatabaseError) {
                var list: [SessionQuery] = []
                for query in session.asked[set] ?? [] { list.append(try translation.translated(query)) }
                let joining = try join(session, set, list)
                member.joined.append(joining)
                member.changes += try changes(of: joining, behind: shown, session.asked[set] ?? [])
            } catch {
                // The table is private now, or an index is gone that the query needs. All else is the module's failure.
                guard [.noSuchTable, .invalidQuery, .invalidCondition, .arithmeticFailure].contains(error.code) else {
                    throw error
                }
                member.refused.append((set, error))
            }
        }
        return member
    }

    private func join(
        _ session: Session, _ set: QuerySetID, _ list: [SessionQuery]
    ) throws(DatabaseError) -> JoiningSet {
        let step = SessionStep(session, leaving: [set])
        let joining = JoiningSet(session, set, list)
        do throws(DatabaseError) { try enter(list, step, joining) } catch {
            joining.abandon(in: queries)
            throw error
        }
        return joining
    }

    private func changes(
        of joining: JoiningSet, behind shown: ShownRows, _ asked: [SessionQuery]
    ) throws(DatabaseError) -> [SetChange] {
        var changes: [SetChange] = []
        for (position, query) in joining.queries.enumerated() {
            guard let before = try shown.rows(of: asked[position], at: position, in: joining.set, joining.session)
            else { continue }
            var bag = RowBag()
            before.forEach { bag.add($0, -1) }
            do throws(EngineError) {
                try query.template.rows(
                    of: query, joining.values[position], runner.search, runner.catalog.planner
                ).forEach { bag.add($0, 1) }
            } catch { throw DatabaseError(error) }
            if bag.isEmpty { continue }
            let (deletes, inserts) = bag.changes()
            let template = query.template
            changes.append(
                SetChange(
                    set: joining.set, query: position,
                    delta: SharedDelta(
                        table: template.table, deletes: deletes, inserts: inserts, pairs: template.pairs)))
        }
        return changes
    }

    // MARK: What cannot

    /// Has the sessions watch here from now on. Whoever is to be told something is woken by ``LiveQueries/deliver()``.
    func complete(_ handover: SessionHandover, at offset: TxOffset) {
        for member in handover.members {
            let session = member.session
            move(session)
            for joining in member.joined {
                if !joining.views.isEmpty { session.views[joining.set] = joining.views }
                queries.add(joining.set, joining.queries, to: session, at: offset, behind: .queued, end: nil)
                if session.sets[joining.set] != nil { session.asked[joining.set] = joining.asked }
                joining.end(in: queries)
            }
            for (set, error) in member.refused { queries.tell(session, error, of: set) }
            if !member.changes.isEmpty { queries.tell(session, member.changes, at: offset) }
        }
        let gone = DatabaseError(
            .moduleReplaced, "the database's module was replaced by a new version; subscribe again")
        for session in handover.ending {
            forget(session)
            queries.end(session, .failed(gone))
        }
    }

    /// Makes a session one of this core's. It watches nothing yet.
    func move(_ session: Session) {
        forget(session)
        session.catalog = runner.catalog
        session.queue.insist(.moduleReplaced(runner.catalog))
    }

    /// Forgets what a session watched in another core.
    private func forget(_ session: Session) {
        session.sets = [:]
        session.joining = [:]
        session.views = [:]
        session.asked = [:]
        session.changes = []
    }

    /// Ends all sessions: what they know of the module does not hold any more.
    func endAll(_ reason: SubscriptionEnd) { queries.end(reason) }
}
