import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// What the commit that is being observed changed in a query.
struct LiveChanges {
    let query: LiveQuery
    var deletes = RowBatch()
    var inserts = RowBatch()

    var isEmpty: Bool { deletes.isEmpty && inserts.isEmpty }

    /// Replaces the rows that meet the conditions by those that the client is told.
    ///
    /// - Parameter commit: what changed in tables.
    mutating func finish(_ commit: ChangeSet, in datastore: Datastore) throws(EngineError) {
        if isEmpty { return }
        var changes = RowChanges()
        swap(&changes.deletes, &deletes)
        swap(&changes.inserts, &inserts)
        // Rows of a join that differ only in what the query does not return.
        if query.template.source.query != nil { changes.cancel() }
        switch query.stage {
        case .ready(let stage)?: if !changes.isEmpty { changes = try stage.apply(changes, in: datastore) }
        case .filling(let filling)?:
            filling.note(changes)
            return
        case .failed?: return
        case nil: break
        }
        (deletes, inserts) = (changes.deletes, changes.inserts)
        if let once = query.template.once { inserts = once.told(of: inserts, commit) }
    }
}

/// What queries have in common that differ only in the values that they ask for: `room = 'lobby'` and `room = 'kitchen'`.
/// Guarded by the database's lock.
///
/// Where such queries compare a field with their value, a changed row finds those that it concerns by a look-up of its own
/// value. So a commit costs as much as the queries that it touches, and not as much as there are.
final class LiveTemplate {
    /// With parameters in place of values.
    let query: BoundQuery
    /// What its rows are chosen from.
    let source: LiveSource
    /// Of the source's rows.
    let schema: TableSchema
    /// The table whose rows it returns; nil if it makes rows of its own.
    let table: TableID?
    /// Tells which deleted and inserted row are one that was updated.
    let pairs: RowPairs?
    /// The part of the source's rows that the query returns; nil for all of it.
    private let tail: RowTail?
    /// What the rows must meet, with parameters.
    let condition: RowPredicate
    /// True if queries differ in values that no condition on the rows has, such as a limit.
    private let hasOtherValues: Bool
    /// The fields that are compared with parameters for equality; nil if there are none.
    let keys: FieldKeys?
    /// The same keys of the rows of one of the joined tables, by its position in the query, if they are all its fields.
    let tableKeys: (slot: Int, keys: FieldKeys)?
    /// For each of them its parameter. At most one is a list, of which the field must have one value.
    private let keyParameters: [(number: Int, isList: Bool)]
    /// A query asks for one key, and nothing else tells it from others.
    private let hasKeyOnly: Bool
    private let rest: Rest

    /// What a row must meet besides having the right key.
    private enum Rest {
        case nothing
        /// The same for all queries.
        case fixed(CompiledPredicate)
        /// With parameters, whose values each query has.
        case shared(SharedCondition, RowPredicate)
        /// With parameters; each query has a program of its own.
        case bound(RowPredicate)
    }

    /// What is done with the rows that meet the conditions.
    let stages: LiveStages
    /// Whether anything is.
    let hasStages: Bool
    /// Of event tables: which rows are told once.
    let once: EventRows?
    /// True if its rows come and go with those of an event table among others.
    let joinsEvents: Bool
    /// Finds the rows that meet the conditions of a query; nil if they are those of a table.
    private let base: BoundQuery?
    /// The same, made ready when it is first needed: with the lock, and for snapshots.
    private var baseRunner: PlanRunner?
    private var baseOfSnapshots: CompiledPlan?
    /// How rows of a table are found that meet the condition, whatever the values. Made when it is first needed.
    private var scanPlan: ScanPlan?
    private(set) var index = QueryIndex()
    /// The queries that every changed row is tested for.
    private(set) var others: [LiveQuery] = []
    /// Those that have no key and are not among the areas: because the template has no key fields, or because there is none that
    /// could match, as in `room IN ()`.
    private var byValues: [[UInt8]: LiveQuery] = [:]
    /// The fields of which an interval is asked for, if there are no keys.
    private let areas: QueryAreas?
    private var areaIndex = AreaIndex()
    private(set) var count = 0
    /// What a query without rows begins with.
    let noRows: SharedDelta

