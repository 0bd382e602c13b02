import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// The rows that queries begin with.
extension LiveTemplate {
    /// All rows of a query with some values. With the lock held.
    func rows(
        of query: LiveQuery, _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner
    ) throws(EngineError) -> RowBatch {
        if let stage = query.stage { return stage.rows() }
        if let stage = try makeStage(values, search, planner) {
            query.stage = stage
            return stage.rows()
        }
        var rows = RowBatch()
        try forEachRow(values, search, planner) { rows.append($0) }
        return rows
    }

    /// Calls `body` with each row that meets the conditions, as often as it is there.
    private func forEachRow(
        _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(EngineError) {
        if let runner = try baseRunner(planner, search.datastore) {
            try runner.bind(Array(values.prefix(runner.plan.plan.parameters.count)))
            try runner.run(over: search.datastore) { row, times in for _ in 0..<times { body(row) } }
            return
        }
        // Rows of event tables exist only while they are delivered.
        if schema.isEvent { return }
        let scan = try search.scan(source.tables[0], where: try condition.binding(values, table: schema.name))
        scan.forEach { body(visible($0)) }
    }

    private func makeStage(
        _ values: [[UInt8]], _ search: TableSearch, _ planner: Planner
    ) throws(EngineError) -> (any LiveStage)? {
        switch stageKind {
        case .none: return nil
        case .groups(let definition):
            let stage = try GroupStage(definition)
            try forEachRow(values, search, planner) { stage.fill($0) }
            return stage
        case .distinct:
            let stage = try DistinctStage(table == nil ? outputSchema : nil)
            try forEachRow(values, search, planner) { stage.fill($0) }
            return stage
        case .window(let definition):
            let bound = try condition.binding(values, table: schema.name)
            return try WindowStage(
                definition, limit: try Self.count(definition.limit, values) ?? .max,
                offset: try Self.count(definition.offset, values) ?? 0,
                following: try index(for: definition, values, planner),
                where: bound == .all ? nil : try CompiledPredicate(bound, for: schema), in: search.datastore
            ) { (fill) throws(EngineError) in
                try forEachRow(values, search, planner, fill)
            }
        }
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
        guard !hasTail, let first = definition.order.first, first.path.steps.isEmpty,
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

extension BoundQuery {
    /// The rows that groups, windows and distinct rows are made of.
    var withoutStages: BoundQuery {
        var query = self
        if let grouping {
            let values = grouping.keys + grouping.aggregates.compactMap(\.argument)
            query.output = .columns(values.enumerated().map { QueryColumn("value \($0)", $1) })
        }
        query.grouping = nil
        query.order = []
        query.limit = nil
        query.offset = nil
        query.isDistinct = false
        return query
    }
}
