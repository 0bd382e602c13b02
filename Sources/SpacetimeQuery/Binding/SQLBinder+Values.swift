import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

extension SQLBinder {
    /// Binds something that has a value.
    ///
    /// - Parameter expected: the type that it must have; nil if it may have any, which literals and most parameters cannot
    ///   tell by themselves.
    mutating func value(_ value: SQLExpression, as expected: AlgebraicType? = nil) throws(SQLError) -> Expression {
        if grouping != nil, let key = try key(value) { return try checked(key, expected, value) }
        switch value.kind {
        case .name(let parts):
            var field = try field(parts)
            if grouping != nil {
                throw error(
                    .name, "\(quoted(value.range)) must stand in GROUP BY, or inside of an aggregate", value.range)
            }
            unwrap(&field)
            return try checked(.field(field), expected, value)
        case .literal(let literal): return try self.literal(literal, expected, value.range)
        case .parameter(let name): return try parameter(named: name, expected, value.range)
        case .arithmetic(let sign, let left, let right):
            return try checked(try arithmetic(sign, left, right, value.range), expected, value)
        case .aggregate(let function, let argument, let isDistinct):
            let result = try aggregate(function, argument, isDistinct, value.range)
            return try checked(result, expected, value)
        case .not, .and, .or, .compare, .isNull, .isIn, .between, .like:
            return try checked(try condition(value), expected, value)
        }
    }

    private func checked(
        _ value: Expression, _ expected: AlgebraicType?, _ source: SQLExpression
    ) throws(SQLError) -> Expression {
        guard let expected, expected != value.type else { return value }
        throw mismatch(expected, value.type, source.range)
    }

    func mismatch(_ expected: AlgebraicType, _ found: AlgebraicType, _ range: SourceRange) -> SQLError {
        error(
            .type, "expected type \(expected.swiftText), but \(quoted(range)) is of type \(found.swiftText)", range)
    }

    // MARK: Literals

    private mutating func literal(
        _ literal: SQLLiteral, _ expected: AlgebraicType?, _ range: SourceRange
    ) throws(SQLError) -> Expression {
        if literal == .null, !isStrict { throw nullComparison(range) }
        guard let type = expected ?? naturalType(of: literal) else {
            throw error(
                .type, "the type of the literal \(quoted(range)) cannot be told; compare it with a column", range)
        }
        guard let value = literal.value(as: type, isStrict: isStrict) else {
            throw noValue(literal, of: type, range)
        }
        if expected != nil, let position = liftedPosition(range) { return parameter(nil, literal: position, type) }
        return .literal(value.bsatn(), type)
    }

    /// The error for a literal that is no value of a type, with how one is written.
    func noValue(_ literal: SQLLiteral, of type: AlgebraicType, _ range: SourceRange) -> SQLError {
        if literal == .null, !isStrict { return nullComparison(range) }
        let hint = type.literalForm.map { "; \($0)" } ?? ""
        return error(.type, "the literal \(quoted(range)) cannot be read as type \(type.swiftText)\(hint)", range)
    }

    private func nullComparison(_ range: SourceRange) -> SQLError {
        unsupported("NULL as a value, which nothing equals; there are IS NULL and IS NOT NULL", range)
    }

    /// The type that a literal has where nothing else says it. A number with a point or an exponent is none of the integers,
    /// though it may stand for one: `1.0 / 2` is a half.
    private func naturalType(of literal: SQLLiteral) -> AlgebraicType? {
        if case .bool = literal { return .bool }
        guard language.has(.constants) else { return nil }
        switch literal {
        case .number where literal.isFraction: return .f64
        case .number: return [.i64, .i128, .u256, .i256].first { literal.value(as: $0) != nil } ?? .f64
        case .string: return .string
        case .hex: return .bytes
        case .bool, .null: return nil
        }
    }

    /// True for what takes the type of what it stands beside.
    func isUntyped(_ value: SQLExpression) -> Bool {
        switch value.kind {
        case .literal(.bool): false
        case .literal, .parameter: true
        case .arithmetic(_, let left, let right): isUntyped(left) && isUntyped(right)
        default: false
        }
    }

    private mutating func parameter(
        named name: String, _ expected: AlgebraicType?, _ range: SourceRange
    ) throws(SQLError) -> Expression {
        guard name == "sender" else {
            try require(.parameters, "the parameter ':\(name)'; there is :sender", range)
            guard let expected else {
                throw error(
                    .type, "the type of the parameter ':\(name)' cannot be told; compare it with a column", range)
            }
            return parameter(name, expected)
        }
        let type = expected ?? .identity
        // A caller is an identity, its 32 bytes, or the number that they are.
        let plain = isStrict ? type.optionPayload ?? type : type
        guard plain.isIdentity || plain == .bytes || plain == .u256 else { throw mismatch(type, .identity, range) }
        return parameter(name, type)
    }

    // MARK: Arithmetic

