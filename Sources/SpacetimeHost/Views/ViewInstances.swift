import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// The views that are being looked at, each with its rows in the view's table, kept as they should be by re-evaluation. Guarded by
/// the database's lock.
///
/// A view is evaluated when somebody first wants it, and what it reads is noted: look-ups by key, and tables as a whole. When a
/// transaction has written to something that a view has read, the view is evaluated again before the commit, inside the
/// transaction; rows that differ are written to its table. So subscribers see them in the same update as what caused them, and a
/// view that fails undoes the transaction. A commit costs a look-up per changed row for each index that views have read by,
/// however many callers there are.
final class ViewInstances {
    /// One view for one caller, or for all.
    final class Instance {
        let view: ViewTables.View
        /// Nil if it is the same for all.
        let caller: Identity?
        fileprivate(set) var reads = ReadSet()
        /// How many sets of queries have it.
        var users = 0

        fileprivate init(_ view: ViewTables.View, _ caller: Identity?) {
            self.view = view
            self.caller = caller
        }

        var evaluationCount = 0
    }

    private struct Key: Hashable {
        let view: Int
        let caller: Identity?
    }

    private let tables: ViewTables
    private var instances: [Key: Instance] = [:]
    /// Who has read all of a table.
    private var byTable: [TableID: [ObjectIdentifier: Instance]] = [:]
    /// Who has read what has a key.
    private var byKey: [ReadSet.Key: [ObjectIdentifier: Instance]] = [:]
    /// What the running transaction did here, to be taken back if it is undone: instances with what they had read before, or
    /// nil for those that were not there.
    private var undo: [(instance: Instance, reads: ReadSet?)] = []
    /// By which indexes of a table somebody has read, and how to cut their keys out of its rows.
    private var indexes: [TableID: [IndexID: (cutter: RowCutter, count: Int)]] = [:]

    /// More instances that nobody watches are not kept.
    private static let idleLimit = 4_096

    init(_ tables: ViewTables) { self.tables = tables }

    var count: Int { instances.count }

    // MARK: Looking at views

    /// The instance of the view whose rows a table holds, for a caller, if it has been evaluated.
    func known(_ table: TableID, for caller: Caller) -> Instance? {
        guard let view = tables.view(table) else { return nil }
        return instances[Key(view: view.position, caller: view.schema.isAnonymous ? nil : caller.identity)]
    }

    /// Evaluates a view for a caller, in a transaction that may write, if it has not been.
    func materialise(
        _ table: TableID, for caller: Caller, in transaction: TransactionReference
    ) throws -> Instance? {
        guard let view = tables.view(table) else { return nil }
        if let known = known(table, for: caller) { return known }
        if instances.count >= Self.idleLimit { try dropIdle(in: transaction) }
        let instance = Instance(view, view.schema.isAnonymous ? nil : caller.identity)
        instances[Key(view: view.position, caller: instance.caller)] = instance
        undo.append((instance, nil))
        try evaluate(instance, in: transaction)
        return instance
    }

    private func dropIdle(in transaction: TransactionReference) throws(DatabaseError) {
        for instance in instances.values where instance.users == 0 { try drop(instance, in: transaction) }
    }

    /// Forgets an instance, and its rows.
    private func drop(_ instance: Instance, in transaction: TransactionReference) throws(DatabaseError) {
        try replaceRows(of: instance, by: [], in: transaction)
        // If this is undone the rows are there again, and nobody knows of them: whoever wants the view evaluates it anew,
        // and replaces them.
        forget(instance)
    }

    private func forget(_ instance: Instance) {
        unregister(instance)
        instances[Key(view: instance.view.position, caller: instance.caller)] = nil
    }

    /// The running transaction is over.
    func end(isUndone: Bool, _ catalog: Catalog) {
        if undo.isEmpty { return }
        if isUndone {
            for (instance, reads) in undo.reversed() {
                guard let reads else {
                    forget(instance)
                    continue
                }
                unregister(instance)
                instance.reads = reads
                register(instance, catalog)
            }
        }
        undo = []
    }

