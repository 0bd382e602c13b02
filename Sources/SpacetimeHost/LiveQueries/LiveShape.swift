import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// A kind of query taken apart: rows that are the same for all queries of the kind, and a condition with parameters that tells
/// which of them are whose.
///
/// The rows of most queries are those of one table. Those of a join, or of a query that computes something, are made up: first
/// the columns that the condition asks for, then what the query returns. So a join is evaluated once per commit for all who
/// differ in their values only, and what it yields is looked up as the changed rows of a table are.
struct LiveShape {
    /// What makes the rows; nil if they are those of the table.
    let source: BoundQuery?
    /// What finds the rows of one query by its values, without the hidden columns; nil if they are those of the table.
    let base: BoundQuery?
    /// Of the rows.
    let schema: TableSchema
    /// Columns before what the query returns.
    let hiddenCount: Int
    /// Of made-up rows: where each of these comes from.
    let origins: [Origin]

    /// A column of one of the query's tables.
    struct Origin: Hashable {
        let slot: Int
        let column: ColumnID
    }
    /// On the rows, with the parameters of the query.
    let condition: RowPredicate
    /// What a window over the rows is ordered by, whose columns come behind the hidden ones. Of groups nothing.
    let order: WindowOrdering
    /// True if the query returns the rows of a table as they are.
    let returnsWholeRows: Bool

    /// Of the rows without the columns that only the condition needs.
    var stageSchema: TableSchema {
        if hiddenCount == 0 { return schema }
        return TableSchema(
            name: schema.name, columns: Array(schema.columns.dropFirst(hiddenCount)),
            primaryKey: schema.primaryKey.map { ColumnID(UInt16($0.index - hiddenCount)) })
    }

    /// - Returns: nil if a parameter stands where it cannot be taken out.
    init?(_ query: BoundQuery, _ catalog: Catalog) throws(DatabaseError) {
        if query.hasParametersBehindRows { return nil }
        if let table = Self.plainTable(of: query),
            let hidden = Self.hiddenColumns(of: query, try catalog.facts(of: table).schema)
        {
            source = nil
            base = nil
            returnsWholeRows = query.grouping == nil
            order =
                query.grouping != nil
                ? .none
                : WindowOrdering(query) { value in
                    guard case .field(let field) = value else { return nil }
                    // A window sees the rows as they are returned.
                    return FieldPath(ColumnID(field.path.column.index - hidden), field.path.steps)
                }
            schema = try catalog.facts(of: table).schema
            hiddenCount = hidden
            origins = []
            condition = .and(query.conditions.map { if case .rows(_, let predicate) = $0 { predicate } else { .all } })
            return
        }
        var builder = Builder(query, catalog)
        for condition in query.conditions { guard try builder.take(condition) else { return nil } }
        for table in query.tables {
            for condition in table.outerCondition ?? [] where condition.hasParameters { return nil }
        }
        guard try builder.takeOutput() else { return nil }
        // The rows are made without what was taken out, also those that nobody asks for: one for which something cannot be
        // computed would end queries that it is no row of.
        if !builder.taken.isEmpty, builder.open.mayFail { return nil }
        returnsWholeRows = if case .rows = query.output { query.grouping == nil } else { false }
        source = builder.open
        base = builder.base
        order = builder.order
        schema = builder.schema
        hiddenCount = builder.hidden.count
        origins = builder.hidden
        condition = RowPredicate(joining: builder.taken.map { $0[...] })
    }

    /// The table whose rows a query chooses from, if it does so by conditions on its fields, and returns the rows, or groups them
    /// by fields.
    private static func plainTable(of query: BoundQuery) -> TableID? {
        guard query.tables.count == 1,
            query.conditions.allSatisfy({ if case .rows = $0 { true } else { false } })
        else { return nil }
        if let grouping = query.grouping {
            let values = grouping.keys + grouping.aggregates.compactMap(\.argument)
            guard values.allSatisfy({ if case .field = $0 { true } else { false } }) else { return nil }
        } else if query.limit != nil || query.offset != nil {
            guard query.order.allSatisfy({ if case .field = $0.value { true } else { false } }) else { return nil }
        }
        return query.tables[0].id
    }