    /// Two values of one type: one that says its type says that of the other.
    mutating func sides(
        _ left: SQLExpression, _ right: SQLExpression
    ) throws(SQLError) -> (Expression, Expression) {
        // Of two literals one with a point says more.
        if isUntyped(left), !(left.isFraction && isUntyped(right)) {
            let second = try value(right)
            return (try value(left, as: second.type), second)
        }
        let first = try value(left)
        return (first, try value(right, as: first.type))
    }

    private mutating func arithmetic(
        _ sign: SQLArithmetic, _ left: SQLExpression, _ right: SQLExpression, _ range: SourceRange
    ) throws(SQLError) -> Expression {
        try require(.conditions, "the operator '\(sign.rawValue)'", range)
        let (first, second) = try sides(left, right)
        guard first.type.isNumeric else {
            throw error(
                .type,
                "the operator '\(sign.rawValue)' is for numbers, and \(quoted(left.range)) is of type"
                    + " \(first.type.swiftText)", range)
        }
        return .arithmetic(sign.operation, first, second)
    }

    // MARK: Groups

    /// What the rows are grouped by, if that is what is written.
    private mutating func key(_ value: SQLExpression) throws(SQLError) -> Expression? {
        guard let keys = grouping?.keys else { return nil }
        let bound: Expression
        switch value.kind {
        case .name(let parts):
            var field = try field(parts)
            unwrap(&field)
            bound = .field(field)
        case .arithmetic where keys.contains(where: \.isArithmetic) && !value.hasAggregate:
            bound = try ungrouped { (binder) throws(SQLError) in try binder.value(value) }
        default: return nil
        }
        guard let position = keys.firstIndex(of: bound) else { return nil }
        return .key(position, bound.type, isNullable: bound.isNullable)
    }

    /// Binds something that is computed from rows, before they are grouped.
    private mutating func ungrouped(
        _ body: (inout SQLBinder) throws(SQLError) -> Expression
    ) throws(SQLError) -> Expression {
        let outer = grouping
        grouping = nil
        defer { grouping = outer }
        return try body(&self)
    }

    private mutating func aggregate(
        _ function: SQLAggregate, _ argument: SQLExpression?, _ isDistinct: Bool, _ range: SourceRange
    ) throws(SQLError) -> Expression {
        guard grouping != nil else {
            throw unsupported(
                "\(function.rawValue) inside of a condition on rows or of another aggregate; HAVING is for groups",
                range)
        }
        let isPlainCount = function == .count && argument == nil
        if !language.has(.aggregates), !isPlainCount || !language.has(.counts) {
            throw unsupported("the aggregate \(quoted(range))", range)
        }
        var bound: Expression?
        if let argument {
            bound = try ungrouped { (binder) throws(SQLError) in try binder.value(argument) }
        }
        let needsOrder = function == .min || function == .max || isDistinct
        guard
            let result = function.operation.result(
                of: bound?.type, isNullable: bound?.isNullable ?? false, isGrouped: grouping?.keys.isEmpty == false),
            bound.map({ !needsOrder || isComparable($0.type) }) != false
        else {
            let type = bound.map { " of type \($0.type.swiftText)" } ?? ""
            throw error(.type, "\(function.rawValue) is not for values\(type)", argument?.range ?? range)
        }
        let aggregate = QueryAggregate(function.operation, of: bound, isDistinct: isDistinct)
        let known = grouping?.aggregates.firstIndex(of: aggregate)
        let position = known ?? grouping?.aggregates.count ?? 0
        if known == nil { grouping?.aggregates.append(aggregate) }
        return .aggregate(position, result.type, isNullable: result.isNullable)
    }
}

extension SQLExpression {
    /// True for numbers with a point or an exponent, and what is computed with one.
    fileprivate var isFraction: Bool {
        switch kind {
        case .literal(let literal): literal.isFraction
        case .arithmetic(_, let left, let right): left.isFraction || right.isFraction
        default: false
        }
    }

    /// True if a result of a group is somewhere inside.
    var hasAggregate: Bool {
        switch kind {
        case .aggregate: true
        case .name, .literal, .parameter: false
        case .not(let operand), .isNull(let operand, _): operand.hasAggregate
        case .and(let operands), .or(let operands): operands.contains(where: \.hasAggregate)
        case .compare(_, let left, let right), .arithmetic(_, let left, let right), .like(let left, let right, _):
            left.hasAggregate || right.hasAggregate
        case .isIn(let operand, let values, _): operand.hasAggregate || values.contains(where: \.hasAggregate)
        case .between(let operand, let low, let high, _):
            operand.hasAggregate || low.hasAggregate || high.hasAggregate
        }
    }
}

extension Expression {
    fileprivate var isArithmetic: Bool { if case .arithmetic = self { true } else { false } }
}

extension SQLArithmetic {
    fileprivate var operation: Expression.Arithmetic {
        switch self {
        case .add: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .divide: .divide
        case .remainder: .remainder
        }
    }
}

extension SQLAggregate {
    fileprivate var operation: QueryAggregate.Function {
        switch self {
        case .count: .count
        case .sum: .sum
        case .min: .min
        case .max: .max
        case .average: .average
        }
    }
}