    // MARK: Following writes

    /// Evaluates again what the running transaction has made out of date.
    ///
    /// - Throws: what a view threw. Then the transaction must be undone.
    func refresh(in transaction: TransactionReference) throws {
        if instances.isEmpty { return }
        let stale = staleInstances(transaction.runner.datastore)
        if stale.isEmpty { return }
        for instance in stale {
            if instance.users > 0 {
                undo.append((instance, instance.reads))
                try evaluate(instance, in: transaction)
            } else {
                // Nobody looks at it any more. Who does so again has it evaluated anew.
                try drop(instance, in: transaction)
            }
        }
    }

    /// In the order in which they were first evaluated, as far as that can be told: by view, then by caller.
    private func staleInstances(_ datastore: Datastore) -> [Instance] {
        var found: [ObjectIdentifier: Instance] = [:]
        datastore.forEachTouchedRow(wanting: { byTable[$0] != nil || indexes[$0] != nil }) { table, row in
            if let readers = byTable[table] { found.merge(readers) { old, _ in old } }
            for (index, entry) in indexes[table] ?? [:] {
                var key: [UInt8] = []
                entry.cutter.append(row, to: &key)
                if let readers = byKey[ReadSet.Key(table: table, index: index, key: key)] {
                    found.merge(readers) { old, _ in old }
                }
            }
        }
        return found.values.sorted {
            ($0.view.position, $0.caller?.number ?? .zero) < ($1.view.position, $1.caller?.number ?? .zero)
        }
    }

    // MARK: Evaluating

    private func evaluate(_ instance: Instance, in transaction: TransactionReference) throws {
        instance.evaluationCount += 1
        let caller = instance.caller.map { Caller(identity: $0) }
        let (outcome, reads) = try transaction.runner.evaluate(
            instance.view.position, arguments: [], for: caller, in: transaction)
        let rows: [[UInt8]]
        var allReads = reads
        switch outcome {
        case .rows(let bytes): rows = try split(bytes, instance.view.schema)
        case .query(let text):
            let (found, tables) = try run(text, instance.view.schema, transaction.runner)
            rows = found
            for table in tables { allReads.note(table) }
        case .done, .value, .response:
            throw DatabaseError(
                .moduleFailure, "the view '\(instance.view.schema.sourceName)' returned something else than rows")
        }
        unregister(instance)
        instance.reads = allReads
        register(instance, transaction.runner.catalog)
        try replaceRows(of: instance, by: rows, in: transaction)
    }

    /// The rows of an array in BSATN.
    private func split(_ bytes: [UInt8], _ view: ViewSchema) throws(DatabaseError) -> [[UInt8]] {
        do throws(BSATNError) {
            let value = try AlgebraicValue(bsatn: bytes, type: .array(.product(view.rowType)))
            guard case .array(let rows) = value else { return [] }
            return rows.map { $0.bsatn() }
        } catch {
            throw DatabaseError(
                .moduleFailure, "the view '\(view.sourceName)' returned bytes that are no rows of it: \(error)",
                cause: error)
        }
    }

    /// Runs the query that a view consists of, with the rights of the owner.
    private func run(
        _ text: String, _ view: ViewSchema, _ runner: TransactionRunner
    ) throws(DatabaseError) -> (rows: [[UInt8]], tables: [TableID]) {
        if text.isEmpty { return ([], []) }
        let catalog = runner.catalog
        func failed(_ reason: String) -> DatabaseError {
            DatabaseError(.moduleFailure, "the view '\(view.sourceName)' is the query \(text), and \(reason)")
        }
        let query = try QueryTexts.viewQuery(text, catalog)
        for table in query.tables where tables.view(table.id) != nil {
            throw failed("reads another view; call the same function from both")
        }
        do throws(EngineError) {
            let plan = try CompiledPlan(catalog.planner.plan(query, runner.datastore), for: runner.datastore)
            guard plan.resultType.elements.map(\.algebraicType) == view.columns.map(\.type) else {
                throw .invalidPlan("its rows are not those that the view declares")
            }
            var rows: [[UInt8]] = []
            try PlanRunner(plan).run(over: runner.datastore) { row, _ in rows.append(Array(row)) }
            return (rows, query.tables.map(\.id))
        } catch {
            throw failed("\(error)")
        }
    }

