package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// A picture of the database with its views: what these return on the rows of the picture.
///
/// A view is evaluated when a query first reads it, without the database's lock, and its rows are kept with the picture: for each
/// caller and each list of arguments. Of those that somebody looked at when the picture was taken nothing is used.
package final class PictureViews: Sendable {
    /// The tables, without the rows of views.
    package let snapshot: DatastoreSnapshot
    private let runner: TransactionRunner

    private struct Key: Hashable {
        let table: TableID
        /// The caller and the arguments.
        let key: [UInt8]
    }

    private struct State {
        /// Holds the rows of views; nil if there are none yet.
        var datastore: Datastore?
        /// The tables in it, by those of the database.
        var tables: [TableID: TableID] = [:]
        var present: Set<Key> = []
        /// The picture with these rows.
        var snapshot: DatastoreSnapshot?
    }

    private let state = Mutex(State())

    /// More are not kept; with one more all are forgotten, and evaluated again if they are wanted.
    private static let limit = 1_024

    package init(_ snapshot: DatastoreSnapshot, _ runner: TransactionRunner) {
        self.snapshot = snapshot
        self.runner = runner
    }

    // MARK: Queries

    /// A query as a caller may ask it, by the rules of its tables.
    func restricted(_ query: SessionQuery, for caller: Caller) -> SessionQuery {
        let catalog = runner.catalog
        return catalog.rules.restricted(query, for: caller, owner: catalog.owner.identity, catalog.viewTables)
    }

    /// Calls `body` with the rows of a query's result, in its order, as a caller sees them.
    ///
    /// - Parameter body: false ends it.
    package func forEachResult(
        of query: BoundQuery, as caller: Caller, _ body: (UnsafeRawBufferPointer) -> Bool
    ) throws(DatabaseError) {
        let asked = restricted(SessionQuery(query), for: caller)
        let bound: BoundQuery
        do throws(EngineError) { bound = try asked.query.binding(asked.values) } catch { throw DatabaseError(error) }
        try runner.catalog.forEachResult(of: bound, in: try snapshot(for: bound, [], as: caller), body)
    }

    // MARK: Views

    /// The picture with the rows of the views that a query reads.
    ///
    /// - Parameters:
    ///   - values: those of the query's parameters.
    ///   - patience: how long they are waited for.
    /// - Throws: what a view threw, as `moduleFailure`; `stopped`.
    func snapshot(
        for query: BoundQuery, _ values: [[UInt8]], as caller: Caller, waiting patience: Patience? = nil
    ) throws(DatabaseError) -> DatastoreSnapshot {
        var wanted: [(view: ViewTables.View, key: Key)] = []
        for table in query.tables {
            guard let view = runner.catalog.viewTables.view(table.id) else { continue }
            wanted.append((view, Key(table: view.table, key: try view.key(for: caller, table.arguments, values))))
        }
        if wanted.isEmpty { return snapshot }
        while true {
            let (known, whole) = state.withLock { ($0.present, $0.snapshot) }
            let missing = wanted.filter { !known.contains($0.key) }
            if missing.isEmpty, let whole { return whole }
            var rows: [RowBatch] = []
            for (view, key) in missing { rows.append(try self.rows(of: view, key.key, caller, patience)) }
            for ((view, key), rows) in zip(missing, rows) { try keep(rows, of: view, key) }
        }
    }

    /// Evaluates a view.
    private func rows(
        of view: ViewTables.View, _ key: [UInt8], _ caller: Caller, _ patience: Patience?
    ) throws(DatabaseError) -> RowBatch {
        if let patience, patience.isOver { throw patience.stopped() }
        let catalog = runner.catalog
        var content = ViewContent()
        switch view.content {
        case .rules(let table): content.queries = catalog.rules.visibleRows(of: table, for: caller.identity)
        case .function(let position):
            let outcome: Outcome
            do { outcome = try call(position, view, key, caller) } catch { throw view.failed(error) }
            content = try ViewContent(outcome, of: view, catalog)
        }
        var rows = RowBatch()
        for batch in content.rows { batch.forEach { rows.append($0) } }
        for query in content.queries {
            try view.require(query.query, catalog)
            let bound: BoundQuery
            do throws(EngineError) { bound = try query.query.binding(query.values) } catch {
                throw DatabaseError(error)
            }
            do throws(DatabaseError) {
                try catalog.forEachResult(of: bound, in: snapshot, shouldStop: patience?.shouldStop) { row in
                    rows.append(row)
                    return true
                }
            } catch {
                if let patience, patience.isOver { throw patience.stopped(cause: error) }
                throw view.failed(error.message)
            }
        }
        return rows
    }

    /// Calls the function of a view. A guest's have one instance for all, which the database's lock guards.
    private func call(
        _ position: Int, _ view: ViewTables.View, _ key: [UInt8], _ caller: Caller
    ) throws -> Outcome {
        let module = runner.module
        let needsLock = !module.runsViewsAnywhere
        if needsLock { try runner.acquire() }
        defer { if needsLock { runner.release() } }
        let seen = view.isByCaller ? Caller(identity: caller.identity) : Caller(identity: runner.catalog.identity)
        return try runner.withTransaction(over: snapshot, as: seen) { transaction in
            try view.arguments(in: key).withUnsafeBytes {
                try module.call(.view(position), arguments: $0, in: transaction)
            }
        }
    }

    private func keep(_ rows: RowBatch, of view: ViewTables.View, _ key: Key) throws(DatabaseError) {
        let schema = try runner.catalog.facts(of: view.table).schema
        try state.withLock { state throws(DatabaseError) in
            if state.present.contains(key) { return }
            if state.present.count >= Self.limit { state = State() }
            do throws(EngineError) {
                let datastore = state.datastore ?? Datastore()
                state.datastore = datastore
                let table: TableID
                if let known = state.tables[view.table] {
                    table = known
                } else {
                    table = try datastore.createTable(schema, isEphemeral: true)
                    state.tables[view.table] = table
                }
                try Self.insert(rows, behind: key.key, into: table, datastore)
                state.present.insert(key)
                state.snapshot = snapshot.adding(
                    state.tables.map { (id: $0.key, source: $0.value) }, of: datastore.snapshot())
            } catch .uniqueViolation(_, _, _, let key) {
                throw view.hasTwoRows(withKey: key)
            } catch {
                throw DatabaseError(error)
            }
        }
    }

    /// Equal rows are one.
    private static func insert(
        _ rows: RowBatch, behind key: [UInt8], into table: TableID, _ datastore: Datastore
    ) throws(EngineError) {
        datastore.begin()
        var image: [UInt8] = []
        do throws(EngineError) {
            try rows.forEach { row throws(EngineError) in
                image.removeAll(keepingCapacity: true)
                image += key
                image.append(contentsOf: row)
                try image.withMutableBytes { (bytes) throws(EngineError) in
                    _ = try datastore.insert(table, row: bytes)
                }
            }
        } catch {
            datastore.rollback()
            throw error
        }
        _ = datastore.commit()
    }
}
