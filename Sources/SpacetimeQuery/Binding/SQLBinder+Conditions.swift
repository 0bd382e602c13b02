import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

extension SQLBinder {
    /// Binds something that holds or does not.
    ///
    /// - Parameter isNegated: what is wanted holds where the condition is false. (Where a value is missing it is neither true
    ///   nor false, so neither of the two holds.)
    mutating func condition(_ condition: SQLExpression, isNegated: Bool = false) throws(SQLError) -> Expression {
        switch condition.kind {
        case .literal(.bool(let value)): return .constant(value != isNegated)
        case .name, .parameter, .aggregate:
            let value = try value(condition, as: .bool)
            return .compare(.equal, value, .literal([isNegated ? 0 : 1], .bool))
        case .literal, .arithmetic:
            // There is no number, text or hexadecimal value that is a truth value: this throws.
            return try value(condition, as: .bool)
        case .not(let operand):
            try require(.conditions, "NOT; turn the comparison round", condition.range)
            return try self.condition(operand, isNegated: !isNegated)
        case .and(let operands), .or(let operands):
            var parts: [Expression] = []
            for operand in operands { parts.append(try self.condition(operand, isNegated: isNegated)) }
            if case .and = condition.kind { return .joined(parts, all: !isNegated) }
            return .joined(parts, all: isNegated)
        case .compare(let comparison, let left, let right):
            return try compare(comparison, left, right, isNegated, condition.range)
        case .isNull(let operand, let isNotNull):
            try require(.conditions, "IS NULL", condition.range)
            let value = try value(operand)
            let isPresence = isNotNull != isNegated
            if !value.isNullable { return .constant(isPresence) }
            return isPresence ? .isPresent(value) : .not(.isPresent(value))
        case .isIn(let operand, let values, let isNotIn):
            try require(.conditions, "IN; write the values with OR", condition.range)
            return try isIn(operand, values, isNegated: isNotIn != isNegated, condition.range)
        case .between(let operand, let low, let high, let isNotBetween):
            try require(.conditions, "BETWEEN; write two comparisons", condition.range)
            let isNegated = isNotBetween != isNegated
            let parts = [
                try compare(.greaterOrEqual, operand, low, isNegated, condition.range),
                try compare(.lessOrEqual, operand, high, isNegated, condition.range),
            ]
            return .joined(parts, all: !isNegated)
        case .like(let operand, let pattern, let isNotLike):
            try require(.conditions, "LIKE", condition.range)
            return try like(operand, pattern, isNegated: isNotLike != isNegated)
        }
    }

    // MARK: Comparisons

    private mutating func compare(
        _ comparison: SQLComparison, _ left: SQLExpression, _ right: SQLExpression, _ isNegated: Bool,
        _ range: SourceRange
    ) throws(SQLError) -> Expression {
        // `flag = TRUE` is `flag`: so it is whatever stands there, also a comparison.
        if comparison == .equal || comparison == .notEqual {
            for (one, other) in [(right, left), (left, right)] {
                guard case .literal(.bool(let value)) = one.kind else { continue }
                return try condition(other, isNegated: isNegated != (value != (comparison == .equal)))
            }
        }
        var (first, second) = try sides(left, right)
        guard isComparable(first.type) else {
            throw error(
                .type,
                "the operator '\(comparison.rawValue)' is not for values of type \(first.type.swiftText)"
                    + (first.type.partsHint.map { "; \($0)" } ?? ""), range)
        }
        guard comparison == .equal || comparison == .notEqual || hasOrder(first.type) else {
            throw error(
                .type,
                "the operator '\(comparison.rawValue)' is not for cases of an enum, which are the same or not: compare"
                    + " values of type \(first.type.swiftText) by =, <> and IN", range)
        }
        var operation = isNegated ? comparison.operation.inverse : comparison.operation
        if first.isConstant, !second.isConstant {
            (first, second) = (second, first)
            operation = operation.mirrored
        }
        return .compare(operation, first, second)
    }

    /// Whether values of a type can be compared at all.
    func isComparable(_ type: AlgebraicType) -> Bool {
        switch type {
        case .bool, .string, .bytes: return true
        case _ where type.isNumeric: return true
        default: break
        }
        if type.isIdentity || type.isConnectionId || type.isTimestamp || type.isUuid { return true }
        return language.has(.conditions) && (type.isTimeDuration || type.isSimpleEnum)
    }