    /// How many columns of the table's rows come before those that the query returns, if these are all others in their order: none
    /// mostly, and one for a view that depends on its caller. Nil if it returns something else.
    private static func hiddenColumns(of query: BoundQuery, _ schema: TableSchema) -> Int? {
        if query.grouping != nil { return 0 }
        guard case .columns(let columns) = query.output else { return 0 }
        let hidden = schema.columns.count - columns.count
        guard hidden > 0, !columns.isEmpty else { return nil }
        for term in query.order {
            guard case .field(let field) = term.value, field.path.column.index >= hidden else { return nil }
        }
        for (position, column) in columns.enumerated() {
            let path = FieldPath(ColumnID(UInt16(position + hidden)))
            guard case .field(let field) = column.value, field.path == path, !field.isNullable,
                column.name == schema.columns[position + hidden].name
            else { return nil }
        }
        return hidden
    }

    private struct Builder {
        let query: BoundQuery
        let catalog: Catalog
        /// Without what has parameters.
        var open: BoundQuery
        /// With it, but without hidden columns.
        var base: BoundQuery
        var hidden: [Origin] = []
        /// Conditions with parameters, on rows of the schema.
        var taken: [[RowPredicate.Term]] = []
        var order = WindowOrdering.none
        var schema = TableSchema(name: "the query", columns: [] as [ColumnSchema])

        init(_ query: BoundQuery, _ catalog: Catalog) {
            self.query = query
            self.catalog = catalog
            base = query
            base.grouping = nil
            base.order = []
            base.limit = nil
            base.offset = nil
            base.isDistinct = false
            open = base
            open.conditions = []
            open.parameters = []
        }

        /// - Returns: false if the condition has a parameter and is none on one row.
        mutating func take(_ condition: Expression) throws(DatabaseError) -> Bool {
            guard condition.hasParameters else {
                open.conditions.append(condition)
                return true
            }
            guard case .rows(let slot, let predicate) = condition, query.tables[slot].outerCondition == nil else {
                return false
            }
            var rest: [ArraySlice<RowPredicate.Term>] = []
            for part in RowPredicate.conjuncts(of: predicate.normalTerms()) {
                if part.contains(where: \.isParameter) {
                    taken.append(part.map { $0.moved { path in self.place(slot, path) } })
                } else {
                    rest.append(part)
                }
            }
            if !rest.isEmpty { open.conditions.append(.rows(slot: slot, RowPredicate(joining: rest))) }
            return true
        }

        /// The path to a field of one of the tables in the made-up rows.
        private mutating func place(_ slot: Int, _ path: FieldPath) -> FieldPath {
            let column = Origin(slot: slot, column: path.column)
            let position: Int
            if let known = hidden.firstIndex(of: column) {
                position = known
            } else {
                position = hidden.count
                hidden.append(column)
            }
            return FieldPath(ColumnID(UInt16(position)), path.steps)
        }

        mutating func takeOutput() throws(DatabaseError) -> Bool {
            var columns: [QueryColumn] = []
            if let grouping = query.grouping {
                for (number, value) in (grouping.keys + grouping.aggregates.compactMap(\.argument)).enumerated() {
                    columns.append(QueryColumn("value \(number)", value))
                }
            } else {
                switch query.output {
                case .rows(let slot):
                    let schema = try catalog.facts(of: query.tables[slot].id).schema
                    order = WindowOrdering(query) { value in
                        if case .field(let field) = value, field.slot == slot { field.path } else { nil }
                    }
                    for position in schema.columns.indices {
                        columns.append(
                            QueryColumn(schema.columns[position].name, Self.field(slot, ColumnID(position), schema)))
                    }
                case .columns(let list):
                    order = WindowOrdering(query) { value in
                        list.firstIndex { $0.value == value }.map { FieldPath(ColumnID($0)) }
                    }
                    columns = list
                }
            }
            columns = order.columns + columns
            if columns.contains(where: { $0.value.hasParameters }) { return false }
            base.output = .columns(columns)
            var all: [QueryColumn] = []
            for (number, column) in hidden.enumerated() {
                let facts = try catalog.facts(of: query.tables[column.slot].id)
                all.append(QueryColumn("hidden \(number)", Self.field(column.slot, column.column, facts.schema)))
            }
            all += columns
            open.output = .columns(all)
            schema = TableSchema(
                name: "the query",
                columns: all.map { ColumnSchema(name: $0.name, type: $0.value.resultType) } as [ColumnSchema])
            return true
        }

        private static func field(_ slot: Int, _ column: ColumnID, _ schema: TableSchema) -> Expression {
            .field(QueryField(slot: slot, path: FieldPath(column), type: schema.columns[column.index].type))
        }
    }
}

extension RowPredicate.Term {
    fileprivate var isParameter: Bool {
        switch self {
        case .compareParameter, .isInParameter: true
        default: false
        }
    }
}

