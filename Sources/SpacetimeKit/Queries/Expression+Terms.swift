import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

extension Expression {
    /// How deep alternatives and negations in a condition on several tables, or on groups, may be nested. What is joined by
    /// one operator is one level.
    private static var depthLimit: Int { 100 }

    /// A condition with operators behind their operands, where it is about more than the rows of one table.
    ///
    /// Such conditions take what is missing for a value that is equal to none but another missing one, as Swift takes nil;
    /// expressions hold of nothing that is missing. So what is asked is said in terms of what is there.
    init(_ terms: ArraySlice<RowPredicate.Term>, _ values: QueryBinder.Values) throws(DatabaseError) {
        var stack: [(condition: Expression, depth: Int)] = []
        for term in terms {
            switch term {
            case .and, .or:
                let right = stack.removeLast()
                let left = stack.removeLast()
                stack.append(Self.joined(left, right, isAnd: term == .and))
            case .not:
                let operand = stack.removeLast()
                stack.append((.not(operand.condition), operand.depth + 1))
            default: stack.append((try Self.test(term, values), 0))
            }
            if let last = stack.last, last.depth > Self.depthLimit {
                throw DatabaseError(
                    .limitReached,
                    "a condition on several tables is nested more than \(Self.depthLimit) levels deep; write it in fewer"
                )
            }
        }
        guard let last = stack.popLast(), stack.isEmpty else {
            throw DatabaseError(.internalInconsistency, "the operators of a condition have too few operands")
        }
        self = last.condition
    }

    private static func joined(
        _ left: (condition: Expression, depth: Int), _ right: (condition: Expression, depth: Int), isAnd: Bool
    ) -> (Expression, Int) {
        switch (left.condition, isAnd) {
        case (.and(let parts), true): return (.and(parts + [right.condition]), max(left.depth, right.depth + 1))
        case (.or(let parts), false): return (.or(parts + [right.condition]), max(left.depth, right.depth + 1))
        default:
            let operands = [left.condition, right.condition]
            return (isAnd ? .and(operands) : .or(operands), max(left.depth, right.depth) + 1)
        }
    }

    private static func test(
        _ term: RowPredicate.Term, _ values: QueryBinder.Values
    ) throws(DatabaseError) -> Expression {
        switch term {
        case .all: return .constant(true)
        case .none: return .constant(false)
        case .compare(let path, let comparison, let bytes):
            let value = try values(path)
            if comparison == .notEqual, value.isNullable {
                return .not(.compare(.equal, value, .literal(bytes, value.type)))
            }
            return .compare(comparison, value, .literal(bytes, value.type))
        case .compareFields(let path, let comparison, let other):
            return compare(try values(path), comparison, try values(other))
        case .isPresent(let path):
            let value = try values(path)
            return value.isNullable ? .isPresent(value) : .constant(true)
        case .hasPrefix(let path, let bytes): return .hasPrefix(try values(path), bytes)
        case .isIn(let path, let list): return .isIn(try values(path), list)
        case .compareParameter, .isInParameter, .and, .or, .not:
            throw DatabaseError(.internalInconsistency, "a typed condition has a term that is none of its own: \(term)")
        }
    }

    private static func compare(
        _ left: Expression, _ comparison: RowPredicate.Comparison, _ right: Expression
    ) -> Expression {
        if comparison == .notEqual, left.isNullable || right.isNullable { return .not(compare(left, .equal, right)) }
        let test = Expression.compare(comparison, left, right)
        guard comparison == .equal, left.isNullable, right.isNullable else { return test }
        return .or([test, .and([.not(.isPresent(left)), .not(.isPresent(right))])])
    }

    /// Without the way from an option to its value.
    var unwrapped: Expression {
        guard case .field(var field) = self, let payload = field.type.optionPayload else { return self }
        field.path.steps.append(.payload(0))
        field.type = payload
        field.isNullable = true
        return .field(field)
    }
}

extension RowPredicate.Term {
    var paths: [FieldPath] {
        switch self {
        case .compare(let path, _, _), .compareParameter(let path, _, _), .isPresent(let path), .hasPrefix(let path, _),
            .isIn(let path, _), .isInParameter(let path, _):
            [path]
        case .compareFields(let path, _, let other): [path, other]
        case .all, .none, .and, .or, .not: []
        }
    }

    func mapPaths(_ body: (FieldPath) -> FieldPath) -> RowPredicate.Term {
        switch self {
        case .compare(let path, let comparison, let value): .compare(body(path), comparison, value)
        case .compareParameter(let path, let comparison, let number): .compareParameter(body(path), comparison, number)
        case .compareFields(let path, let comparison, let other): .compareFields(body(path), comparison, body(other))
        case .isPresent(let path): .isPresent(body(path))
        case .hasPrefix(let path, let bytes): .hasPrefix(body(path), bytes)
        case .isIn(let path, let values): .isIn(body(path), values)
        case .isInParameter(let path, let number): .isInParameter(body(path), number)
        case .all, .none, .and, .or, .not: self
        }
    }
}

extension FieldPath {
    /// The type of what the path leads to; nil if the table has nothing there.
    func type(in schema: TableSchema) -> AlgebraicType? { walk(schema)?.type }

    /// The last name on the way.
    func name(in schema: TableSchema) -> String { walk(schema)?.name ?? "\(self)" }

    private func walk(_ schema: TableSchema) -> (name: String, type: AlgebraicType)? {
        guard schema.columns.indices.contains(column.index) else { return nil }
        var name = schema.columns[column.index].name
        var type = schema.columns[column.index].type
        for step in steps {
            switch (step, type) {
            case (.field(let position), .product(let product)) where product.elements.indices.contains(position):
                name = product.elements[position].name ?? name
                type = product.elements[position].algebraicType
            case (.payload(let tag), .sum(let sum)) where sum.variants.indices.contains(Int(tag)):
                if type.optionPayload == nil { name = sum.variants[Int(tag)].name ?? name }
                type = sum.variants[Int(tag)].algebraicType
            default: return nil
            }
        }
        return (name, type)
    }
}
