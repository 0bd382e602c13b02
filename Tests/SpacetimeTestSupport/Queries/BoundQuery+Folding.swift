package import SpacetimeEngine
import SpacetimeSATS

extension BoundQuery {
    /// The same query with what concerns one table alone written as a condition on its rows, where that is possible: the
    /// other form in which queries say it.
    package func foldingConditions() -> BoundQuery {
        var folded = self
        folded.conditions = conditions.map(fold)
        for slot in tables.indices { folded.tables[slot].outerCondition = tables[slot].outerCondition?.map(fold) }
        return folded
    }

    private func fold(_ condition: Expression) -> Expression {
        var slots: Set<Int> = []
        condition.forEachSlot { slots.insert($0) }
        // "Is missing" is met where an outer join found no row, and there is no row to test.
        guard slots.count == 1, let slot = slots.first, tables[slot].outerCondition == nil,
            let predicate = Self.predicate(condition)
        else { return condition }
        return .rows(slot: slot, predicate)
    }

    private static func predicate(_ condition: Expression) -> RowPredicate? {
        switch condition {
        case .constant(let holds): return holds ? RowPredicate.all : RowPredicate.none
        case .compare(let comparison, .field(let field), .literal(let bytes, _)):
            return present(field, comparison, RowPredicate(.compare(field.path, comparison, bytes)))
        case .compare(let comparison, .field(let field), .parameter(let position, _)):
            return present(field, comparison, RowPredicate(.compareParameter(field.path, comparison, position)))
        case .compare(let comparison, .field(let left), .field(let right)):
            let test = RowPredicate(.compareFields(left.path, comparison, right.path))
            return .and([isPresent(left), isPresent(right), test].compactMap { $0 })
        case .isPresent(.field(let field)): return isPresent(field) ?? .all
        case .isIn(.field(let field), let list): return RowPredicate(.isIn(field.path, list))
        case .hasPrefix(.field(let field), let prefix): return RowPredicate(.hasPrefix(field.path, prefix))
        case .and(let operands):
            let parts = operands.compactMap(predicate)
            return parts.count == operands.count ? .and(parts) : nil
        case .or(let operands):
            let parts = operands.compactMap(predicate)
            return parts.count == operands.count ? .or(parts) : nil
        case .not(.isPresent), .field, .literal, .parameter, .key, .aggregate, .arithmetic, .compare, .isPresent, .isIn,
            .hasPrefix, .rows:
            return nil
        case .not(let operand): return predicate(operand).map { .not($0) }
        }
    }

    private static func isPresent(_ field: QueryField) -> RowPredicate? {
        field.path.isTotal ? nil : RowPredicate(.isPresent(field.path))
    }

    /// In a condition on rows, "not equal" holds of what is missing.
    private static func present(
        _ field: QueryField, _ comparison: RowPredicate.Comparison, _ test: RowPredicate
    ) -> RowPredicate {
        guard comparison == .notEqual, let isPresent = isPresent(field) else { return test }
        return .and(isPresent, test)
    }
}
