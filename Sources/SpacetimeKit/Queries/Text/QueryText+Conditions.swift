import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// A condition in words.
enum Formula: Hashable, CustomStringConvertible {
    case constant(Bool)
    case atom(String)
    /// Conditions that must all hold, or of which one must: none of the same kind, none constant, and at least two.
    indirect case joined([Formula], all: Bool)

    static func joined(_ left: Formula, _ right: Formula, all: Bool) -> Formula {
        var parts: [Formula] = []
        for side in [left, right] {
            switch side {
            case .constant(all): break
            case .constant: return side
            case .joined(let inner, all): parts += inner
            default: parts.append(side)
            }
        }
        return parts.count > 1 ? .joined(parts, all: all) : parts.first ?? .constant(all)
    }

    /// How deep it is nested.
    var depth: Int {
        guard case .joined(let parts, _) = self else { return 0 }
        return 1 + (parts.map(\.depth).max() ?? 0)
    }

    var description: String {
        switch self {
        case .constant(let value): value ? "TRUE" : "FALSE"
        case .atom(let text): text
        case .joined(let parts, let all):
            parts.map { part in
                // AND binds closer than OR.
                if all, case .joined = part { "(\(part))" } else { "\(part)" }
            }.joined(separator: all ? " AND " : " OR ")
        }
    }
}

/// What holds where a condition does, and what where it does not.
///
/// In SQL neither a comparison nor its negation holds of what is missing. Typed conditions know no third outcome, so each is said
/// in two ways from the beginning, and a negation takes the other one.
struct TwoWays {
    var holds: Formula
    var fails: Formula

    init(_ holds: Formula, else fails: Formula) {
        self.holds = holds
        self.fails = fails
    }

    init(_ value: Bool) { self.init(.constant(value), else: .constant(!value)) }

    var negated: TwoWays { TwoWays(fails, else: holds) }

    static func joined(_ left: TwoWays, _ right: TwoWays, all: Bool) -> TwoWays {
        TwoWays(
            .joined(left.holds, right.holds, all: all), else: .joined(left.fails, right.fails, all: !all))
    }
}

extension QueryText {
    /// Servers read conditions that are nested so deep in parentheses, and of so many comparisons.
    private static var depthLimit: Int { 50 }
    private static var termLimit: Int { 10_000 }
    /// A shorter list is said by `OR`, which the original knows.
    private static var alternativeLimit: Int { 16 }

    /// A condition with operators behind their operands.
    func formula(_ terms: ArraySlice<RowPredicate.Term>, _ scope: [Int]) throws(DatabaseError) -> TwoWays {
        guard terms.count <= Self.termLimit else { throw Self.tooLarge("\(terms.count) terms") }
        var stack: [TwoWays] = []
        for term in terms {
            switch term {
            case .and, .or:
                guard stack.count > 1 else { throw Self.lacksOperands }
                let right = stack.removeLast()
                let left = stack.removeLast()
                stack.append(.joined(left, right, all: term == .and))
            case .not:
                guard let last = stack.popLast() else { throw Self.lacksOperands }
                stack.append(last.negated)
            default: stack.append(try test(term, scope))
            }
            // Looked at from time to time only: it costs a walk over the condition.
            if stack.count == 1, let last = stack.last, max(last.holds.depth, last.fails.depth) > Self.depthLimit {
                throw Self.tooLarge("more than \(Self.depthLimit) levels of alternatives in each other")
            }
        }
        guard let last = stack.popLast(), stack.isEmpty else { throw Self.lacksOperands }
        return last
    }

    private static var lacksOperands: DatabaseError {
        DatabaseError(.internalInconsistency, "the operators of a condition have too few operands")
    }

    private static func tooLarge(_ what: String) -> DatabaseError {
        DatabaseError(.limitReached, "a condition has \(what), which is more than servers read; ask in several queries")
    }

    private func test(_ term: RowPredicate.Term, _ scope: [Int]) throws(DatabaseError) -> TwoWays {
        switch term {
        case .all: return TwoWays(true)
        case .none: return TwoWays(false)
        case .compare(let path, let comparison, let bytes):
            let operand = try operand(path, scope)
            guard operand.isOption else {
                return try Self.compare(operand, comparison, try Self.value(bytes, operand.type))
            }
            return try Self.compare(option: operand, comparison, try Self.value(bytes, .option(operand.type)))
        case .compareFields(let left, let comparison, let right):
            return try Self.compare(try operand(left, scope), comparison, try operand(right, scope))
        case .isPresent(let path): return try presence(path, scope)
        case .hasPrefix(let path, let bytes):
            return Self.prefix(String(decoding: bytes, as: UTF8.self), of: try operand(path, scope))
        case .isIn(let path, let list): return try Self.isIn(try operand(path, scope), list)
        case .compareParameter(let path, let comparison, _) where isRule:
            let isSender = Self.basic(try operand(path, scope), .equal, ":sender")
            return comparison == .notEqual ? isSender.negated : isSender
        case .compareParameter: throw RuleSender.unknown
        case .isInParameter, .and, .or, .not:
            throw DatabaseError(.internalInconsistency, "a typed condition has a term that is none of its own: \(term)")
        }
    }

