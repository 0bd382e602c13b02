package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

extension TestQuery {
    /// What a binder must make of the text, up to what means the same.
    package func bound(_ tables: [TableID]) -> BoundQuery {
        var binding = Binding(query: self)
        var query = BoundQuery(tables: [], output: .rows(slot: 0))
        for source in sources {
            let on = source.on.map { binding.condition($0) }
            query.tables.append(.init(tables[source.table], outerCondition: source.join == .left ? on : nil))
            if source.join != .left { query.conditions += on }
        }
        query.conditions += conditions.map { binding.condition($0) }
        if isGrouped {
            let keys = groups.map { binding.value($0) }
            binding.isBehindGroups = true
            let conditions = having.map { [binding.condition($0)] } ?? []
            query.output = binding.output(output)
            query.order = order.map { OrderTerm(binding.value($0.value), isDescending: $0.isDescending) }
            query.grouping = Grouping(keys: keys, aggregates: binding.aggregates, conditions: conditions)
        } else {
            query.output = binding.output(output)
            query.order = order.map { OrderTerm(binding.value($0.value), isDescending: $0.isDescending) }
        }
        query.isDistinct = isDistinct
        query.limit = limit.map { .literal($0.bsatn(), .u64) }
        query.offset = offset.map { .literal($0.bsatn(), .u64) }
        query.parameters = parameters.map { QueryParameter(name: $0.name, type: $0.type) }
        return query
    }

    package var isGrouped: Bool {
        if !groups.isEmpty || having != nil { return true }
        guard case .columns(let columns) = output else { return false }
        return columns.contains { $0.value.hasAggregate }
    }

    /// Whether rows may have nothing there.
    package func isNullable(_ column: TestColumn) -> Bool { sources[column.slot].join == .left || !column.path.isTotal }

    private struct Binding {
        let query: TestQuery
        var aggregates: [QueryAggregate] = []
        var isBehindGroups = false

        mutating func output(_ output: Output) -> QueryOutput {
            switch output {
            case .rows(let slot): .rows(slot: slot)
            case .columns(let columns): .columns(columns.map { QueryColumn($0.name, value($0.value)) })
            }
        }

        func field(_ column: TestColumn) -> Expression {
            .field(
                QueryField(
                    slot: column.slot, path: column.path, type: column.type, isNullable: query.isNullable(column)))
        }

        mutating func value(_ value: TestValue) -> Expression {
            if isBehindGroups, let position = query.groups.firstIndex(of: value) {
                return .key(position, value.type, isNullable: isNullable(value))
            }
            switch value {
            case .column(let column): return field(column)
            case .literal(let literal, let type): return .literal(literal.bsatn(), type)
            case .parameter(let position, let type): return .parameter(position, type)
            case .arithmetic(let arithmetic, let left, let right):
                return .arithmetic(arithmetic, self.value(left), self.value(right))
            case .aggregate(let function, let argument, let isDistinct):
                isBehindGroups = false
                let aggregate = QueryAggregate(
                    function, of: argument.map { self.value($0) }, isDistinct: isDistinct)
                isBehindGroups = true
                let position = aggregates.firstIndex(of: aggregate) ?? aggregates.count
                if position == aggregates.count { aggregates.append(aggregate) }
                return .aggregate(position, value.type, isNullable: isNullable(value))
            }
        }

        private func isNullable(_ value: TestValue) -> Bool {
            switch value {
            case .column(let column): query.isNullable(column)
            case .literal, .parameter, .aggregate(.count, _, _): false
            case .arithmetic(_, let left, let right): isNullable(left) || isNullable(right)
            // Of no rows there is no sum.
            case .aggregate(_, let argument, _):
                query.groups.isEmpty || (argument.map { isNullable($0) || $0.type.optionPayload != nil } ?? false)
            }
        }

        // MARK: Conditions

        /// "Not" is pushed down to the tests, where what is unknown is false with and without it.
        mutating func condition(_ condition: TestCondition, isNegated: Bool = false) -> Expression {
            switch condition {
            case .constant(let holds): return .constant(holds != isNegated)
            case .flag(let column): return .compare(.equal, field(column), .literal([isNegated ? 0 : 1], .bool))
            case .compare(let comparison, let left, let right):
                return .compare(isNegated ? comparison.opposite : comparison, value(left), value(right))
            case .isNull(let operand, let isNotNull):
                let isPresent = Expression.isPresent(value(operand))
                return isNotNull != isNegated ? isPresent : .not(isPresent)
            case .isIn(let operand, let values, let isNotIn):
                let operand = value(operand)
                let list = ValueList(count: values.count, bytes: values.flatMap { $0.bsatn() })
                return test(.isIn(operand, list), of: operand, isNegated: isNotIn != isNegated)
            case .hasPrefix(let column, let prefix, let isNotLike):
                let operand = field(column)
                return test(
                    .hasPrefix(operand, prefix.characters), of: operand, isNegated: isNotLike != isNegated)
            case .between(let operand, let low, let high, let isNotBetween):
                let operand = value(operand)
                let (low, high) = (value(low), value(high))
                return isNotBetween != isNegated
                    ? .or([.compare(.less, operand, low), .compare(.greater, operand, high)])
                    : .and([.compare(.greaterOrEqual, operand, low), .compare(.lessOrEqual, operand, high)])
            case .not(let operand): return self.condition(operand, isNegated: !isNegated)
            case .and(let operands):
                let parts = operands.map { self.condition($0, isNegated: isNegated) }
                return isNegated ? .or(parts) : .and(parts)
            case .or(let operands):
                let parts = operands.map { self.condition($0, isNegated: isNegated) }
                return isNegated ? .and(parts) : .or(parts)
            }
        }

        private func test(_ test: Expression, of operand: Expression, isNegated: Bool) -> Expression {
            if !isNegated { return test }
            return operand.isNullable ? .and([.isPresent(operand), .not(test)]) : .not(test)
        }
    }
}

extension RowPredicate.Comparison {
    /// What holds of two values where this does not.
    package var opposite: RowPredicate.Comparison {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }

    package var symbol: String {
        switch self {
        case .equal: "="
        case .notEqual: "<>"
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }
}
