import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

extension LiveStageKind {
    /// What a query does with the rows that meet its conditions, given what these are.
    ///
    /// - Throws: `invalidQuery` if that cannot be kept up to date.
    init(_ query: BoundQuery, _ shape: LiveShape) throws(DatabaseError) {
        if let grouping = query.grouping {
            if !query.order.isEmpty || query.limit != nil || query.offset != nil || query.isDistinct {
                throw Self.refused(
                    "groups are kept up to date without ORDER BY, LIMIT and DISTINCT; sort them where they arrive")
            }
            self = .groups(try Self.groups(query, grouping, shape))
        } else if !query.order.isEmpty || query.limit != nil || query.offset != nil {
            guard shape.source == nil, !query.isDistinct else {
                throw Self.refused(
                    "a window is kept up to date over the rows of one table; leave out the join, or LIMIT")
            }
            var order: [RowOrder.Term] = []
            for term in query.order {
                guard case .field(let field) = term.value else {
                    throw Self.refused("a window is kept up to date in the order of columns, not of what is computed")
                }
                // A window sees the rows as they are returned.
                let column = ColumnID(UInt16(field.path.column.index - shape.hiddenCount))
                order.append(RowOrder.Term(FieldPath(column, field.path.steps), isDescending: term.isDescending))
            }
            // Without a limit the order of what a client gets does not matter, since it gets changes later.
            self =
                query.limit == nil && query.offset == nil
                ? .none
                : .window(
                    WindowStage.Definition(
                        schema: shape.stageSchema, order: order, limit: query.limit, offset: query.offset))
        } else {
            self = query.isDistinct ? .distinct : .none
        }
    }

    private static func refused(_ reason: String) -> DatabaseError { DatabaseError(.invalidQuery, reason) }

    private static func groups(
        _ query: BoundQuery, _ grouping: Grouping, _ shape: LiveShape
    ) throws(DatabaseError) -> GroupStage.Definition {
        let arguments = grouping.aggregates.compactMap(\.argument)
        let paths: [FieldPath]
        if shape.source == nil {
            paths = (grouping.keys + arguments).compactMap {
                if case .field(let field) = $0 { field.path } else { nil }
            }
        } else {
            // What the source makes. A value that may be missing is an option there.
            paths = (grouping.keys + arguments).indices.map { position in
                FieldPath(ColumnID(UInt16(position)))
            }
        }
        var outputs: [AggregateShape.Output] = []
        var input = 0
        for aggregate in grouping.aggregates {
            outputs.append(
                AggregateShape.Output(
                    aggregate.function, of: aggregate.argument == nil ? nil : input, isDistinct: aggregate.isDistinct))
            if aggregate.argument != nil { input += 1 }
        }
        guard case .columns(let list) = query.output else { throw refused("groups have columns and no whole rows") }
        var columns: [Int] = []
        for column in list {
            switch column.value {
            case .key(let position, _, _): columns.append(position)
            case .aggregate(let position, _, _): columns.append(grouping.keys.count + position)
            default:
                throw refused(
                    "the columns of groups that are kept up to date are keys and aggregates; compute '\(column.name)' where it arrives"
                )
            }
        }
        var conditions: [RowPredicate] = []
        for condition in grouping.conditions {
            guard let predicate = condition.onGroups(keyCount: grouping.keys.count) else {
                throw refused("HAVING is kept up to date where it compares keys and aggregates with values")
            }
            conditions.append(predicate)
        }
        return GroupStage.Definition(
            schema: shape.stageSchema, keys: Array(paths.prefix(grouping.keys.count)),
            inputs: Array(paths.dropFirst(grouping.keys.count)), outputs: outputs, columns: columns,
            condition: .and(conditions))
    }
}

extension Expression {
    /// A condition on groups as one on rows of their keys and aggregates; nil if it is not so simple.
    fileprivate func onGroups(keyCount: Int) -> RowPredicate? {
        func path(_ value: Expression) -> FieldPath? {
            switch value {
            case .key(let position, let type, let isNullable):
                Expression.path(position, type, isNullable)
            case .aggregate(let position, let type, let isNullable):
                Expression.path(keyCount + position, type, isNullable)
            default: nil
            }
        }
        switch self {
        case .constant(let holds): return holds ? RowPredicate.all : RowPredicate.none
        case .compare(let comparison, let left, .literal(let value, _)):
            return path(left).map { Self.whereThere([$0], RowPredicate(.compare($0, comparison, value))) }
        case .compare(let comparison, .literal(let value, _), let right):
            return path(right).map { Self.whereThere([$0], RowPredicate(.compare($0, comparison.mirrored, value))) }
        case .compare(let comparison, let left, let right):
            guard let left = path(left), let right = path(right) else { return nil }
            return Self.whereThere([left, right], RowPredicate(.compareFields(left, comparison, right)))
        case .isPresent(let operand): return path(operand).map { RowPredicate(.isPresent($0)) }
        case .isIn(let operand, let list): return path(operand).map { RowPredicate(.isIn($0, list)) }
        case .not(let operand): return operand.onGroups(keyCount: keyCount).map { .not($0) }
        case .and(let operands), .or(let operands):
            var parts: [RowPredicate] = []
            for operand in operands {
                guard let part = operand.onGroups(keyCount: keyCount) else { return nil }
                parts.append(part)
            }
            if case .and = self { return .and(parts) }
            return .or(parts)
        default: return nil
        }
    }

    /// A comparison that does not hold where one of its sides is missing.
    private static func whereThere(_ paths: [FieldPath], _ comparison: RowPredicate) -> RowPredicate {
        .and([comparison] + paths.filter { !$0.isTotal }.map { RowPredicate(.isPresent($0)) })
    }

    /// The column of a result, or what is in it if there may be nothing.
    private static func path(_ column: Int, _ type: AlgebraicType, _ isNullable: Bool) -> FieldPath {
        FieldPath(ColumnID(UInt16(column)), isNullable && type.optionPayload == nil ? [.payload(0)] : [])
    }
}
