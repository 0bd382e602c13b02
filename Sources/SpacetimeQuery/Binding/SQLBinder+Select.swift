import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

extension SQLBinder {
    mutating func select(_ select: SQLSelect) throws(SQLError) -> (query: BoundQuery, columns: ProductType) {
        if select.isDistinct { try require(.distinct, "DISTINCT", select.range) }
        if !select.groups.isEmpty { try require(.aggregates, "GROUP BY", select.groups[0].range) }
        if let condition = select.groupCondition { try require(.aggregates, "HAVING", condition.range) }
        if let first = select.order.first { try require(.windows, "ORDER BY", first.expression.range) }
        if let offset = select.offset { try require(.windows, "OFFSET", offset.range) }
        if let limit = select.limit, !language.has(.windows) { try require(.limits, "LIMIT", limit.range) }

        var (tables, conditions) = try sources(select)
        if let condition = select.condition { conditions += try self.condition(condition).conjuncts }
        var query = BoundQuery(tables: tables, conditions: rowConditions(conditions), isDistinct: select.isDistinct)
        noteOutputNames(select.items)
        try beginGrouping(select)
        let columns = try output(select, &query)
        if let condition = select.groupCondition {
            let conditions = try self.condition(condition).conjuncts
            grouping?.conditions = conditions
        }
        for term in select.order { query.order.append(try order(term, in: query)) }
        query.grouping = grouping
        grouping = nil
        if let limit = select.limit { query.limit = try count(limit, "LIMIT") }
        if let offset = select.offset { query.offset = try count(offset, "OFFSET") }
        // Rows of one table differ from each other.
        if query.tables.count == 1, case .rows = query.output { query.isDistinct = false }
        query.parameters = boundParameters
        return (query, columns)
    }

    // MARK: FROM

    /// Enters the tables into the scope. Returns them, and the conditions of inner joins.
    private mutating func sources(
        _ select: SQLSelect
    ) throws(SQLError) -> ([BoundQuery.Table], [Expression]) {
        if select.sources.isEmpty {
            guard language.has(.constants) else {
                throw error(.syntax, "a FROM clause is needed: SELECT * FROM a table", select.range)
            }
        }
        var tables: [BoundQuery.Table] = []
        var conditions: [Expression] = []
        for source in select.sources {
            let table = try table(source.table)
            let name = source.alias?.text ?? source.table.text
            if scope.slot(named: name) != nil {
                throw error(
                    .name, "'\(name)' is the name of two tables here; give one of them another name with AS",
                    source.alias?.range ?? source.table.range)
            }
            scope.sources.append(Scope.Source(name: name, table: table))
            var bound = BoundQuery.Table(table.id)
            if let condition = source.condition { try requirePlainJoin(condition) }
            switch source.join {
            case .none: break
            case .inner:
                if let condition = source.condition { conditions += try self.condition(condition).conjuncts }
            case .left:
                try require(.outerJoins, "LEFT JOIN; only inner joins are", source.table.range)
                guard let condition = source.condition else { break }
                bound.outerCondition = rowConditions(try self.condition(condition).conjuncts)
                // Until here each combination had a row of it.
                scope.sources[tables.count].isOuter = true
            }
            bound.arguments = try arguments(source, table)
            let ofCall = rowsOfCall(table, bound.arguments, slot: tables.count)
            if bound.outerCondition == nil {
                conditions += ofCall
            } else {
                bound.outerCondition? += ofCall
            }
            tables.append(bound)
        }
        return (tables, conditions)
    }

    /// What a view is called with: literals and parameters.
    private mutating func arguments(
        _ source: SQLSource, _ table: SQLCatalog.Table
    ) throws(SQLError) -> [Expression] {
        let range = source.table.range
        let given = source.arguments ?? []
        guard source.arguments != nil || !table.parameters.isEmpty else { return [] }
        guard language.has(.arguments) else {
            throw unsupported(
                source.arguments == nil ? "a view with parameters" : "a function in place of a table", range)
        }
        guard table.isView else {
            throw error(
                .count, "'\(source.table.text)' is a table, and takes no arguments; leave out the parentheses", range)
        }
        guard given.count == table.parameters.count else {
            throw error(
                .count,
                "the view is to be called with \(table.parameters.count) arguments, not \(given.count): "
                    + table.signature, range)
        }
        var arguments: [Expression] = []
        for (argument, parameter) in zip(given, table.parameters) {
            if case .literal(.null) = argument.kind, parameter.type.optionPayload != nil {
                arguments.append(.literal(AlgebraicValue.none.bsatn(), parameter.type))
                continue
            }
            let value = try value(argument, as: parameter.type)
            switch value {
            case .literal, .parameter: arguments.append(value)
            default: throw error(.type, "a view is called with values, and not with what is computed", argument.range)
            }
        }
        return arguments
    }