    /// - Parameter output: the table whose rows the query returns, if it returns such.
    init(
        _ query: BoundQuery, _ shape: LiveShape, _ source: LiveSource, _ stages: LiveStages, output: TableFacts?,
        _ catalog: Catalog
    ) throws(EngineError) {
        self.query = query
        self.source = source
        schema = shape.schema
        table = output.map { catalog.viewTables.shownTable($0.id) }
        pairs = output.flatMap { table in
            // Columns that are not seen are cut off.
            let visible = catalog.viewTables.view(table.id)?.visibleSchema ?? table.schema
            return RowPairs(shape.source == nil ? shape.stageSchema : visible)
        }
        tail = shape.hiddenCount > 0 ? try RowTail(of: shape.schema, from: shape.hiddenCount) : nil
        condition = shape.condition
        self.stages = stages
        hasStages = !stages.isEmpty
        once = stages.once
        base = shape.base
        noRows = SharedDelta(table: output?.id)
        joinsEvents =
            query.tables.count > 1
            && query.tables.contains { (try? catalog.facts(of: $0.id).schema.isEvent) ?? false }
        hasOtherValues = [query.limit, query.offset].contains { $0?.hasParameters ?? false }
        var fields: [FieldPath] = []
        var parameters: [(number: Int, isList: Bool)] = []
        var rest: [ArraySlice<RowPredicate.Term>] = []
        for part in RowPredicate.conjuncts(of: condition.normalTerms()) {
            switch part.first {
            case .compareParameter(let path, .equal, let number)? where part.count == 1:
                fields.append(path)
                parameters.append((number, false))
            case .isInParameter(let path, let number)? where part.count == 1 && !parameters.contains { $0.isList }:
                fields.append(path)
                parameters.append((number, true))
            default: rest.append(part)
            }
        }
        keys = fields.isEmpty ? nil : try FieldKeys(fields, for: schema)
        keyParameters = parameters
        tableKeys = try Self.tableKeys(fields, shape, query, catalog)
        areas = fields.isEmpty ? QueryAreas(rest, schema) : nil
        let remaining = RowPredicate(joining: rest)
        if rest.isEmpty {
            self.rest = .nothing
        } else if remaining.hasParameters {
            let shared = try SharedCondition(
                remaining, for: schema, parameters: query.parameters.map(\.type))
            self.rest = if let shared { .shared(shared, remaining) } else { .bound(remaining) }
        } else {
            self.rest = .fixed(try CompiledPredicate(remaining, for: schema))
        }
        hasKeyOnly = !hasOtherValues && !remaining.hasParameters && !parameters.contains(where: \.isList)
    }

    /// Keys of one table's rows instead of those of the rows that the join makes.
    private static func tableKeys(
        _ fields: [FieldPath], _ shape: LiveShape, _ query: BoundQuery, _ catalog: Catalog
    ) throws(EngineError) -> (slot: Int, keys: FieldKeys)? {
        guard let first = fields.first, shape.origins.indices.contains(first.column.index) else { return nil }
        let slot = shape.origins[first.column.index].slot
        var paths: [FieldPath] = []
        for field in fields {
            let origin = shape.origins[field.column.index]
            guard origin.slot == slot else { return nil }
            paths.append(FieldPath(origin.column, field.steps))
        }
        guard let schema = catalog.planner.table(query.tables[slot].id)?.schema else { return nil }
        return (slot, try FieldKeys(paths, for: schema))
    }

    /// True if a changed row of one of the joined tables has a key that some query asks for.
    func isWanted(_ row: UnsafeRawBufferPointer, _ keys: FieldKeys, _ scratch: inout KeyScratch) -> Bool {
        var found = false
        keys.withKey(of: row, in: &scratch) { key in index.forEach(key) { _ in found = true } }
        return found
    }

    var hasTail: Bool { tail != nil }

    /// Whether a changed row finds the queries that it concerns by a look-up.
    var isFoundByLookUp: Bool { keys != nil || areas != nil }