    /// Whether one value of a type is less than another. Cases of an enum are only the same or not.
    func hasOrder(_ type: AlgebraicType) -> Bool { isComparable(type) && !type.isSimpleEnum }

    // MARK: Lists

    private mutating func isIn(
        _ operand: SQLExpression, _ values: [SQLExpression], isNegated: Bool, _ range: SourceRange
    ) throws(SQLError) -> Expression {
        var literals: [SQLLiteral] = []
        for value in values { if case .literal(let literal) = value.kind { literals.append(literal) } }
        guard literals.count == values.count, !isUntyped(operand), values.count > 1 else {
            var parts: [Expression] = []
            for value in values { parts.append(try compare(.equal, operand, value, isNegated, value.range)) }
            return .joined(parts, all: isNegated)
        }
        let value = try self.value(operand)
        guard isComparable(value.type) else {
            throw error(.type, "IN is not for values of type \(value.type.swiftText)", range)
        }
        var known: Set<AlgebraicValue> = []
        var list = ValueList(count: 0, bytes: [])
        for (literal, source) in zip(literals, values) {
            guard literal != .null, let element = literal.value(as: value.type) else {
                throw noValue(literal, of: value.type, source.range)
            }
            guard known.insert(element).inserted else { continue }
            list.count += 1
            list.bytes += element.bsatn()
        }
        let test = Expression.isIn(value, list)
        return isNegated ? .negated(test, of: value) : test
    }

    // MARK: Patterns

    private mutating func like(
        _ operand: SQLExpression, _ pattern: SQLExpression, isNegated: Bool
    ) throws(SQLError) -> Expression {
        let value = try value(operand, as: .string)
        guard case .literal(.string(let text)) = pattern.kind else {
            throw unsupported("LIKE with anything but a text in quotes", pattern.range)
        }
        let (prefix, isOpen) = try prefix(of: text, pattern.range)
        let bytes = Array(prefix.utf8)
        if !isOpen {
            return .compare(isNegated ? .notEqual : .equal, value, .literal(prefix.bsatn(), .string))
        }
        if bytes.isEmpty {
            // Every text begins with nothing.
            if isNegated { return .constant(false) }
            return value.isNullable ? .isPresent(value) : .constant(true)
        }
        let test = Expression.hasPrefix(value, bytes)
        return isNegated ? .negated(test, of: value) : test
    }

    /// The text that a pattern demands at the beginning, and whether anything may follow.
    private func prefix(
        of pattern: String, _ range: SourceRange
    ) throws(SQLError) -> (text: String, isOpen: Bool) {
        var text = String.UnicodeScalarView()
        var rest = pattern.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "%" where rest.allSatisfy { $0 == "%" }: return (String(text), true)
            case "%", "_":
                throw unsupported(
                    "a pattern with '\(scalar)' before its end; LIKE looks for beginnings, as in 'abc%', and \\_ and \\%"
                        + " are the characters themselves", range)
            case "\\":
                guard let escaped = rest.popFirst() else {
                    throw error(.type, "the pattern ends with a backslash; write two for one", range)
                }
                text.append(escaped)
            default: text.append(scalar)
            }
        }
        return (String(text), false)
    }
}

extension Expression {
    /// Conditions that must all hold, or of which one must, without constants among them.
    static func joined(_ parts: [Expression], all: Bool) -> Expression {
        var operands: [Expression] = []
        for part in parts {
            switch part {
            case .constant(let value):
                if value != all { return .constant(value) }
            case .and(let inner) where all: operands += inner
            case .or(let inner) where !all: operands += inner
            default: operands.append(part)
            }
        }
        switch operands.count {
        case 0: return .constant(all)
        case 1: return operands[0]
        default: return all ? .and(operands) : .or(operands)
        }
    }

    /// A test does not hold although there is a value.
    static func negated(_ test: Expression, of value: Expression) -> Expression {
        value.isNullable ? .and([.isPresent(value), .not(test)]) : .not(test)
    }

    /// True for what is the same for all rows.
    var isConstant: Bool {
        switch self {
        case .literal, .parameter, .constant: true
        default: false
        }
    }
}

extension SQLComparison {
    var operation: RowPredicate.Comparison {
        switch self {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        }
    }
}