    /// That the rows of a view are those of one call: by the caller, with the arguments.
    private mutating func rowsOfCall(
        _ table: SQLCatalog.Table, _ arguments: [Expression], slot: Int
    ) -> [Expression] {
        var terms: [RowPredicate.Term] = []
        if table.isByCaller, case .parameter(let number, _) = parameter("sender", .identity) {
            terms.append(.compareParameter(FieldPath(ColumnID(0)), .equal, number))
        }
        for argument in arguments {
            let path = FieldPath(ColumnID(terms.count))
            switch argument {
            case .parameter(let number, _): terms.append(.compareParameter(path, .equal, number))
            case .literal(let bytes, _): terms.append(.compare(path, .equal, bytes))
            default: break
            }
        }
        return terms.map { .rows(slot: slot, RowPredicate($0)) }
    }

    /// The original knows one form of `ON` only.
    private func requirePlainJoin(_ condition: SQLExpression) throws(SQLError) {
        if language.has(.joins) { return }
        let refused = unsupported("ON with anything but one equality of two columns: a.x = b.y", condition.range)
        guard case .compare(.equal, let left, let right) = condition.kind, case .name(let first) = left.kind,
            case .name(let second) = right.kind, condition.range.start == first[0].range.start,
            right.range.start == second[0].range.start
        else { throw refused }
        if first.dropLast().map(\.text) == second.dropLast().map(\.text), first.count > 1 {
            throw error(.unsupported, "both columns behind ON belong to one table", condition.range)
        }
    }

    // MARK: Output

    private mutating func noteOutputNames(_ items: [SQLSelectItem]) {
        outputNames = []
        for case .expression(let expression, let alias?) in items { outputNames.append((alias.text, expression)) }
    }

    /// Columns and whole rows.
    mutating func output(
        _ select: SQLSelect, _ query: inout BoundQuery
    ) throws(SQLError) -> ProductType {
        if let slot = try wholeRows(select.items, select.range) {
            if grouping != nil {
                throw error(.name, "'*' cannot stand beside GROUP BY or aggregates; list the columns", select.range)
            }
            let source = scope.sources[slot]
            if !source.isOuter, source.table.hiddenCount == 0 {
                query.output = .rows(slot: slot)
                return source.table.schema.rowType
            }
            let columns = Self.allColumns(of: source, slot)
            query.output = .columns(columns)
            return columns.productType
        }
        if grouping == nil, !language.has(.columns) {
            throw unsupported("lists of columns: whole rows only, as in SELECT *", select.range)
        }
        if grouping != nil, !language.has(.aggregates) { try requirePlainCount(select) }
        let columns = try self.columns(select.items)
        query.output = .columns(columns)
        return columns.productType
    }

    /// The slot whose rows are returned, if the output is `*` or `t.*`.
    private func wholeRows(_ items: [SQLSelectItem], _ range: SourceRange) throws(SQLError) -> Int? {
        for item in items {
            let star: SourceRange
            let slot: Int
            switch item {
            case .expression: continue
            case .all(let range):
                star = range
                if scope.sources.isEmpty { throw error(.syntax, "'*' needs a FROM clause", range) }
                if scope.sources.count > 1 {
                    throw unsupported(
                        "'*' for several tables; say whose rows are wanted, as in \(scope.sources[0].name).*", range)
                }
                slot = 0
            case .allOf(let table):
                star = table.range
                slot = try self.slot(table)
            }
            if items.count > 1 { throw unsupported("'*' beside other columns; list all of them", star) }
            return slot
        }
        return nil
    }

    /// All that the original counts: `COUNT(*)`, alone and with a name.
    private func requirePlainCount(_ select: SQLSelect) throws(SQLError) {
        guard language.has(.counts), select.items.count == 1, case .expression(let item, let alias) = select.items[0],
            case .aggregate(.count, nil, _) = item.kind
        else {
            throw unsupported(
                language.has(.counts)
                    ? "aggregates but COUNT(*) AS name, alone" : "aggregates: whole rows only, as in SELECT *",
                select.range)
        }
        if alias == nil { throw error(.name, "COUNT(*) needs a name: COUNT(*) AS n", item.range) }
    }

    mutating func columns(_ items: [SQLSelectItem]) throws(SQLError) -> [QueryColumn] {
        var columns: [QueryColumn] = []
        var names: Set<String> = []
        for case .expression(let expression, let alias) in items {
            let name = alias?.text ?? Self.name(of: expression) ?? "column_\(columns.count + 1)"
            guard names.insert(name).inserted else {
                throw error(
                    .name, "two columns of the result are called '\(name)'; give one of them another name with AS",
                    alias?.range ?? expression.range)
            }
            columns.append(QueryColumn(name, try column(expression)))
        }
        return columns
    }

    private mutating func column(_ expression: SQLExpression) throws(SQLError) -> Expression {
        switch expression.kind {
        case .name(let parts):
            if expression.range.start != parts[0].range.start {
                try require(.conditions, "\(quoted(expression.range)) as a column", expression.range)
            }
            // As it is stored, an option with all that is around its value.
            if grouping == nil { return .field(try field(parts)) }
            return try value(expression)
        case .literal, .parameter:
            try require(.constants, "\(quoted(expression.range)) as a column", expression.range)
            return try value(expression)
        case .arithmetic:
            try require(.conditions, "\(quoted(expression.range)) as a column", expression.range)
            return try value(expression)
        case .aggregate: return try value(expression)
        case .not, .and, .or, .compare, .isNull, .isIn, .between, .like:
            throw unsupported("a condition as a column", expression.range)
        }
    }

