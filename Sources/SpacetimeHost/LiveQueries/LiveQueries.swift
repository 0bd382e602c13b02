import SpacetimeEngine
import SpacetimeSchema

/// Takes the updates of a query. Called in commit order, by one thread at a time, without the database's lock.
package protocol QuerySink: AnyObject, Sendable {
    /// Must not block: the thread may be the one that runs all reducers.
    func receive(_ update: QueryUpdate)
    /// True once the subscriber wants no more; it is then forgotten at the next occasion.
    var isCancelled: Bool { get }
}

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

    private func forget(_ query: Query) {
        guard byKey.removeValue(forKey: query.key) != nil else { return }
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
        var queued = false
        for table in changes.tables {
            for query in byTable[Int(table.table.rawValue)] {
                query.sinks.removeAll { $0.isCancelled }
                guard !query.sinks.isEmpty else {
                    forget(query)
                    continue
                }
                guard let update = evaluate(query, on: table, offset: offset) else { continue }
                outbox.append(Outbox.Delivery(update: update, sinks: query.sinks))
                queued = true
            }
        }
        return queued
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