    /// The part of one of the source's rows that the query returns. Valid for as long as the row is.
    func visible(_ row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer { tail?.bytes(of: row) ?? row }

    // MARK: Queries

    /// The query with some values; nil if there is none, and for those that are not told apart by one key alone.
    func known(_ values: [[UInt8]], _ scratch: inout KeyScratch) -> LiveQuery? {
        guard let keys, hasKeyOnly else { return nil }
        var known: LiveQuery?
        keys.withKey(of: keyParameters.count, in: &scratch) { position in
            values[keyParameters[position].number]
        } _: { key in
            index.forEach(key) { known = $0 }
        }
        return known
    }

    /// The query with some values, which is made and entered if there is none yet. To be asked when ``known(_:_:)`` has found
    /// none.
    func enter(_ values: [[UInt8]], _ scratch: inout KeyScratch) throws(EngineError) -> (LiveQuery, isNew: Bool) {
        if let query = enterKey(values, &scratch) { return (query, true) }
        let made = if let keys { try made(values, keys) } else { [QueryKey]() }
        let isBound =
            switch rest {
            case .bound, .shared: true
            case .nothing, .fixed: false
            }
        let packed = isBound || hasOtherValues || made.isEmpty ? PackedValues.pack(values) : []
        if let known = known(made, packed) { return (known, false) }
        let area = keys == nil ? areas?.area(values) : nil
        // Mostly the values of all are of one length.
        let isAmongAreas = area != nil && areaIndex.takes(packed)
        let query = LiveQuery(
            self, keys: made, values: isAmongAreas ? [] : packed,
            rest: keys != nil && made.isEmpty ? nil : try compiledRest(values))
        count += 1
        if query.key != nil {
            index.insert(query)
            return (query, true)
        }
        if !isAmongAreas { byValues[packed] = query }
        if let area {
            query.areaEntry = areaIndex.insert(query, area, isAmongAreas ? packed : nil)
        } else if keys == nil {
            others.append(query)
        }
        return (query, true)
    }

    /// Of a kind whose queries have a key and nothing else; nil for others, and if the values are none of its fields.
    private func enterKey(_ values: [[UInt8]], _ scratch: inout KeyScratch) -> LiveQuery? {
        guard let keys, hasKeyOnly else { return nil }
        var key: QueryKey?
        keys.withKey(of: keyParameters.count, in: &scratch) { position in
            values[keyParameters[position].number]
        } _: {
            key = QueryKey($0)
        }
        guard let key else { return nil }
        let query = LiveQuery(self, key: key)
        count += 1
        index.insert(query)
        return query
    }

    private func known(_ keys: [QueryKey], _ values: [UInt8]) -> LiveQuery? {
        guard let first = keys.first else { return byValues[values] ?? areaIndex.query(with: values) }
        var known: LiveQuery?
        first.withBytes { key in
            index.forEach(key) { query in if query.asksFor(keys, values) { known = query } }
        }
        return known
    }

    private func compiledRest(_ values: [[UInt8]]) throws(EngineError) -> CompiledPredicate? {
        switch rest {
        case .nothing, .fixed: return nil
        case .bound(let predicate):
            return try CompiledPredicate(predicate.binding(values, table: schema.name), for: schema)
        case .shared(let shared, let predicate):
            // Compiled to find out what is wrong with the values.
            if !shared.accepts(values) {
                _ = try CompiledPredicate(predicate.binding(values, table: schema.name), for: schema)
            }
            return nil
        }
    }

    private func made(_ values: [[UInt8]], _ fields: FieldKeys) throws(EngineError) -> [QueryKey] {
        var made: [[UInt8]] = [[]]
        for (position, parameter) in keyParameters.enumerated() {
            do throws(BSATNError) {
                let value = values[parameter.number]
                if parameter.isList {
                    guard let list = ValueList(array: value) else { throw .truncated(at: 0, needed: 4) }
                    let parts = try fields.keys(of: list, at: position)
                    made = made.flatMap { head in parts.map { head + $0 } }
                } else {
                    let part = try fields.key(of: value, at: position)
                    for number in made.indices { made[number] += part }
                }
            } catch {
                throw .malformedKey(index: "the condition on '\(schema.name)'", cause: error)
            }
        }
        return made.map { QueryKey($0) }
    }

    /// How the rows of the table are found that the queries choose from, in terms of their parameters.
    func scanPlan(_ planner: Planner) -> ScanPlan {
        if let scanPlan { return scanPlan }
        let plan = planner.plan(condition, for: source.tables[0])
        scanPlan = plan
        return plan
    }

    /// Finds the rows that meet the conditions of a query, and that groups and windows are made of; nil if they are those of a
    /// table.
    func baseRunner(_ planner: Planner, _ datastore: Datastore) throws(EngineError) -> PlanRunner? {
        guard let base else { return nil }
        if let baseRunner { return baseRunner }
        let runner = PlanRunner(try CompiledPlan(planner.plan(base, datastore), for: datastore))
        baseRunner = runner
        return runner
    }

    /// The same for snapshots, which have no indexes of their own: tables are read once, and joined by hash tables.
    func snapshotPlan(_ planner: Planner, _ datastore: Datastore) throws(EngineError) -> CompiledPlan? {
        guard let base else { return nil }
        if let baseOfSnapshots { return baseOfSnapshots }
        var options = PlannerOptions()
        options.usesIndexes = false
        let plan = try CompiledPlan(planner.plan(base, datastore, options: options), for: datastore)
        baseOfSnapshots = plan
        return plan
    }

    /// All of them, in no particular order.
    var queries: [LiveQuery] { Array(byValues.values) + index.queries + areaIndex.queries.filter(\.values.isEmpty) }

    /// - Returns: false if it was not there.
    func remove(_ query: LiveQuery) -> Bool {
        if query.key != nil {
            let count = index.count
            index.remove(query)
            guard index.count < count else { return false }
        } else if query.areaEntry != LiveQuery.noArea {
            areaIndex.remove(query.areaEntry)
            query.areaEntry = LiveQuery.noArea
            if !query.values.isEmpty { byValues[query.values] = nil }
        } else {
            guard byValues[query.values] === query else { return false }
            byValues[query.values] = nil
            others.removeAll { $0 === query }
        }
        count -= 1
        return true
    }

    // MARK: Following commits

    /// Finds the queries that a commit's changes of the table concern, and notes with each the rows that are its.
    ///
    /// - Parameter touched: gets each query with its rows.
    func collect(
        deletes: RowBatch, inserts: RowBatch, _ scratch: inout KeyScratch, into touched: inout [LiveChanges]
    ) {
        if keys == nil, areas == nil, tail == nil {
            for query in others { collect(deletes, inserts, for: query, into: &touched) }
            return
        }
        deletes.forEach { row in
            find(row, &scratch) { query in
                touched[Self.position(of: query, in: &touched)].deletes.append(visible(row))
            }
        }
        inserts.forEach { row in
            find(row, &scratch) { query in
                touched[Self.position(of: query, in: &touched)].inserts.append(visible(row))
            }
        }
    }

    @inline(__always)
    private static func position(of query: LiveQuery, in touched: inout [LiveChanges]) -> Int {
        if query.changes < 0 {
            query.changes = Int32(touched.count)
            touched.append(LiveChanges(query: query))
        }
        return Int(query.changes)
    }

    /// Whether a row with the right key is one of a query.
    @inline(__always)
    private func matches(_ row: UnsafeRawBufferPointer, _ query: LiveQuery) -> Bool {
        switch rest {
        case .nothing: true
        case .fixed(let predicate): predicate.matches(row)
        case .shared(let condition, _) where query.values.isEmpty:
            areaIndex.withValues(of: query.areaEntry) { condition.matches(row, $0) }
        case .shared(let condition, _): query.values.withUnsafeBytes { condition.matches(row, $0) }
        case .bound: query.rest?.matches(row) ?? true
        }
    }

    /// Calls `body` with the queries that a row belongs to.
    @inline(__always)
    private func find(_ row: UnsafeRawBufferPointer, _ scratch: inout KeyScratch, _ body: (LiveQuery) -> Void) {
        if let keys {
            keys.withKey(of: row, in: &scratch) { key in
                index.forEach(key) { query in
                    query.rowsExamined &+= 1
                    if matches(row, query) { body(query) }
                }
            }
            return
        }
        for query in others {
            query.rowsExamined &+= 1
            if matches(row, query) { body(query) }
        }
        guard areaIndex.count > 0, let place = areas?.place(of: row) else { return }
        areaIndex.forEach(place) { query in
            query.rowsExamined &+= 1
            if matches(row, query) { body(query) }
        }
    }

    private func collect(
        _ deletes: RowBatch, _ inserts: RowBatch, for query: LiveQuery, into touched: inout [LiveChanges]
    ) {
        query.rowsExamined &+= UInt64(truncatingIfNeeded: deletes.count + inserts.count)
        let deletes = filtered(deletes, query)
        let inserts = filtered(inserts, query)
        guard deletes.count > 0 || inserts.count > 0 else { return }
        query.changes = Int32(touched.count)
        touched.append(LiveChanges(query: query, deletes: deletes, inserts: inserts))
    }

    private func filtered(_ rows: RowBatch, _ query: LiveQuery) -> RowBatch {
        // A query for all rows shares the bytes of the commit.
        if case .nothing = rest { return rows }
        var matching = RowBatch()
        rows.forEach { row in
            if matches(row, query) { matching.append(row) }
        }
        return matching
    }
}