    // MARK: Presence

    /// Whether a path leads to something, which is decided where it last goes into an option or a case.
    private func presence(_ path: FieldPath, _ scope: [Int]) throws(DatabaseError) -> TwoWays {
        var steps = path.steps
        while case .field? = steps.last { steps.removeLast() }
        guard let last = steps.popLast() else { return TwoWays(true) }
        let outside = try place(FieldPath(path.column, steps), scope)
        var inside = outside
        try Self.descend(last, &inside)
        // The name of a case whose payload is an option means what that wraps.
        if inside.type.optionPayload != nil { throw Self.nested(inside) }
        return Self.isPresent(inside)
    }

    static func isPresent(_ operand: Operand) -> TwoWays {
        TwoWays(.atom("\(operand.text) IS NOT NULL"), else: .atom("\(operand.text) IS NULL"))
    }

    /// What else holds where a comparison would have to fail: the value is missing.
    private static func orMissing(_ formula: Formula, _ operands: Operand...) -> Formula {
        operands.reduce(formula) { formula, operand in
            guard operand.isNullable || operand.isOption else { return formula }
            return .joined(formula, .atom("\(operand.text) IS NULL"), all: false)
        }
    }

    // MARK: Values

    static func value(_ bytes: [UInt8], _ type: AlgebraicType) throws(DatabaseError) -> AlgebraicValue {
        do throws(BSATNError) { return try AlgebraicValue(bsatn: bytes, type: type) } catch {
            throw DatabaseError(
                .internalInconsistency, "a value of a condition is of another type: \(error)", cause: error)
        }
    }

    /// A stored option against an option.
    private static func compare(
        option operand: Operand, _ comparison: RowPredicate.Comparison, _ value: AlgebraicValue
    ) throws(DatabaseError) -> TwoWays {
        guard case .sum(let tag, let payload) = value, comparison == .equal || comparison == .notEqual else {
            throw unsayable("an option is compared as a whole by == and != only")
        }
        var inner = operand
        inner.isOption = false
        inner.isNullable = true
        let equals = tag == 0 ? try compare(inner, .equal, payload) : isPresent(inner).negated
        return comparison == .equal ? equals : equals.negated
    }

    /// A value against a literal.
    static func compare(
        _ operand: Operand, _ comparison: RowPredicate.Comparison, _ value: AlgebraicValue
    ) throws(DatabaseError) -> TwoWays {
        if comparison == .notEqual { return try compare(operand, .equal, value).negated }
        let type = operand.type
        if let isNaN = value.isNaN {
            return isNaN ? compareNaN(operand, comparison) : basic(operand, comparison, try literal(value, type))
        }
        if isComparable(type) { return basic(operand, comparison, try literal(value, type)) }
        if type.isSimpleEnum, case .sum(let tag, _) = value { return cases(operand, comparison, tag) }
        guard comparison == .equal else { throw unsayable("values of type \(type) have no order") }
        switch (type, value) {
        case (.product(let product), .product(let values)):
            var all = operand.isNullable ? isPresent(operand) : TwoWays(true)
            if !product.elements.isEmpty { all = TwoWays(true) }
            for (position, element) in values.enumerated() {
                var field = operand
                try descend(.field(position), &field)
                all = .joined(all, try equals(field, element), all: true)
            }
            return all
        case (.sum(let sum), .sum(let tag, let payload)):
            var inside = operand
            try descend(.payload(tag), &inside)
            if sum.variants[Int(tag)].algebraicType.isUnit { return isPresent(inside) }
            return try equals(inside, payload)
        default: throw unsayable("a value of type \(type) has no literal")
        }
    }

    /// A field or a payload against a value, which may be an option.
    private static func equals(_ operand: Operand, _ value: AlgebraicValue) throws(DatabaseError) -> TwoWays {
        guard let payload = operand.type.optionPayload else { return try compare(operand, .equal, value) }
        if operand.isNullable || payload.optionPayload != nil { throw nested(operand) }
        var option = operand
        option.type = payload
        option.isOption = true
        return try compare(option: option, .equal, value)
    }

    private static func basic(
        _ operand: Operand, _ comparison: RowPredicate.Comparison, _ literal: String
    ) -> TwoWays {
        TwoWays(
            .atom("\(operand.text) \(comparison.sql) \(literal)"),
            else: orMissing(.atom("\(operand.text) \(comparison.inverse.sql) \(literal)"), operand))
    }

