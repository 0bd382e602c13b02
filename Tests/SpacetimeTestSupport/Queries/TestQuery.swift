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
    /// Counts are `u64` and averages `f64`; a sum is as wide as its values, and has 64 bits at least.
    static func type(of function: QueryAggregate.Function, _ argument: AlgebraicType?) -> AlgebraicType {
        let argument = argument ?? .u64
        switch function {
        case .count: return .u64
        case .average: return .f64
        case .min, .max: return argument
        case .sum:
            if [.i8, .i16, .i32].contains(argument) { return .i64 }
            if [.u8, .u16, .u32].contains(argument) { return .u64 }
            return argument == .f32 ? .f64 : argument
        }
    }
}
