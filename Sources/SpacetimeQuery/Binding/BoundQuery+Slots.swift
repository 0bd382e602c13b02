package import SpacetimeEngine
package import SpacetimeSchema

extension BoundQuery {
    /// The query with one of its tables restricted to the rows that another query returns: that query's other tables come behind
    /// those that are there, and its conditions are added.
    ///
    /// - Parameters:
    ///   - slot: the table's position here. The other query must return whole rows of the same table.
    ///   - rule: a query of inner joins without groups, windows and distinctness, whose only parameter may be the sender.
    package func restricting(_ slot: Int, to rule: BoundQuery) -> BoundQuery {
        guard case .rows(let returned) = rule.output else { return self }
        var result = self
        if tables[slot].outerCondition != nil, rule.tables.count > 1 {
            // Where a rule joins tables it is one of an event table, and of these an outer join finds nothing.
            result.tables[slot].outerCondition?.append(.constant(false))
            return result
        }
        var places: [Int] = []
        for position in rule.tables.indices {
            if position == returned {
                places.append(slot)
            } else {
                places.append(result.tables.count)
                result.tables.append(rule.tables[position])
            }
        }
        var numbers: [Int] = []
        for parameter in rule.parameters {
            if let known = result.parameters.firstIndex(of: parameter), parameter.name != nil {
                numbers.append(known)
            } else {
                numbers.append(result.parameters.count)
                result.parameters.append(parameter)
            }
        }
        let conditions = rule.conditions.map { $0.moved(slots: places, parameters: numbers) }
        // In front of the others, which are computed of no row that the rule hides: what fails for such a row would tell of it.
        if let joined = result.tables[slot].outerCondition {
            // What an outer join finds is restricted before it is joined.
            result.tables[slot].outerCondition = conditions + joined
        } else {
            result.conditions = conditions + result.conditions
        }
        return result
    }
}

extension BoundQuery {
    /// The same query of another table in place of one of its own.
    ///
    /// - Parameters:
    ///   - slot: the position of the table that is replaced.
    ///   - columns: those of the replaced table. The other one has the same behind `hidden` columns of its own.
    package func replacing(
        _ slot: Int, by table: TableID, _ columns: [ColumnSchema], behind hidden: Int
    ) -> BoundQuery {
        func moved(_ value: Expression) -> Expression { value.shifted(slot, by: hidden) }
        var query = self
        query.tables[slot].id = table
        query.conditions = conditions.map(moved)
        for position in tables.indices {
            query.tables[position].outerCondition = tables[position].outerCondition?.map(moved)
        }
        if let grouping {
            query.grouping?.keys = grouping.keys.map(moved)
            query.grouping?.conditions = grouping.conditions.map(moved)
            for (position, aggregate) in grouping.aggregates.enumerated() {
                query.grouping?.aggregates[position].argument = aggregate.argument.map(moved)
            }
        }
        switch output {
        case .rows(slot):
            let isOuter = tables[slot].outerCondition != nil
            query.output = .columns(
                columns.enumerated().map { position, column in
                    let path = FieldPath(ColumnID(position + hidden))
                    return QueryColumn(
                        column.name,
                        .field(QueryField(slot: slot, path: path, type: column.type, isNullable: isOuter)))
                })
        case .rows: break
        case .columns(let list): query.output = .columns(list.map { QueryColumn($0.name, moved($0.value)) })
        }
        query.order = order.map { OrderTerm(moved($0.value), isDescending: $0.isDescending) }
        return query
    }
}

extension Expression {
    /// The same with the columns of one table so many places further on.
    fileprivate func shifted(_ slot: Int, by step: Int) -> Expression {
        func shifted(_ value: Expression) -> Expression { value.shifted(slot, by: step) }
        func place(_ path: FieldPath) -> FieldPath { FieldPath(ColumnID(path.column.index + step), path.steps) }
        switch self {
        case .field(var field):
            if field.slot == slot { field.path = place(field.path) }
            return .field(field)
        case .rows(slot, let predicate): return .rows(slot: slot, predicate.moved(place))
        case .arithmetic(let operation, let left, let right):
            return .arithmetic(operation, shifted(left), shifted(right))
        case .compare(let comparison, let left, let right): return .compare(comparison, shifted(left), shifted(right))
        case .isPresent(let operand): return .isPresent(shifted(operand))
        case .isIn(let operand, let list): return .isIn(shifted(operand), list)
        case .hasPrefix(let operand, let bytes): return .hasPrefix(shifted(operand), bytes)
        case .not(let operand): return .not(shifted(operand))
        case .and(let operands): return .and(operands.map(shifted))
        case .or(let operands): return .or(operands.map(shifted))
        case .rows, .literal, .parameter, .key, .aggregate, .constant: return self
        }
    }

    /// The same with other positions of tables and parameters.
    package func moved(slots: [Int], parameters: [Int]) -> Expression {
        func moved(_ value: Expression) -> Expression { value.moved(slots: slots, parameters: parameters) }
        switch self {
        case .field(var field):
            field.slot = slots[field.slot]
            return .field(field)
        case .parameter(let number, let type): return .parameter(parameters[number], type)
        case .rows(let slot, let predicate): return .rows(slot: slots[slot], predicate.moved(parameters: parameters))
        case .arithmetic(let operation, let left, let right): return .arithmetic(operation, moved(left), moved(right))
        case .compare(let comparison, let left, let right): return .compare(comparison, moved(left), moved(right))
        case .isPresent(let operand): return .isPresent(moved(operand))
        case .isIn(let operand, let list): return .isIn(moved(operand), list)
        case .hasPrefix(let operand, let bytes): return .hasPrefix(moved(operand), bytes)
        case .not(let operand): return .not(moved(operand))
        case .and(let operands): return .and(operands.map(moved))
        case .or(let operands): return .or(operands.map(moved))
        case .literal, .key, .aggregate, .constant: return self
        }
    }
}