    /// The columns of rows that may be missing.
    private static func allColumns(of source: Scope.Source, _ slot: Int) -> [QueryColumn] {
        source.table.schema.columns.enumerated().dropFirst(source.table.hiddenCount).map { position, column in
            let path = FieldPath(ColumnID(position))
            return QueryColumn(
                column.name, .field(QueryField(slot: slot, path: path, type: column.type, isNullable: source.isOuter)))
        }
    }

    private static func name(of expression: SQLExpression) -> String? {
        switch expression.kind {
        case .name(let parts): parts[parts.count - 1].text
        case .aggregate(let function, _, _): function.rawValue.lowercased()
        default: nil
        }
    }

    // MARK: GROUP BY

    /// From here on values are those of groups, if the query has any.
    private mutating func beginGrouping(_ select: SQLSelect) throws(SQLError) {
        let hasAggregate =
            select.items.contains { if case .expression(let item, _) = $0 { item.hasAggregate } else { false } }
            || select.order.contains { $0.expression.hasAggregate }
        guard hasAggregate || !select.groups.isEmpty || select.groupCondition != nil else { return }
        var keys: [Expression] = []
        for group in select.groups {
            let key = try value(named(group) ?? group)
            guard isComparable(key.type) else {
                throw error(.type, "rows cannot be grouped by values of type \(key.type.swiftText)", group.range)
            }
            if key.isConstant { throw error(.type, "rows are grouped by columns, not by constants", group.range) }
            if !keys.contains(key) { keys.append(key) }
        }
        grouping = Grouping(keys: keys, aggregates: [])
    }

    /// What is selected under a name, unless a table has a column of that name.
    private func named(_ expression: SQLExpression) -> SQLExpression? {
        guard case .name(let parts) = expression.kind, parts.count == 1,
            !scope.sources.contains(where: { $0.table.schema.column(spelled: parts[0].text) != nil })
        else { return nil }
        return outputNames.first { $0.name == parts[0].text }?.expression
    }

    // MARK: ORDER BY, LIMIT

    private mutating func order(_ term: SQLOrder, in query: BoundQuery) throws(SQLError) -> OrderTerm {
        let range = term.expression.range
        let value: Expression
        if case .name(let parts) = term.expression.kind, parts.count == 1,
            let output = outputNames.first(where: { $0.name == parts[0].text })
        {
            value = try self.value(output.expression)
        } else if case .literal(.number(let digits)) = term.expression.kind, case .columns(let columns) = query.output {
            guard let position = Int(digits), columns.indices.contains(position - 1) else {
                throw error(.name, "the result has no column \(digits); it has \(columns.count)", range)
            }
            value = columns[position - 1].value
        } else {
            value = try self.value(term.expression)
        }
        guard isOrderable(value.type) else {
            throw error(.type, "values of type \(value.type.swiftText) have no order", range)
        }
        if value.isConstant { throw error(.type, "rows are ordered by columns, not by constants", range) }
        if query.isDistinct { try requireSelected(value, query.output, range) }
        return OrderTerm(value, isDescending: term.isDescending)
    }

    /// Cases of an enum are in the order of their declaration, though they are not compared.
    private func isOrderable(_ type: AlgebraicType) -> Bool {
        isComparable(type.optionPayload ?? type)
    }

    /// Of rows that are equal in what is selected one is left, so they have to have one place.
    private func requireSelected(
        _ value: Expression, _ output: QueryOutput, _ range: SourceRange
    ) throws(SQLError) {
        let isSelected: Bool
        switch output {
        case .columns(let columns): isSelected = columns.contains { $0.value.unwrapped == value.unwrapped }
        case .rows(let slot):
            var isOfRow = true
            value.forEachSlot { if $0 != slot { isOfRow = false } }
            isSelected = isOfRow
        }
        if !isSelected {
            throw error(.name, "with DISTINCT, rows are ordered by what is selected; select this, too", range)
        }
    }

    private mutating func count(_ value: SQLExpression, _ clause: String) throws(SQLError) -> Expression {
        switch value.kind {
        case .literal(.number): return try self.value(value, as: .u64)
        case .parameter(let name) where name != "sender" && language.has(.parameters):
            return try self.value(value, as: .u64)
        default: throw unsupported("\(clause) with anything but a number", value.range)
        }
    }
}

extension Expression {
    /// The parts that must all hold.
    var conjuncts: [Expression] {
        switch self {
        case .and(let parts): parts
        case .constant(true): []
        default: [self]
        }
    }

    /// Without the way from an option to its value.
    fileprivate var unwrapped: Expression {
        guard case .field(var field) = self, let payload = field.type.optionPayload else { return self }
        field.path.steps.append(.payload(0))
        field.type = payload
        field.isNullable = true
        return .field(field)
    }
}

extension [QueryColumn] {
    var productType: ProductType {
        ProductType(map { ProductType.Element(name: $0.name, algebraicType: $0.value.resultType) })
    }
}
