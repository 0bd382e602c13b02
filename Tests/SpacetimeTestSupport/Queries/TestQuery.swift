package import SpacetimeEngine
package import SpacetimeSATS

/// A query as somebody writes it in SQL, for tests: with the truth values of SQL, where "not" of what is unknown is unknown.
///
/// It has three forms: what a binder must make of it (``bound(_:)``), text of our dialect (``sql(_:)``), and text for SQLite,
/// which the target that links it adds.
package struct TestQuery: Sendable {
    package enum Join: Sendable { case first, inner, left, cross }

    package struct Source: Sendable {
        /// Position in the schema.
        package var table: Int
        package var alias: String
        package var join: Join
        package var on: [TestCondition]

        package init(_ table: Int, as alias: String, _ join: Join = .first, on: [TestCondition] = []) {
            self.table = table
            self.alias = alias
            self.join = join
            self.on = on
        }
    }

    package enum Output: Sendable {
        case rows(slot: Int)
        case columns([(name: String, value: TestValue)])
    }

    package struct Parameter: Sendable {
        package var name: String
        package var type: AlgebraicType
        package var value: AlgebraicValue

        package init(_ name: String, _ type: AlgebraicType, _ value: AlgebraicValue) {
            self.name = name
            self.type = type
            self.value = value
        }
    }

    package var sources: [Source]
    package var conditions: [TestCondition] = []
    package var groups: [TestValue] = []
    package var having: TestCondition?
    package var output: Output
    package var isDistinct = false
    package var order: [(value: TestValue, isDescending: Bool)] = []
    package var limit: UInt64?
    package var offset: UInt64?
    package var parameters: [Parameter] = []

    package init(_ sources: [Source], _ output: Output = .rows(slot: 0)) {
        self.sources = sources
        self.output = output
    }

    /// Whether rows come in an order that leaves nothing open, so that results can be compared in it.
    package var isOrdered = false
}

extension TestQuery {
    /// The same query with other literals: the same kind of query.
    package func replacingLiterals(_ replace: (AlgebraicValue, AlgebraicType) -> AlgebraicValue) -> TestQuery {
        var query = self
        query.conditions = conditions.map { $0.replacingLiterals(replace) }
        query.having = having?.replacingLiterals(replace)
        for slot in sources.indices {
            query.sources[slot].on = sources[slot].on.map { $0.replacingLiterals(replace) }
        }
        return query
    }
}

package struct TestColumn: Hashable, Sendable {
    package var slot: Int
    package var path: FieldPath
    package var type: AlgebraicType

    package init(_ slot: Int, _ path: FieldPath, _ type: AlgebraicType) {
        self.slot = slot
        self.path = path
        self.type = type
    }
}

package indirect enum TestValue: Hashable, Sendable {
    case column(TestColumn)
    case literal(AlgebraicValue, AlgebraicType)
    case parameter(Int, AlgebraicType)
    case arithmetic(Expression.Arithmetic, TestValue, TestValue)
    case aggregate(QueryAggregate.Function, TestValue?, isDistinct: Bool)

    package var type: AlgebraicType {
        switch self {
        case .column(let column): column.type
        case .literal(_, let type), .parameter(_, let type): type
        case .arithmetic(_, let left, _): left.type
        case .aggregate(let function, let argument, _): Self.type(of: function, argument?.type)
        }
    }

    package var hasAggregate: Bool {
        switch self {
        case .aggregate: true
        case .arithmetic(_, let left, let right): left.hasAggregate || right.hasAggregate
        case .column, .literal, .parameter: false
        }
    }
}

package indirect enum TestCondition: Sendable {
    case constant(Bool)
    /// A column of truth values, by itself.
    case flag(TestColumn)
    case compare(RowPredicate.Comparison, TestValue, TestValue)
    case isNull(TestValue, isNegated: Bool)
    case isIn(TestValue, [AlgebraicValue], isNegated: Bool)
    case between(TestValue, TestValue, TestValue, isNegated: Bool)
    /// `LIKE 'prefix%'`
    case hasPrefix(TestColumn, AlgebraicValue, isNegated: Bool)
    case not(TestCondition)
    case and([TestCondition])
    case or([TestCondition])
}

extension TestValue {
    /// Counts are `u64` and averages `f64`; sums of integers are so wide that they always fit, up to 256 bits, and sums of
    /// floats are `f64`. Of an option it is the value that counts.
    static func type(of function: QueryAggregate.Function, _ argument: AlgebraicType?) -> AlgebraicType {
        let argument = argument.map { $0.optionPayload ?? $0 } ?? .u64
        switch (function, argument) {
        case (.count, _): return .u64
        case (.average, _), (.sum, .f32), (.sum, .f64): return .f64
        case (.min, _), (.max, _): return argument
        case (.sum, .u8), (.sum, .u16), (.sum, .u32), (.sum, .u64): return .u128
        case (.sum, .i8), (.sum, .i16), (.sum, .i32), (.sum, .i64): return .i128
        case (.sum, .u128), (.sum, .u256): return .u256
        default: return .i256
        }
    }
}

extension TestValue {
    fileprivate func replacingLiterals(_ replace: (AlgebraicValue, AlgebraicType) -> AlgebraicValue) -> TestValue {
        switch self {
        case .literal(let value, let type): .literal(replace(value, type), type)
        case .arithmetic(let arithmetic, let left, let right):
            .arithmetic(arithmetic, left.replacingLiterals(replace), right.replacingLiterals(replace))
        case .column, .parameter, .aggregate: self
        }
    }
}

extension TestCondition {
    fileprivate func replacingLiterals(_ replace: (AlgebraicValue, AlgebraicType) -> AlgebraicValue) -> TestCondition {
        func part(_ value: TestValue) -> TestValue { value.replacingLiterals(replace) }
        return switch self {
        case .compare(let comparison, let left, let right): .compare(comparison, part(left), part(right))
        case .between(let operand, let low, let high, let isNegated):
            .between(part(operand), part(low), part(high), isNegated: isNegated)
        case .not(let operand): .not(operand.replacingLiterals(replace))
        case .and(let operands): .and(operands.map { $0.replacingLiterals(replace) })
        case .or(let operands): .or(operands.map { $0.replacingLiterals(replace) })
        case .constant, .flag, .isNull, .isIn, .hasPrefix: self
        }
    }
}
