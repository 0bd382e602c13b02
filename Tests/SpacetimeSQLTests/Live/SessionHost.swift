import SpacetimeEngine
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// A database and its sessions.
final class SessionHost: LiveHost {
    /// Whether clients send texts.
    private let usesTexts: Bool
    private let schema: RandomSchema
    private let database: TableDatabase
    /// Tells which queries are refused.
    private let probe: Client
    private var accepted: [TestQuery] = []
    private let isWanted: (TestQuery) -> Bool
    /// By what there is in them.
    private(set) var supported: [String: Int] = [:]

    /// Whether clients may come back.
    let remembersClients: Bool

    /// - Parameters:
    ///   - lockedRowLimit: rows of queries that need more than these to be looked at are found without the lock.
    ///   - resuming: what is remembered of clients that come back; nil if none do.
    ///   - isWanted: which queries there are to be.
    init(
        _ schema: RandomSchema, usesTexts: Bool = false, lockedRowLimit: Int? = nil, resuming: ResumeOptions? = nil,
        wanting isWanted: @escaping (TestQuery) -> Bool = { _ in true }
    ) throws {
        self.isWanted = isWanted
        self.usesTexts = usesTexts
        remembersClients = resuming != nil
        self.schema = schema
        database = try TableDatabase(schema.tables)
        if let lockedRowLimit {
            database.core.sessions.queries.lockedRowLimit = lockedRowLimit
            // What is committed meanwhile is taken in piece by piece, however little it is.
            if lockedRowLimit > 0 {
                database.core.sessions.queries.fillingPace = StageFilling.Pace(
                    settledCount: lockedRowLimit / 4, sliceCount: 1, commitCount: 0, sumCount: 2)
            }
        }
        if let resuming { database.core.sessions.queries.histories = QueryHistories(resuming) }
        probe = Client(database, schema, usesTexts: usesTexts)
    }

    var features: RandomQueries.Features {
        usesTexts
            ? [.joins, .outerJoins, .windows, .aggregates, .computedGroups]
            : [.joins, .outerJoins, .columns, .windows, .aggregates, .computedGroups, .parameters, .wordless]
    }

    var tableIDs: [TableID] { database.ids }

    /// What the planner cannot keep up to date, or only by reading whole tables at each commit, it refuses.
    func supports(_ query: TestQuery) -> Bool {
        if !isWanted(query) || usesTexts && query.sql(schema.tables) == nil { return false }
        do {
            // Beside all others, since a query that says the same as one of them is none of its own.
            try probe.subscribe(0, to: accepted + [query]) {}
            let known = try queryCount()
            probe.unsubscribe(0)
            _ = probe.pull()
            if known <= accepted.count { return false }
            accepted.append(query)
        } catch let error as DatabaseError
            where [.invalidQuery, .invalidCondition, .arithmeticFailure].contains(error.code)
        {
            return false
        } catch {
            Issue.record(error, "\(query)")
            return false
        }
        var kind = query.isGrouped ? "groups" : query.isDistinct ? "distinct" : "rows"
        if query.limit != nil || query.offset != nil { kind = "windows over \(kind)" }
        if query.sources.contains(where: { $0.join == .left }) { kind = "outer \(kind)" }
        supported["\(kind) of \(query.sources.count)", default: 0] += 1
        return true
    }

    func connect() -> Client { Client(database, schema, usesTexts: usesTexts, tellsOffsets: remembersClients) }

    /// How many distinct queries are watched.
    func queryCount() throws -> Int { try database.core.sessions.queryCount() }

    func commit(_ changes: [ModelDatabase.Change]) throws { try database.commit(changes) }

    final class Client: LiveClient {
        private let database: TableDatabase
        private let schema: RandomSchema
        private let usesTexts: Bool
        private let session: Session
        /// The commit that it has taken last.
        private var offset = TxOffset(0)

        fileprivate init(
            _ database: TableDatabase, _ schema: RandomSchema, usesTexts: Bool, tellsOffsets: Bool = false
        ) {
            self.database = database
            self.schema = schema
            self.usesTexts = usesTexts
            session = Session(database.core.owner, outlet: nil, queueLimit: 1000, tellsOffsets: tellsOffsets)
        }

        func subscribe(_ set: UInt32, to queries: [TestQuery], meanwhile: () -> Void) throws {
            let refused = try database.core.sessions.change(
                session, leaving: [], joining: [(QuerySetID(set), try list(queries))], meanwhile: meanwhile)
            if let refused = refused.first { throw refused.error }
        }

        private func list(_ queries: [TestQuery]) throws -> [SessionQuery] {
            if usesTexts {
                let texts = queries.compactMap { $0.sql(schema.tables) }
                return try database.core.sessions.texts.queries(texts, as: database.core.owner)
            }
            return queries.map { query in
                SessionQuery(
                    query.bound(database.ids).foldingConditions(), values: query.parameters.map { $0.value.bsatn() })
            }
        }

        func unsubscribe(_ set: UInt32) { database.core.sessions.unsubscribe(session, from: QuerySetID(set)) }
        func leave() { database.core.sessions.end(session) }

        func goOn(from old: Client, with sets: [(set: UInt32, queries: [TestQuery], hasRows: Bool)]) throws {
            let point = ResumePoint(
                history: database.core.catalog.history(for: session.caller.identity), offset: old.offset)
            var since: [QuerySetID: ResumePoint] = [:]
            for set in sets where set.hasRows { since[QuerySetID(set.set)] = point }
            let refused = try database.core.sessions.change(
                session, leaving: [], joining: sets.map { (QuerySetID($0.set), try list($0.queries)) }, since: since)
            if let refused = refused.first { throw refused.error }
        }

        func pull() -> [LiveEvent] {
            var events: [LiveEvent] = []
            while let event = session.queue.nextAvailable() {
                if let offset = event.offset { self.offset = offset }
                switch event {
                case .subscribed(let first):
                    events.append(.rows(set: first.set.rawValue, first.rows.map { Self.rows($0.inserts) }))
                case .update(let update): events += update.changes.map(Self.event) + [.endOfCommit]
                case .resumed(let changes):
                    events.append(.resumed(set: changes.set.rawValue))
                    events += changes.changes.map(Self.event)
                case .unsubscribed, .reply, .moduleReplaced: break
                case .failed(let set, let error): events.append(.failed(set: set.rawValue, "\(error)"))
                case .ended(let end): events.append(.failed(set: 0, "\(end)"))
                }
            }
            return events
        }

        private static func event(_ change: SetChange) -> LiveEvent {
            .change(
                set: change.set.rawValue, query: change.query, deletes: rows(change.delta.deletes),
                inserts: rows(change.delta.inserts))
        }

        private static func rows(_ batch: RowBatch) -> [[UInt8]] {
            var rows: [[UInt8]] = []
            batch.forEach { rows.append(Array($0)) }
            return rows
        }
    }
}