extension Expression {
    /// True if there are rows of which it cannot be computed, since a number does not fit, or a divisor is zero.
    var mayFail: Bool {
        switch self {
        case .arithmetic(_, let left, let right):
            // Floats become infinite.
            ![.f32, .f64].contains(left.type) || left.mayFail || right.mayFail
        case .compare(_, let left, let right): left.mayFail || right.mayFail
        case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _), .not(let operand):
            operand.mayFail
        case .and(let operands), .or(let operands): operands.contains(where: \.mayFail)
        case .field, .literal, .parameter, .key, .aggregate, .constant, .rows: false
        }
    }

    /// True if a value in it comes with each run.
    var hasParameters: Bool {
        switch self {
        case .parameter: true
        case .rows(_, let predicate): predicate.hasParameters
        case .arithmetic(_, let left, let right), .compare(_, let left, let right):
            left.hasParameters || right.hasParameters
        case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _), .not(let operand):
            operand.hasParameters
        case .and(let operands), .or(let operands): operands.contains(where: \.hasParameters)
        case .field, .literal, .key, .aggregate, .constant: false
        }
    }

    /// The same with values, in BSATN, in place of parameters.
    func binding(_ values: [[UInt8]]) throws(EngineError) -> Expression {
        switch self {
        case .parameter(let number, let type):
            guard values.indices.contains(number) else {
                throw .invalidCondition(table: "the query", reason: "parameter \(number) has no value")
            }
            return .literal(values[number], type)
        case .rows(let slot, let predicate):
            return .rows(slot: slot, try predicate.binding(values, table: "the query"))
        case .arithmetic(let operation, let left, let right):
            return .arithmetic(operation, try left.binding(values), try right.binding(values))
        case .compare(let comparison, let left, let right):
            return .compare(comparison, try left.binding(values), try right.binding(values))
        case .isPresent(let operand): return .isPresent(try operand.binding(values))
        case .isIn(let operand, let list): return .isIn(try operand.binding(values), list)
        case .hasPrefix(let operand, let bytes): return .hasPrefix(try operand.binding(values), bytes)
        case .not(let operand): return .not(try operand.binding(values))
        case .and(let operands): return .and(try Self.binding(operands, values))
        case .or(let operands): return .or(try Self.binding(operands, values))
        case .field, .literal, .key, .aggregate, .constant: return self
        }
    }

    static func binding(_ list: [Expression], _ values: [[UInt8]]) throws(EngineError) -> [Expression] {
        var bound: [Expression] = []
        for expression in list { bound.append(try expression.binding(values)) }
        return bound
    }
}

extension BoundQuery {
    /// True if there are rows for which a condition or a column of the output cannot be computed.
    fileprivate var mayFail: Bool {
        if conditions.contains(where: \.mayFail) { return true }
        if tables.contains(where: { $0.outerCondition?.contains(where: \.mayFail) == true }) { return true }
        guard case .columns(let columns) = output else { return false }
        return columns.contains { $0.value.mayFail }
    }

    /// True if values that come with each run are in what is done with the rows that meet the conditions, but for how many
    /// of them are wanted.
    fileprivate var hasParametersBehindRows: Bool {
        if order.contains(where: { $0.value.hasParameters }) { return true }
        if let grouping {
            let values = grouping.keys + grouping.aggregates.compactMap(\.argument) + grouping.conditions
            if values.contains(where: \.hasParameters) { return true }
        }
        guard case .columns(let columns) = output else { return false }
        return columns.contains { $0.value.hasParameters }
    }

    /// The same with values, in BSATN, in place of parameters.
    func binding(_ values: [[UInt8]]) throws(EngineError) -> BoundQuery {
        if parameters.isEmpty { return self }
        var bound = self
        bound.parameters = []
        bound.conditions = try Expression.binding(conditions, values)
        for position in tables.indices {
            bound.tables[position].arguments = try Expression.binding(tables[position].arguments, values)
            guard let conditions = tables[position].outerCondition else { continue }
            bound.tables[position].outerCondition = try Expression.binding(conditions, values)
        }
        if let grouping {
            bound.grouping?.keys = try Expression.binding(grouping.keys, values)
            bound.grouping?.conditions = try Expression.binding(grouping.conditions, values)
            for (position, aggregate) in grouping.aggregates.enumerated() {
                bound.grouping?.aggregates[position].argument = try aggregate.argument?.binding(values)
            }
        }
        if case .columns(var columns) = output {
            for position in columns.indices { columns[position].value = try columns[position].value.binding(values) }
            bound.output = .columns(columns)
        }
        for position in order.indices { bound.order[position].value = try order[position].value.binding(values) }
        bound.limit = try limit?.binding(values)
        bound.offset = try offset?.binding(values)
        return bound
    }
}
