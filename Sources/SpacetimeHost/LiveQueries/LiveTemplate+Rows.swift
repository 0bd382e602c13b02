import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// The rows that queries begin with.
extension LiveTemplate {
    /// The rows that meet the conditions of a query with some values, with the lock held.
    ///
    /// - Returns: nil if more rows than the limit would have to be looked at.
    func lockedRows(
        _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner, limit: Int
    ) throws(EngineError) -> RowBatch? {
        if !hasTail, !schema.isEvent, source.query == nil, try baseRunner(planner, search.datastore) == nil {
            return try scan(values, search, limit).map { RowBatch(rowsOf: $0) }
        }
        var rows = RowBatch()
        return try forEachLockedRow(values, search, planner, limit) { rows.append($0) } ? rows : nil
    }

    /// All rows of a query with some values, however many, with the lock held. What is done with them is ready from now on.
    func rows(
        of query: LiveQuery, _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner
    ) throws(EngineError) -> RowBatch {
        if case .ready(let stage)? = query.stage { return try stage.rows() }
        if hasStages, let stage = try lockedStage(values, search, planner, limit: .max) {
            query.stage = .ready(stage)
            return try stage.rows()
        }
        return try lockedRows(values, search, planner, limit: .max) ?? RowBatch()
    }

    /// Calls `body` with each row that meets the conditions, as often as it is there.
    ///
    /// - Returns: false if there is too much to look at. The body may have got some rows before.
    private func forEachLockedRow(
        _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner, _ limit: Int,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(EngineError) -> Bool {
        if let runner = try baseRunner(planner, search.datastore) {
            return try run(runner, values, search, limit, body)
        }
        // Rows of event tables exist only while they are delivered.
        if schema.isEvent { return true }
        guard let scan = try scan(values, search, limit) else { return false }
        scan.forEach { body(visible($0)) }
        return true
    }

    /// The rows of a table that meet the conditions; nil if more rows than the limit would have to be looked at.
    private func scan(
        _ values: [[UInt8]], _ search: TableSearch, _ limit: Int
    ) throws(EngineError) -> RowScan? {
        let table = source.tables[0]
        let plan = scanPlan(search.planner)
        // Planned once for all values, since a client that walks subscribes to many such queries at a time.
        if plan.rest == nil, case .key(let index, let key)? = IndexLookup(plan.access, parameters: values) {
            return try search.scan(table, by: index, key: key, examining: limit)
        }
        return try search.scan(
            table, where: try condition.binding(values, table: schema.name), examining: limit)
    }

    private func run(
        _ runner: PlanRunner, _ values: [[UInt8]], _ search: TableSearch, _ limit: Int,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(EngineError) -> Bool {
        var room = limit
        try runner.bind(values)
        do throws(EngineError) {
            try runner.run(over: search.datastore, budget: QueryBudget(rowsExamined: limit)) { row, times in
                // Rows that nobody looks at are counted only, so there may be more than were looked at.
                room = times > room ? -1 : room - times
                if room < 0 { return runner.stop() }
                for _ in 0..<times { body(row) }
            }
        } catch {
            guard case .budgetExceeded = error else { throw error }
            return false
        }
        return room >= 0
    }

    // MARK: Stages

    /// What is done with the rows of a query with some values, without any rows yet. Nil if nothing is.
    func emptyStage(_ values: [[UInt8]]) throws(EngineError) -> (any LiveStage)? {
        var stage: (any LiveStage)?
        func add(_ next: any LiveStage) { stage = stage.map { StageChain($0, next) } ?? next }
        if let groups = stages.groups { add(try GroupStage(groups)) }
        if let distinct = stages.distinct { add(try DistinctStage(distinct)) }
        if let window = stages.window {
            add(
                try WindowStage(
                    window, limit: try Self.count(window.limit, values) ?? .max,
                    offset: try Self.count(window.offset, values) ?? 0))
        }
        return stage
    }

    /// The same with the rows that there are; nil if more of them than the limit would have to be looked at.
    func lockedStage(
        _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner, limit: Int
    ) throws(EngineError) -> (any LiveStage)? {
        if let stage = try stageAlongIndex(values, search.datastore, planner, limit) { return stage }
        guard let stage = try emptyStage(values), try forEachLockedRow(values, search, planner, limit, stage.fill)
        else {
            return nil
        }
        try stage.finishFilling(in: search.datastore)
        return stage
    }

    /// A window that follows an index; nil if there is none, or if it has to look at too many rows to find those that meet
    /// the conditions.
    private func stageAlongIndex(
        _ values: [[UInt8]], _ datastore: Datastore, _ planner: Planner, _ limit: Int
    ) throws(EngineError) -> (any LiveStage)? {
        guard stages.isWindowOnly, let window = stages.window,
            let index = try index(for: window, values, planner)
        else { return nil }
        let bound = try condition.binding(values, table: schema.name)
        let stage = try WindowStage(
            window, limit: try Self.count(window.limit, values) ?? .max,
            offset: try Self.count(window.offset, values) ?? 0, following: index,
            where: bound == .all ? nil : try CompiledPredicate(bound, for: schema), examining: limit)
        do throws(EngineError) { try stage.finishFilling(in: datastore) } catch {
            guard case .budgetExceeded = error else { throw error }
            return nil
        }
        return stage
    }

    private static func count(_ value: Expression?, _ values: [[UInt8]]) throws(EngineError) -> Int? {
        guard case .literal(let bytes, _)? = try value?.binding(values), bytes.count == 8 else { return nil }
        let number = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(clamping: number)
    }

    /// An ordered index that begins with columns which the conditions fix, and goes on with the first field of the order.
    private func index(
        for definition: WindowStage.Definition, _ values: [[UInt8]], _ planner: Planner
    ) throws(EngineError) -> LiveWindows.Index? {
        // Behind columns that are not seen the positions are others than the index has.
        guard source.query == nil, !hasTail, let first = definition.order.first, first.path.steps.isEmpty,
            let indexes = planner.table(source.tables[0])?.indexes
        else { return nil }
        var fixed: [ColumnID: [UInt8]] = [:]
        for part in RowPredicate.conjuncts(of: try condition.binding(values, table: schema.name).normalTerms()) {
            guard part.count == 1, case .compare(let path, .equal, let value)? = part.first, path.steps.isEmpty else {
                continue
            }
            fixed[path.column] = value
        }
        for index in indexes where index.isOrdered {
            guard let place = index.columns.firstIndex(of: first.path.column) else { continue }
            let prefix = index.columns[..<place].map { fixed[$0] }
            guard prefix.allSatisfy({ $0 != nil }) else { continue }
            return LiveWindows.Index(
                index.id, prefix: prefix.flatMap { $0 ?? [] }, prefixColumns: place)
        }
        return nil
    }
}
