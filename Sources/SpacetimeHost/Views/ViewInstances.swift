import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// The views that are being looked at, each with its rows in the view's table, kept as they should be. Guarded by the database's
/// lock.
///
/// A view is evaluated when somebody first wants it. If it is a function that reads, what it reads is noted: look-ups by key,
/// and tables as a whole. When a transaction has written to something that a view has read, the function is called again before
/// the commit, inside the transaction. If it returns a query, the query is followed like one that a client subscribed to, and
/// what it changes by is found from the changed rows alone. Either way only rows that differ are written to the view's table: so
/// subscribers see them in the same update as what caused them, and a view that fails undoes the transaction. A commit costs a
/// look-up per changed row for each index that views have read by, however many callers there are.
final class ViewInstances {
    private struct Key: Hashable {
        let table: TableID
        let key: [UInt8]
    }

    /// What the running transaction did to an instance.
    private struct Undo {
        let instance: ViewInstance
        /// What it had before; nil if it was not there.
        let before: (reads: ReadSet, queries: [ViewQuery], union: DistinctStage?)?
    }

    private let catalog: Catalog
    private let queries: ViewQueries
    private var instances: [Key: ViewInstance] = [:]
    private var readers = ViewReaders()
    private var writer = ViewWriter()
    private var nextNumber: UInt64 = 0
    /// At how many instances those that nobody watches are dropped.
    private var nextSweep = ViewInstances.idleLimit
    private var overdue: [ViewInstance] = []

    // The running transaction
    private var undo: [Undo] = []
    /// Queries and instances whose own state has gone on with it.
    private var advanced: [ViewQuery] = []
    private var advancedUnions: [ViewInstance] = []
    /// Queries that may have lost their last instance.
    private var released: [ViewQuery] = []

    // The running refreshing
    private var mark: UInt64 = 0
    private var stale: [ViewInstance] = []
    private var changed: [(instance: ViewInstance, changes: RowChanges)] = []

    /// More instances that nobody watches are not kept.
    private static let idleLimit = 4_096

    init(_ catalog: Catalog, _ search: TableSearch) {
        self.catalog = catalog
        queries = ViewQueries(catalog, search)
    }

    var count: Int { instances.count }

    /// What there is of each view of the module that somebody looks at.
    func report() -> [LiveQueryReport.View] {
        var found: [TableID: [ViewInstance]] = [:]
        for instance in instances.values { found[instance.view.table, default: []].append(instance) }
        return catalog.viewTables.views.compactMap { view in
            guard let list = found[view.table] else { return nil }
            return LiveQueryReport.View(
                name: view.schema.name, instanceCount: list.count, followedCount: list.count { !$0.queries.isEmpty },
                evaluationCount: list.reduce(0) { $0 + $1.evaluationCount })
        }
    }

    // MARK: Looking at views

    /// An instance, if it has been evaluated.
    func known(_ view: ViewTables.View, _ key: [UInt8]) -> ViewInstance? { instances[Key(table: view.table, key: key)] }

    /// Evaluates a view for a caller and arguments, in a transaction that may write to the tables of views, if it has not been.
    func materialise(
        _ view: ViewTables.View, _ key: [UInt8], for caller: Caller, in transaction: TransactionReference
    ) throws -> ViewInstance {
        if let known = known(view, key) { return known }
        if instances.count >= nextSweep {
            try dropIdle(in: transaction)
            // So that those which are watched are gone through seldom.
            nextSweep = max(Self.idleLimit, instances.count * 2)
        }
        nextNumber += 1
        let instance = ViewInstance(
            view, key: key, caller: view.isByCaller ? caller.identity : nil, number: nextNumber)
        instances[Key(table: view.table, key: key)] = instance
        undo.append(Undo(instance: instance, before: nil))
        try evaluate(instance, in: transaction)
        return instance
    }

