import SpacetimeEngine
import SpacetimeSchema
import Synchronization

/// The queries that somebody subscribed to, found by table, and the way of their updates to the subscribers. Guarded by
/// the database's lock, but for ``removeLater(_:from:)`` and ``deliver()``.
final class LiveQueries: CommitObserver {
    /// One distinct query with everybody who subscribed to it: evaluated once per commit.
    final class Query {
        let key: Key
        let predicate: CompiledPredicate?
        let keys: KeyLocator?
        var sinks: [any QuerySink] = []

        init(key: Key, predicate: CompiledPredicate?, keys: KeyLocator?) {
            self.key = key
            self.predicate = predicate
            self.keys = keys
        }
    }

    struct Key: Hashable {
        let table: TableID
        let predicate: RowPredicate
    }

    private var byTable: [[Query]] = []
    private var byKey: [Key: Query] = [:]
    private let followed: FollowedTables
    private let outbox = Outbox()
    /// Subscriptions that were cancelled while somebody else had the database's lock. The one part that needs no lock.
    private let departed = Mutex<[Departure]>([])
    private let hasDeparted = Atomic(false)

    private struct Departure: @unchecked Sendable {
        // Only handed on here; touched when it is taken out of the list again, with the database's lock held.
        let query: Query
        let sink: any QuerySink
    }

    init(_ followed: FollowedTables) { self.followed = followed }

    deinit {
        // Nobody else refers to the database any more, so no lock is needed.
        let gone = DatabaseError(
            .closed, "the database is gone, since nothing refers to it any more; keep it for as long as it is watched")
        for sink in byTable.joined().flatMap(\.sinks) { sink.end(.failed(gone)) }
    }

    /// The number of distinct queries.
    var count: Int {
        removeDeparted()
        return byKey.count
    }

    // MARK: Coming and going

    /// The query of that table and predicate, made if nobody subscribed to it yet.
    func query(
        _ table: TableID, _ predicate: RowPredicate, schema: TableSchema
    ) throws(EngineError) -> Query {
        // Checked before the predicate is hashed, which takes time in proportion to its size.
        try predicate.checkSize(table: schema.name)
        let key = Key(table: table, predicate: predicate)
        if let known = byKey[key] { return known }
        let compiled = predicate == .all ? nil : try CompiledPredicate(predicate, for: schema)
        return Query(key: key, predicate: compiled, keys: KeyLocator(schema))
    }

    /// Adds a subscriber, who gets the query's rows first.
    ///
    /// - Parameter end: why there will be nothing else, if so.
    func add(_ sink: any QuerySink, to query: Query, beginningWith initial: QueryUpdate, end: SubscriptionEnd?) {
        removeDeparted()
        guard sink.reserve() else { return outbox.append(.overflow, of: [sink]) }
        outbox.append(initial, to: [sink])
        if let end { return outbox.append(end, of: [sink]) }
        if byKey[query.key] == nil {
            byKey[query.key] = query
            let table = Int(query.key.table.rawValue)
            while byTable.count <= table { byTable.append([]) }
            byTable[table].append(query)
            followed.follow(query.key.table)
        }
        query.sinks.append(sink)
    }

    func remove(_ sink: any QuerySink, from query: Query) {
        query.sinks.removeAll { $0 === sink }
        if query.sinks.isEmpty { forget(query) }
    }

    /// Notes that a sink is to be removed, from any thread and without the database's lock.
    func removeLater(_ sink: any QuerySink, from query: Query) {
        departed.withLock { $0.append(Departure(query: query, sink: sink)) }
        hasDeparted.store(true, ordering: .releasing)
    }

    /// Removes what was noted by ``removeLater(_:from:)``.
    private func removeDeparted() {
        guard hasDeparted.load(ordering: .relaxed), hasDeparted.exchange(false, ordering: .acquiring) else { return }
        let list = departed.withLock { list in
            defer { list = [] }
            return list
        }
        for departure in list { remove(departure.sink, from: departure.query) }
    }

    private func forget(_ query: Query) {
        // The query may have been forgotten before, and an equal one may be in its place by now, which stays.
        guard byKey[query.key] === query else { return }
        byKey[query.key] = nil
        byTable[Int(query.key.table.rawValue)].removeAll { $0 === query }
        followed.unfollow(query.key.table)
    }

    /// Ends all subscriptions, each after what it has still to get.
    func end(_ reason: SubscriptionEnd) {
        let sinks = byTable.joined().flatMap(\.sinks)
        for query in byTable.joined() {
            query.sinks = []
            forget(query)
        }
        outbox.append(reason, of: sinks)
    }

    // MARK: Following commits

    /// Evaluates the queries of the changed tables and queues what they yield.
    func observe(_ commit: Commit) -> Bool {
        removeDeparted()
        var queued = false
        for table in commit.changes?.tables ?? [] where Int(table.table.rawValue) < byTable.count {
            for query in byTable[Int(table.table.rawValue)] {
                query.sinks.removeAll { $0.isCancelled }
                guard !query.sinks.isEmpty else {
                    forget(query)
                    continue
                }
                guard let update = evaluate(query, on: table, offset: commit.offset) else { continue }
                queue(update, for: query)
                queued = true
            }
        }
        return queued
    }

    func deliver() { outbox.drain() }

    private func queue(_ update: QueryUpdate, for query: Query) {
        // Mostly every subscriber has room, and the list is passed on as it is.
        let full = query.sinks.filter { !$0.reserve() }
        if !full.isEmpty {
            query.sinks.removeAll { sink in full.contains { $0 === sink } }
            outbox.append(.overflow, of: full)
        }
        if query.sinks.isEmpty { return forget(query) }
        outbox.append(update, to: query.sinks)
    }

    private func evaluate(_ query: Query, on changes: TableChanges, offset: TxOffset) -> QueryUpdate? {
        let deletes = filtered(changes.deletes, by: query.predicate)
        let inserts = filtered(changes.inserts, by: query.predicate)
        guard deletes.count > 0 || inserts.count > 0 else { return nil }
        return QueryUpdate(isInitial: false, offset: offset, deletes: deletes, inserts: inserts, keys: query.keys)
    }

    private func filtered(_ rows: RowBatch, by predicate: CompiledPredicate?) -> RowBatch {
        // A query for all rows shares the bytes of the commit.
        guard let predicate, rows.count > 0 else { return rows }
        var matching = RowBatch()
        rows.forEach { row in
            if predicate.matches(row) { matching.append(row) }
        }
        return matching
    }
}
