import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

extension SQLBinder {
    // MARK: INSERT

    mutating func insert(_ insert: SQLInsert) throws(SQLError) -> BoundInsert {
        let table = try changedTable(insert.table)
        let schema = table.schema
        let columns = try insertedColumns(insert, schema)
        var values: [Expression?] = []
        for column in schema.columns.indices {
            values.append(columns.contains(ColumnID(column)) ? nil : Self.omittedValue(ColumnID(column), schema))
        }
        if let missing = values.indices.first(where: { values[$0] == nil && !columns.contains(ColumnID($0)) }) {
            throw error(
                .count,
                "\(columns.count) columns are given for '\(insert.table.text)', which has \(schema.columns.count);"
                    + " '\(schema.columns[missing].name)' has no default and cannot be left out",
                insert.columns?.first?.range ?? insert.table.range)
        }
        var rows: [[Expression]] = []
        for row in insert.rows {
            guard row.count == columns.count else {
                throw error(
                    .count,
                    "\(row.count) values are given for '\(insert.table.text)' where \(columns.count) are needed",
                    row.first?.range ?? insert.table.range)
            }
            var filled = values
            for (value, column) in zip(row, columns) {
                filled[column.index] = try written(value, schema.columns[column.index].type)
            }
            rows.append(filled.compactMap(\.self))
        }
        let returning = try returning(insert.returning, table, insert.table)
        return BoundInsert(table: table.id, rows: rows, returning: returning, parameters: boundParameters)
    }

    /// The columns that values are given for, in the order of the values.
    private func insertedColumns(_ insert: SQLInsert, _ schema: TableSchema) throws(SQLError) -> [ColumnID] {
        guard let names = insert.columns else { return schema.columns.indices.map { ColumnID($0) } }
        var columns: [ColumnID] = []
        for name in names {
            let column = try column(name, schema)
            if columns.contains(column) {
                throw error(.name, "the column '\(name.text)' is given twice", name.range)
            }
            columns.append(column)
        }
        return columns
    }

    /// What a column gets that no value is given for: its default, the next number, or nothing.
    private static func omittedValue(_ column: ColumnID, _ schema: TableSchema) -> Expression? {
        let type = schema.columns[column.index].type
        if let value = schema.defaults.first(where: { $0.column == column }) { return .literal(value.bytes, type) }
        if schema.sequence(for: column) != nil {
            return SQLLiteral.number("0").value(as: type).map { .literal($0.bsatn(), type) }
        }
        return type.optionPayload == nil ? nil : .literal(AlgebraicValue.none.bsatn(), type)
    }

    // MARK: UPDATE, DELETE

    mutating func update(_ update: SQLUpdate) throws(SQLError) -> BoundUpdate {
        let table = try changedTable(update.table)
        scope.sources = [Scope.Source(name: update.table.text, table: table)]
        var assignments: [(column: ColumnID, value: Expression)] = []
        for assignment in update.assignments {
            let column = try column(assignment.column, table.schema)
            if assignments.contains(where: { $0.column == column }) {
                throw error(
                    .name, "the column '\(assignment.column.text)' is assigned twice", assignment.column.range)
            }
            let type = table.schema.columns[column.index].type
            assignments.append((column, try assigned(assignment.value, type)))
        }
        assignments.sort { $0.column < $1.column }
        var query = try changedRows(table, update.condition)
        let returning = try returning(update.returning, table, update.table)
        query.parameters = boundParameters
        return BoundUpdate(query: query, assignments: assignments, returning: returning)
    }

    mutating func delete(_ delete: SQLDelete) throws(SQLError) -> BoundDelete {
        let table = try changedTable(delete.table)
        scope.sources = [Scope.Source(name: delete.table.text, table: table)]
        var query = try changedRows(table, delete.condition)
        let returning = try returning(delete.returning, table, delete.table)
        query.parameters = boundParameters
        return BoundDelete(query: query, returning: returning)
    }

    private mutating func changedRows(
        _ table: SQLCatalog.Table, _ condition: SQLExpression?
    ) throws(SQLError) -> BoundQuery {
        var query = BoundQuery(tables: [BoundQuery.Table(table.id)])
        if let condition { query.conditions = rowConditions(try self.condition(condition).conjuncts) }
        return query
    }

    // MARK: Parts

    private func changedTable(_ name: SQLTableName) throws(SQLError) -> SQLCatalog.Table {
        let table = try table(name)
        if table.isView {
            throw unsupported("changes of the view '\(name.text)'; change the tables that it reads", name.range)
        }
        return table
    }

    private func column(_ name: SQLName, _ schema: TableSchema) throws(SQLError) -> ColumnID {
        if let column = schema.column(spelled: name.text) { return column }
        let known = schema.columns.map(\.name)
        let hint = NearestName.of(name.text, among: known).map { "did you mean '\($0)'?" }
        throw error(
            .name, "the table '\(schema.name)' has no column '\(name.text)'; \(hint ?? "there is \(Self.list(known))")",
            name.range)
    }

    /// A literal or a parameter, read strictly: a text is no number here.
    private mutating func written(_ value: SQLExpression, _ type: AlgebraicType) throws(SQLError) -> Expression {
        if value.kind == .literal(.null), type.optionPayload == nil {
            throw error(.type, "NULL is for options, and the column is of type \(type.swiftText)", value.range)
        }
        isStrict = true
        defer { isStrict = false }
        return try self.value(value, as: type)
    }

    private mutating func assigned(_ value: SQLExpression, _ type: AlgebraicType) throws(SQLError) -> Expression {
        switch value.kind {
        case .literal, .parameter: return try written(value, type)
        case .name(let parts):
            try requireExpressions(value)
            let field = try field(parts)
            return field.type == type ? .field(field) : try fitting(value, type)
        case .arithmetic:
            try requireExpressions(value)
            return try fitting(value, type)
        default: throw unsupported("a condition or an aggregate as a new value", value.range)
        }
    }

    private func requireExpressions(_ value: SQLExpression) throws(SQLError) {
        try require(.richChanges, "assigning anything but a literal", value.range)
    }

    /// A value that is computed from the row. One that may be missing is for options only.
    private mutating func fitting(_ value: SQLExpression, _ type: AlgebraicType) throws(SQLError) -> Expression {
        let bound = try self.value(value, as: type.optionPayload ?? type)
        if bound.isNullable, type.optionPayload == nil {
            throw error(
                .type, "\(quoted(value.range)) may be missing, and the column is of type \(type.swiftText)", value.range
            )
        }
        return bound
    }

    private mutating func returning(
        _ items: [SQLSelectItem], _ table: SQLCatalog.Table, _ name: SQLTableName
    ) throws(SQLError) -> BoundReturning? {
        guard let first = items.first else { return nil }
        let range: SourceRange =
            switch first {
            case .all(let range): range
            case .allOf(let table): table.range
            case .expression(let expression, _): expression.range
            }
        try require(.richChanges, "RETURNING", range)
        scope.sources = [Scope.Source(name: name.text, table: table)]
        var select = SQLSelect(range: range)
        select.items = items
        var query = BoundQuery(tables: [BoundQuery.Table(table.id)])
        let columns = try output(select, &query)
        return BoundReturning(output: query.output, columns: columns)
    }
}