    private func replaceRows(
        of instance: Instance, by rows: [[UInt8]], in transaction: TransactionReference
    ) throws(DatabaseError) {
        let prefix = instance.caller?.bsatn() ?? []
        var wanted: Set<[UInt8]> = []
        var order: [[UInt8]] = []
        for row in rows where wanted.insert(prefix + row).inserted { order.append(prefix + row) }
        var present: [[UInt8]] = []
        try forEachRow(of: instance, prefix, transaction.runner) { present.append(Array($0)) }
        for row in present where !wanted.contains(row) {
            _ = try row.withBytes { (bytes) throws(DatabaseError) in
                try transaction.delete(instance.view.table, equalTo: bytes)
            }
        }
        let kept = Set(present)
        for var row in order where !kept.contains(row) {
            let inserted = row.withUnsafeMutableBytes { bytes in
                Result { () throws(DatabaseError) in try transaction.insert(instance.view.table, trusted: bytes) }
            }
            _ = try inserted.get()
        }
    }

    private func forEachRow(
        of instance: Instance, _ caller: [UInt8], _ runner: TransactionRunner,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(DatabaseError) {
        do throws(EngineError) {
            guard let index = instance.view.callerIndex else {
                return try runner.datastore.scan(instance.view.table).forEach(body)
            }
            let scan = try caller.withBytes { (key) throws(EngineError) in
                try runner.datastore.scan(index, key: key)
            }
            scan.forEach(body)
        } catch {
            throw DatabaseError(error)
        }
    }

    // MARK: What was read

    private func register(_ instance: Instance, _ catalog: Catalog) {
        let name = ObjectIdentifier(instance)
        for table in instance.reads.tables { byTable[table, default: [:]][name] = instance }
        for key in instance.reads.keys {
            if indexes[key.table]?[key.index] == nil {
                guard let cutter = Self.cutter(key, catalog) else {
                    // No index that the catalogue knows; then all of the table counts as read.
                    byTable[key.table, default: [:]][name] = instance
                    continue
                }
                indexes[key.table, default: [:]][key.index] = (cutter, 0)
            }
            byKey[key, default: [:]][name] = instance
            indexes[key.table]?[key.index]?.count += 1
        }
    }

    private static func cutter(_ key: ReadSet.Key, _ catalog: Catalog) -> RowCutter? {
        guard let facts = try? catalog.facts(of: key.table), let position = facts.indexes.firstIndex(of: key.index)
        else { return nil }
        return try? RowCutter(facts.schema.indexes[position].columns.map(\.index), of: facts.schema)
    }

    private func unregister(_ instance: Instance) {
        let name = ObjectIdentifier(instance)
        for table in instance.reads.tables {
            byTable[table]?[name] = nil
            if byTable[table]?.isEmpty == true { byTable[table] = nil }
        }
        for key in instance.reads.keys {
            guard byKey[key]?.removeValue(forKey: name) != nil else {
                byTable[key.table]?[name] = nil
                continue
            }
            if byKey[key]?.isEmpty == true { byKey[key] = nil }
            indexes[key.table]?[key.index]?.count -= 1
            if indexes[key.table]?[key.index]?.count == 0 { indexes[key.table]?[key.index] = nil }
            if indexes[key.table]?.isEmpty == true { indexes[key.table] = nil }
        }
        instance.reads = ReadSet()
    }
}