    private func dropIdle(in transaction: TransactionReference) throws(DatabaseError) {
        let idle = instances.values.filter { $0.users == 0 }.sorted { $0.number < $1.number }
        for instance in idle { try drop(instance, in: transaction) }
    }

    /// Forgets an instance, and its rows.
    private func drop(_ instance: ViewInstance, in transaction: TransactionReference) throws(DatabaseError) {
        try writer.replace([], of: instance, in: transaction)
        // If this is undone the rows are there again, and nobody knows of them: whoever wants the view evaluates it anew,
        // and replaces them.
        forget(instance)
    }

    private func forget(_ instance: ViewInstance) {
        readers.remove(instance)
        set([], of: instance)
        instances[Key(table: instance.view.table, key: instance.key)] = nil
    }

    /// The running transaction is over.
    func end(isUndone: Bool) {
        if isUndone { takeBack() }
        undo.removeAll(keepingCapacity: true)
        advanced.removeAll(keepingCapacity: true)
        advancedUnions.removeAll(keepingCapacity: true)
        for query in released { queries.forget(query) }
        released.removeAll(keepingCapacity: true)
    }

    private func takeBack() {
        for entry in undo.reversed() {
            guard let before = entry.before else {
                forget(entry.instance)
                continue
            }
            readers.remove(entry.instance)
            entry.instance.reads = before.reads
            readers.add(entry.instance, catalog)
            set(before.queries, of: entry.instance)
            entry.instance.union = before.union
        }
        // What they keep beside the tables belongs to a state that never was. It is made again from the tables.
        for query in advanced where query.query.stage != nil {
            query.query.stage = nil
            for instance in query.instances.values { makeOverdue(instance) }
        }
        for instance in advancedUnions { makeOverdue(instance) }
    }

    private func makeOverdue(_ instance: ViewInstance) {
        if instance.isOverdue { return }
        instance.isOverdue = true
        overdue.append(instance)
    }

    // MARK: Following writes

    /// Makes the views what they should be after what the running transaction has written.
    ///
    /// - Throws: what a view threw. Then the transaction must be undone.
    func refresh(in transaction: TransactionReference) throws {
        if instances.isEmpty { return }
        let datastore = transaction.runner.datastore
        mark &+= 1
        stale.removeAll(keepingCapacity: true)
        changed.removeAll(keepingCapacity: true)
        for instance in overdue { note(instance) }
        readers.forEachStale(in: datastore) { note($0) }
        if !queries.isEmpty { try findChanges(in: datastore) }
        if !stale.isEmpty { try evaluateStale(in: transaction) }
        if !changed.isEmpty { try writeChanges(in: transaction) }
    }

    private func note(_ instance: ViewInstance) {
        // Those that were forgotten meanwhile have no rows any more.
        if instance.mark == mark || known(instance.view, instance.key) !== instance { return }
        instance.mark = mark
        stale.append(instance)
    }

    private func findChanges(in datastore: Datastore) throws(DatabaseError) {
        try queries.forEachChange(in: datastore) { query, changes in
            if query.query.stage != nil { advanced.append(query) }
            for instance in query.instances.values {
                if instance.users == 0 { note(instance) }
                if instance.mark != mark { changed.append((instance, changes)) }
            }
        }
    }

    private func evaluateStale(in transaction: TransactionReference) throws {
        stale.sort { $0.number < $1.number }
        for instance in stale {
            if instance.users > 0 {
                undo.append(Undo(instance: instance, before: (instance.reads, instance.queries, instance.union)))
                try evaluate(instance, in: transaction)
            } else {
                // Nobody looks at it any more. Who does so again has it evaluated anew.
                try drop(instance, in: transaction)
            }
        }
        // If it is undone they are due again.
        if !overdue.isEmpty { advancedUnions += overdue }
        for instance in overdue { instance.isOverdue = false }
        overdue = []
    }

