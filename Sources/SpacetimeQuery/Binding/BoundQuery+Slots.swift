package import SpacetimeEngine

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
        // What an outer join finds is restricted before it is joined.
        if result.tables[slot].outerCondition != nil, rule.tables.count == 1 {
            result.tables[slot].outerCondition? += conditions
        } else {
            result.conditions += conditions
        }
        return result
    }
}

extension Expression {
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