    /// There is no literal for what is no number. All of them are equal, and behind everything else: also behind infinity, which is
    /// what a literal is that is too large.
    private static func compareNaN(_ operand: Operand, _ comparison: RowPredicate.Comparison) -> TwoWays {
        switch comparison {
        case .equal, .greaterOrEqual: basic(operand, .greater, infinity)
        case .notEqual, .less: basic(operand, .lessOrEqual, infinity)
        case .lessOrEqual: operand.isNullable ? isPresent(operand) : TwoWays(true)
        case .greater: TwoWays(false)
        }
    }

    /// Cases of an enum have an order in conditions, and none in SQL.
    private static func cases(
        _ operand: Operand, _ comparison: RowPredicate.Comparison, _ tag: UInt8
    ) -> TwoWays {
        let variants = operand.type.sumType?.variants ?? []
        let tags = variants.indices.filter { comparison.holds($0, Int(tag)) }
        let names = tags.map { text(variants[$0].name ?? "") }
        return oneOf(operand, names)
    }

    // MARK: Lists

    private static func isIn(_ operand: Operand, _ list: ValueList) throws(DatabaseError) -> TwoWays {
        let type = operand.isOption ? AlgebraicType.option(operand.type) : operand.type
        var values: [AlgebraicValue] = []
        do throws(BSATNError) {
            var reader = BSATNReader(list.bytes.span.bytes)
            for _ in 0..<list.count { values.append(try AlgebraicValue(from: &reader, type: type)) }
        } catch {
            throw DatabaseError(
                .internalInconsistency, "a list of a condition is of another type: \(error)", cause: error)
        }
        guard isComparable(type), !values.contains(where: { $0.isNaN == true }) else {
            var any = TwoWays(false)
            for value in values {
                let equals =
                    operand.isOption
                    ? try compare(option: operand, .equal, value) : try compare(operand, .equal, value)
                any = .joined(any, equals, all: false)
            }
            return any
        }
        var literals: [String] = []
        for value in values { literals.append(try literal(value, type)) }
        return oneOf(operand, literals)
    }

    private static func oneOf(_ operand: Operand, _ literals: [String]) -> TwoWays {
        guard literals.count <= alternativeLimit else {
            let list = "(\(literals.joined(separator: ", ")))"
            return TwoWays(
                .atom("\(operand.text) IN \(list)"), else: orMissing(.atom("\(operand.text) NOT IN \(list)"), operand))
        }
        return literals.reduce(TwoWays(false)) { .joined($0, basic(operand, .equal, $1), all: false) }
    }

    // MARK: Texts

    private static func prefix(_ prefix: String, of operand: Operand) -> TwoWays {
        var pattern = ""
        for scalar in prefix.unicodeScalars {
            if scalar == "\\" || scalar == "%" || scalar == "_" { pattern.unicodeScalars.append("\\") }
            pattern.unicodeScalars.append(scalar)
        }
        let literal = text(pattern + "%")
        var inner = operand
        inner.isNullable = operand.isNullable || operand.isOption
        return TwoWays(
            .atom("\(operand.text) LIKE \(literal)"),
            else: orMissing(.atom("\(operand.text) NOT LIKE \(literal)"), inner))
    }

    // MARK: Two places

    private static func compare(
        _ left: Operand, _ comparison: RowPredicate.Comparison, _ right: Operand
    ) throws(DatabaseError) -> TwoWays {
        if comparison == .notEqual { return try compare(left, .equal, right).negated }
        let isSimple = isComparable(left.type) || comparison == .equal && left.type.isSimpleEnum
        guard isSimple else {
            guard case .product(let product) = left.type, comparison == .equal,
                !left.isNullable, !right.isNullable, !left.isOption, !right.isOption
            else { throw unsayable("two columns of type \(left.type) are compared") }
            var all = TwoWays(true)
            for position in product.elements.indices {
                var fields = (left, right)
                try descend(.field(position), &fields.0)
                try descend(.field(position), &fields.1)
                for option in [fields.0, fields.1] where option.type.optionPayload != nil { throw nested(option) }
                all = .joined(all, try compare(fields.0, .equal, fields.1), all: true)
            }
            return all
        }
        let holds = Formula.atom("\(left.text) \(comparison.sql) \(right.text)")
        let fails = Formula.atom("\(left.text) \(comparison.inverse.sql) \(right.text)")
        let mayLack = (left.isNullable || left.isOption, right.isNullable || right.isOption)
        guard comparison == .equal, mayLack.0, mayLack.1 else {
            return TwoWays(holds, else: orMissing(fails, left, right))
        }
        // Two that are both missing are equal.
        let (one, other) = (isPresent(left), isPresent(right))
        return TwoWays(
            .joined(holds, .joined(one.fails, other.fails, all: true), all: false),
            else: .joined(
                fails,
                .joined(
                    .joined(one.fails, other.holds, all: true), .joined(one.holds, other.fails, all: true), all: false),
                all: false))
    }
}

extension RowPredicate.Comparison {
    fileprivate var sql: String {
        switch self {
        case .equal: "="
        case .notEqual: "<>"
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }

    fileprivate func holds(_ left: Int, _ right: Int) -> Bool {
        switch self {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