    private func writeChanges(in transaction: TransactionReference) throws(DatabaseError) {
        changed.sort { $0.instance.number < $1.instance.number }
        for (instance, changes) in changed where instance.mark != mark {
            guard let union = instance.union else {
                try writer.write(changes, of: instance, in: transaction)
                continue
            }
            advancedUnions.append(instance)
            try writer.write(union.apply(changes, in: transaction.runner.datastore), of: instance, in: transaction)
        }
    }

    // MARK: Evaluating

    private func evaluate(_ instance: ViewInstance, in transaction: TransactionReference) throws {
        instance.noteEvaluation()
        var reads = ReadSet()
        var content = ViewContent()
        switch instance.view.content {
        case .rules(let table):
            content.queries = catalog.rules.visibleRows(of: table, for: instance.caller ?? .zero)
        case .function(let position):
            let outcome: Outcome
            do {
                (outcome, reads) = try transaction.runner.evaluate(
                    position, arguments: instance.view.arguments(in: instance.key),
                    for: instance.caller.map { Caller(identity: $0) }, in: transaction)
            } catch {
                throw instance.view.failed(error)
            }
            content = try ViewContent(outcome, of: instance.view, catalog)
        }
        var rows = content.rows
        var followed: [ViewQuery] = []
        for query in content.queries {
            try instance.view.require(query.query, catalog)
            if let query = try follow(query) {
                followed.append(query)
                rows.append(try self.rows(of: query, instance.view))
            } else {
                rows.append(try self.rows(of: query.query, instance.view, transaction.runner))
                for table in query.query.tables { reads.note(table.id) }
            }
        }
        if reads != instance.reads {
            readers.remove(instance)
            instance.reads = reads
            readers.add(instance, catalog)
        }
        set(followed, of: instance)
        instance.union = nil
        if followed.contains(where: { $0.query.template.query.mayRepeatRows }) || followed.count > 1 {
            let union = try engine { () throws(EngineError) in try DistinctStage(nil) }
            for batch in rows { batch.forEach { union.fill($0) } }
            instance.union = union
        }
        try writer.replace(rows, of: instance, in: transaction)
    }

    private func engine<Value>(_ body: () throws(EngineError) -> Value) throws(DatabaseError) -> Value {
        do throws(EngineError) { return try body() } catch { throw DatabaseError(error) }
    }

    private func set(_ queries: [ViewQuery], of instance: ViewInstance) {
        if instance.queries.isEmpty, queries.isEmpty { return }
        let name = ObjectIdentifier(instance)
        for query in instance.queries {
            query.instances[name] = nil
            if query.instances.isEmpty { released.append(query) }
        }
        for query in queries { query.instances[name] = instance }
        instance.queries = queries
    }

    // MARK: Queries

    /// - Returns: nil if it can only be run again as a whole.
    private func follow(_ query: SessionQuery) throws(DatabaseError) -> ViewQuery? {
        do throws(DatabaseError) { return try queries.follow(query) } catch {
            if error.code == .invalidQuery { return nil }
            throw error
        }
    }

    private func rows(of query: ViewQuery, _ view: ViewTables.View) throws(DatabaseError) -> RowBatch {
        do throws(EngineError) { return try queries.rows(of: query) } catch { throw view.failed("\(error)") }
    }

    /// Runs a query as a whole, with the rights of the owner.
    private func rows(
        of query: BoundQuery, _ view: ViewTables.View, _ runner: TransactionRunner
    ) throws(DatabaseError) -> RowBatch {
        do throws(EngineError) {
            let plan = try CompiledPlan(catalog.planner.plan(query, runner.datastore), for: runner.datastore)
            var rows = RowBatch()
            try PlanRunner(plan).run(over: runner.datastore) { row, _ in rows.append(row) }
            return rows
        } catch {
            throw view.failed("\(error)")
        }
    }
}

extension BoundQuery {
    /// Whether equal rows may come out of it: not if it returns rows of the only table, each once.
    fileprivate var mayRepeatRows: Bool {
        guard tables.count == 1, grouping == nil, case .rows = output else { return true }
        return false
    }
}
