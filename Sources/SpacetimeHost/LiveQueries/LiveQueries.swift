import SpacetimeEngine
import SpacetimeSchema
import Synchronization

/// The queries that somebody subscribed to, found by table. Guarded by the database's lock.
final class LiveQueries {
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

    private var byTable: [[Query]]
    private var byKey: [Key: Query] = [:]
    /// Tables whose changes somebody else wants.
    private var kept: Set<TableID> = []
    private let datastore: Datastore
    /// Subscriptions that were cancelled while somebody else had the database's lock. The one part that needs no lock.
    private let departed = Mutex<[Departure]>([])
    private let hasDeparted = Atomic(false)

    private struct Departure: @unchecked Sendable {
        // Only handed on here; touched when it is taken out of the list again, with the database's lock held.
        let query: Query
        let sink: any QuerySink
    }

    /// Read once per commit: kept beside the dictionary so that a database that nobody watches asks nothing else.
    private let active: UnsafeMutablePointer<Bool>

    init(_ datastore: Datastore) {
        self.datastore = datastore
        // Ids have gaps where a migration removed a table.
        let last = datastore.tableIDs.map(\.rawValue).max() ?? 0
        byTable = Array(repeating: [], count: Int(last) + 1)
        active = .allocate(capacity: 1)
        active.initialize(to: false)
    }

    deinit { active.deallocate() }

    /// True if the changes of some table are wanted.
    var isActive: Bool { active.pointee }

    /// The number of distinct queries.
    var count: Int { byKey.count }

    /// The query of that table and predicate, made if nobody subscribed to it yet.
    func query(
        _ table: TableID, _ predicate: RowPredicate, schema: TableSchema
    ) throws(EngineError) -> Query {
        // Before it is hashed, which looks at all of it.
        try predicate.checkSize(table: schema.name)
        let key = Key(table: table, predicate: predicate)
        if let known = byKey[key] { return known }
        let compiled = predicate == .all ? nil : try CompiledPredicate(predicate, for: schema)
        return Query(key: key, predicate: compiled, keys: KeyLocator(schema))
    }

    func add(_ sink: any QuerySink, to query: Query) {
        if byKey[query.key] == nil {
            byKey[query.key] = query
            byTable[Int(query.key.table.rawValue)].append(query)
            tableChanged(query.key.table)
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
    func removeDeparted() {
        guard hasDeparted.load(ordering: .relaxed), hasDeparted.exchange(false, ordering: .acquiring) else { return }
        let list = departed.withLock { list in
            defer { list = [] }
            return list
        }
        for departure in list { remove(departure.sink, from: departure.query) }
    }

    /// Forgets all subscriptions.
    ///
    /// - Returns: who is to be told.
    func removeAll() -> [any QuerySink] {
        let sinks = byTable.joined().flatMap(\.sinks)
        for query in byKey.values {
            query.sinks = []
            byTable[Int(query.key.table.rawValue)] = []
            tableChanged(query.key.table)
        }
        byKey = [:]
        active.pointee = !kept.isEmpty
        return sinks
    }

    private func forget(_ query: Query) {
        // A query that was forgotten before may have been followed by an equal one, which stays.
        guard byKey[query.key] === query else { return }
        byKey[query.key] = nil
        byTable[Int(query.key.table.rawValue)].removeAll { $0 === query }
        tableChanged(query.key.table)
    }

    /// Has the changes of a table collected whether there are queries of it or not.
    func keepObserved(_ table: TableID) {
        kept.insert(table)
        tableChanged(table)
    }

    /// The datastore copies the changes of watched tables only.
    private func tableChanged(_ table: TableID) {
        datastore.setObserved(table, kept.contains(table) || !byTable[Int(table.rawValue)].isEmpty)
        active.pointee = !byKey.isEmpty || !kept.isEmpty
    }

    /// Evaluates the queries of the changed tables and queues what they yield.
    ///
    /// - Returns: true if something was queued.
    func publish(_ changes: ChangeSet, offset: TxOffset, into outbox: Outbox) -> Bool {
        removeDeparted()
        var queued = false
        for table in changes.tables {
            for query in byTable[Int(table.table.rawValue)] {
                query.sinks.removeAll { $0.isCancelled }
                guard !query.sinks.isEmpty else {
                    forget(query)
                    continue
                }
                guard let update = evaluate(query, on: table, offset: offset) else { continue }
                deliver(update, to: query, through: outbox)
                queued = true
            }
        }
        return queued
    }

    private func deliver(_ update: QueryUpdate, to query: Query, through outbox: Outbox) {
        // Most often everybody has room, and the list goes as it is.
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
