import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// What a kind of query does with the rows that meet its conditions, in this order.
struct LiveStages {
    private(set) var groups: GroupStage.Definition?
    /// Equal rows are one; the schema if they are equal by their values, and nil if by their bytes.
    private(set) var distinct: TableSchema??
    private(set) var window: WindowStage.Definition?
    /// Of event tables: which rows are told once.
    private(set) var once: EventRows?

    /// True if the rows are handed out as they are.
    var isEmpty: Bool { groups == nil && distinct == nil && window == nil }
    /// True if there is a window over the rows of a table as they are, which may follow an index.
    var isWindowOnly: Bool { window != nil && groups == nil && distinct == nil }

    /// - Parameter shape: what the rows are.
    /// - Throws: `invalidQuery` if that cannot be kept up to date.
    init(_ query: BoundQuery, _ shape: LiveShape, _ catalog: Catalog) throws(DatabaseError) {
        for table in query.tables {
            let facts = try catalog.facts(of: table.id)
            if !facts.schema.isEvent { continue }
            once = try EventRows(query, shape, facts)
            return
        }
        var schema = shape.stageSchema
        var ordered = shape.order
        // The rows of a table are all different.
        var isBag = shape.source != nil
        if let grouping = query.grouping {
            guard case .columns(var columns) = query.output else {
                throw DatabaseError(.invalidQuery, "groups have columns and no whole rows")
            }
            ordered = WindowOrdering(query) { value in
                columns.firstIndex { $0.value == value }.map { FieldPath(ColumnID(UInt16($0))) }
            }
            try Self.check(ordered, query)
            columns = ordered.columns + columns
            do throws(EngineError) {
                groups = try GroupStage.Definition(
                    grouping, schema: schema, paths: Self.paths(grouping, shape), columns: columns)
            } catch { throw DatabaseError(error) }
            schema = TableSchema(
                name: "the groups",
                columns: columns.map { ColumnSchema(name: $0.name, type: $0.value.resultType) } as [ColumnSchema])
            isBag = true
        } else {
            try Self.check(ordered, query)
        }
        if query.isDistinct {
            distinct = .some(query.grouping == nil && shape.returnsWholeRows ? nil : schema)
            isBag = false
        }
        // Without a limit the order of what a client gets does not matter, since it gets changes later.
        if query.limit != nil || query.offset != nil {
            window = WindowStage.Definition(
                schema: schema, order: ordered.terms, limit: query.limit, offset: query.offset,
                hiddenCount: ordered.columns.count, isBag: isBag)
        }
    }

    private static func check(_ ordered: WindowOrdering, _ query: BoundQuery) throws(DatabaseError) {
        guard query.isDistinct, !ordered.columns.isEmpty else { return }
        throw DatabaseError(
            .invalidQuery,
            "a window over different rows is kept up to date in the order of what is returned; order by the columns that are "
                + "selected")
    }

    /// Where rows have the keys of groups and the arguments of aggregates.
    private static func paths(_ grouping: Grouping, _ shape: LiveShape) -> [FieldPath] {
        let values = grouping.keys + grouping.aggregates.compactMap(\.argument)
        guard shape.source == nil else {
            // What the source makes. A value that may be missing is an option there.
            return values.indices.map { FieldPath(ColumnID(UInt16($0))) }
        }
        return values.compactMap { if case .field(let field) = $0 { field.path } else { nil } }
    }
}

/// By what the rows of a window are ordered, and which columns they need for it.
struct WindowOrdering {
    /// What is ordered by and not returned: columns in front of the others.
    private(set) var columns: [QueryColumn] = []
    private(set) var terms: [RowOrder.Term] = []

    static let none = WindowOrdering()

    private init() {}

    /// - Parameter find: where a value is in what is returned; nil if it is not.
    init(_ query: BoundQuery, _ find: (Expression) -> FieldPath?) {
        if query.limit == nil, query.offset == nil { return }
        let places = query.order.map { find($0.value) }
        for (term, place) in zip(query.order, places) where place == nil {
            columns.append(QueryColumn("order \(columns.count)", term.value))
        }
        var next = 0
        for (term, place) in zip(query.order, places) {
            var path = FieldPath(ColumnID(UInt16(next)))
            if let place {
                path = FieldPath(ColumnID(UInt16(columns.count + place.column.index)), place.steps)
            } else {
                next += 1
            }
            terms.append(RowOrder.Term(path, isDescending: term.isDescending))
        }
    }
}
