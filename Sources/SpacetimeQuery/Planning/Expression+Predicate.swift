import SpacetimeEngine
import SpacetimeSATS

extension RowPredicate {
    /// The condition on rows of one table that an expression is; nil if it needs more than fields against values.
    ///
    /// A comparison of an expression never holds of something missing. One of a row predicate does if it is "not equal", or
    /// of two fields that are both missing, so there it is said that there is a value.
    init?(_ expression: Expression, slot: Int) {
        switch expression {
        case .constant(let holds): self = holds ? .all : .none
        case .rows(slot, let predicate): self = predicate
        case .compare(let comparison, let left, let right):
            guard let predicate = Self.comparing(left, comparison, right, slot: slot) else { return nil }
            self = predicate
        case .isPresent(.field(let field)) where field.slot == slot: self = Self.presence(of: field.path)
        case .isIn(.field(let field), let values) where field.slot == slot:
            self.init(.isIn(field.path, values))
        case .hasPrefix(.field(let field), let bytes) where field.slot == slot:
            self.init(.hasPrefix(field.path, bytes))
        case .not(let operand):
            guard let predicate = RowPredicate(operand, slot: slot) else { return nil }
            self = .not(predicate)
        case .and(let operands):
            guard let parts = Self.all(operands, slot: slot) else { return nil }
            self = .and(parts)
        case .or(let operands):
            guard let parts = Self.all(operands, slot: slot) else { return nil }
            self = .or(parts)
        case .field(let field) where field.slot == slot && field.type == .bool:
            // A column that is a condition by itself.
            self.init(.compare(field.path, .equal, [1]))
        default: return nil
        }
    }

    private static func all(_ expressions: [Expression], slot: Int) -> [RowPredicate]? {
        var parts: [RowPredicate] = []
        for expression in expressions {
            guard let part = RowPredicate(expression, slot: slot) else { return nil }
            parts.append(part)
        }
        return parts
    }

    private static func comparing(
        _ left: Expression, _ comparison: Comparison, _ right: Expression, slot: Int
    ) -> RowPredicate? {
        switch (left, right) {
        case (.field(let field), .literal(let value, _)) where field.slot == slot:
            return present(field.path, if: comparison, RowPredicate(.compare(field.path, comparison, value)))
        case (.field(let field), .parameter(let number, _)) where field.slot == slot:
            return present(field.path, if: comparison, RowPredicate(.compareParameter(field.path, comparison, number)))
        case (.literal, .field), (.parameter, .field): return comparing(right, comparison.mirrored, left, slot: slot)
        case (.field(let field), .field(let other)) where field.slot == slot && other.slot == slot:
            let test = RowPredicate(.compareFields(field.path, comparison, other.path))
            return .and([test] + [field.path, other.path].filter { !$0.isTotal }.map(presence))
        default: return nil
        }
    }

    private static func present(_ path: FieldPath, if comparison: Comparison, _ test: RowPredicate) -> RowPredicate {
        comparison == .notEqual && !path.isTotal ? .and(test, presence(of: path)) : test
    }

    private static func presence(of path: FieldPath) -> RowPredicate {
        path.isTotal ? .all : RowPredicate(.isPresent(path))
    }
}

extension Expression {
    /// True if it cannot hold, or be there, of combinations without a row of that table.
    func rejectsMissing(_ slot: Int) -> Bool {
        switch self {
        case .field(let field): field.slot == slot
        case .rows(let table, _): table == slot
        case .arithmetic(_, let left, let right), .compare(_, let left, let right):
            left.rejectsMissing(slot) || right.rejectsMissing(slot)
        case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _): operand.rejectsMissing(slot)
        case .and(let operands): operands.contains { $0.rejectsMissing(slot) }
        case .or(let operands): !operands.isEmpty && operands.allSatisfy { $0.rejectsMissing(slot) }
        case .constant(let holds): !holds
        case .literal, .parameter, .key, .aggregate, .not: false
        }
    }
}

extension BoundQuery {
    /// The conditions of which all must hold, one by one, without those that hold anyway. Nil if one of them never does.
    static func conjuncts(of conditions: [Expression]) -> [Expression]? {
        var open = Array(conditions.reversed())
        var parts: [Expression] = []
        while let next = open.popLast() {
            switch next.simplified {
            case .and(let operands): open += operands.reversed()
            case .constant(true): break
            case .constant(false): return nil
            case let part: parts.append(part)
            }
        }
        return parts
    }
}
