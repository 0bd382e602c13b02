import SpacetimeEngine

// Conditions on the rows of one table are tested by a compiled program, and matched to indexes; so what can be said as one is.

extension SQLBinder {
    /// The same conditions, with those that are about the columns of one table alone as one condition for each table, in
    /// front of the others.
    ///
    /// A table that may have no row keeps its conditions as they are: "there is no row" is an answer there, too.
    func rowConditions(_ conditions: [Expression]) -> [Expression] {
        var rows: [Int: [RowPredicate]] = [:]
        var others: [Expression] = []
        for condition in conditions {
            var slot: Int?
            if let predicate = condition.rowPredicate(of: &slot), let slot, !scope.sources[slot].isOuter {
                rows[slot, default: []].append(predicate)
            } else {
                others.append(condition)
            }
        }
        return rows.keys.sorted().map { .rows(slot: $0, .and(rows[$0] ?? [])) } + others
    }
}

extension Expression {
    /// The condition as one on rows of one table. Nil if it is about several, or needs more than fields and values.
    ///
    /// - Parameter slot: the table; nil if none was met yet.
    fileprivate func rowPredicate(of slot: inout Int?) -> RowPredicate? {
        switch self {
        case .compare(let comparison, .field(let field), .literal(let value, _)):
            guard field.isIn(&slot) else { return nil }
            return field.tested(by: .compare(field.path, comparison, value), comparison)
        case .compare(let comparison, .field(let field), .parameter(let number, _)):
            guard field.isIn(&slot) else { return nil }
            return field.tested(by: .compareParameter(field.path, comparison, number), comparison)
        case .compare(let comparison, .field(let field), .field(let other)):
            guard field.isIn(&slot), other.isIn(&slot) else { return nil }
            let predicate = field.tested(by: .compareFields(field.path, comparison, other.path), comparison)
            // In a condition on rows, nothing equals nothing and differs from everything else.
            let isUnsure =
                switch comparison {
                case .equal: !field.path.isTotal && !other.path.isTotal
                case .notEqual: !other.path.isTotal
                case .less, .lessOrEqual, .greater, .greaterOrEqual: false
                }
            return isUnsure ? .and(predicate, RowPredicate(.isPresent(other.path))) : predicate
        case .isPresent(.field(let field)):
            return field.isIn(&slot) ? RowPredicate(.isPresent(field.path)) : nil
        case .isIn(.field(let field), let values):
            return field.isIn(&slot) ? RowPredicate(.isIn(field.path, values)) : nil
        case .hasPrefix(.field(let field), let bytes):
            return field.isIn(&slot) ? RowPredicate(.hasPrefix(field.path, bytes)) : nil
        case .not(let operand): return operand.rowPredicate(of: &slot).map { .not($0) }
        case .and(let operands), .or(let operands):
            var parts: [RowPredicate] = []
            for operand in operands {
                guard let part = operand.rowPredicate(of: &slot) else { return nil }
                parts.append(part)
            }
            if case .and = self { return .and(parts) }
            return .or(parts)
        case .rows(let table, let predicate):
            if slot == nil { slot = table }
            return slot == table ? predicate : nil
        case .field, .literal, .parameter, .key, .aggregate, .arithmetic, .constant, .compare, .isPresent, .isIn,
            .hasPrefix:
            return nil
        }
    }
}

extension QueryField {
    /// Whether it is a field of the one table that is meant.
    fileprivate func isIn(_ slot: inout Int?) -> Bool {
        if slot == nil { slot = self.slot }
        return slot == self.slot
    }

    /// A condition on rows takes what is not there for unequal; in a query nothing holds of it.
    fileprivate func tested(by term: RowPredicate.Term, _ comparison: RowPredicate.Comparison) -> RowPredicate {
        let predicate = RowPredicate(term)
        return comparison == .notEqual && !path.isTotal ? .and(RowPredicate(.isPresent(path)), predicate) : predicate
    }
}
