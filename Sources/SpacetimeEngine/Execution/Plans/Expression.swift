package import SpacetimeSATS

/// A value, or a condition, that a query computes from the rows that it has at hand.
///
/// Names are looked up and types are checked: both sides of a comparison have one type, and so have both operands of
/// arithmetic. An expression is made by a binder, whose text bounds how deeply it is nested; a condition on one table of any
/// size and shape is one ``rows(slot:_:)``.
///
/// A value may be missing (``isNullable``): that of a path through a variant that the row does not have, and each of a table
/// that an outer join found no row in. A comparison, `isIn` or `hasPrefix` of something that is missing does not hold, and
/// neither does its negation hold by itself: whoever binds SQL pushes `NOT` down to comparisons first, so that what is
/// unknown counts as false and nothing has three values. Arithmetic with something missing is missing.
package indirect enum Expression: Hashable, Sendable {
    case field(QueryField)
    /// A value in BSATN.
    case literal([UInt8], AlgebraicType)
    /// A value that comes with each run, by its position in the query's parameters.
    case parameter(Int, AlgebraicType)
    /// What rows are grouped by, by its position in ``Grouping/keys``: only behind the grouping.
    case key(Int, AlgebraicType, isNullable: Bool)
    /// A result of ``Grouping/aggregates``: only behind the grouping.
    case aggregate(Int, AlgebraicType, isNullable: Bool)
    /// Both operands have the type of the result, an integer or a float. What does not fit into it ends the query with an
    /// error, and so does a division by zero of integers.
    case arithmetic(Arithmetic, Expression, Expression)

    // MARK: Conditions

    case constant(Bool)
    case compare(RowPredicate.Comparison, Expression, Expression)
    /// There is a value.
    case isPresent(Expression)
    case isIn(Expression, ValueList)
    /// A text, or bytes, that begin so.
    case hasPrefix(Expression, [UInt8])
    /// The row of one table meets a condition.
    case rows(slot: Int, RowPredicate)
    /// A condition that involves nothing that may be missing, or whose falsehood is what is meant by "not".
    case not(Expression)
    case and([Expression])
    case or([Expression])

    package enum Arithmetic: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
        case add, subtract, multiply, divide, remainder
    }
}

/// A field of a row of one of a query's tables.
package struct QueryField: Hashable, Sendable {
    /// Which of the query's tables, by its position in ``BoundQuery/tables``.
    package var slot: Int
    package var path: FieldPath
    package var type: AlgebraicType
    /// True if rows may have nothing there: the path leads through a variant, or the table is the right side of an outer
    /// join.
    package var isNullable: Bool

    package init(slot: Int, path: FieldPath, type: AlgebraicType, isNullable: Bool = false) {
        self.slot = slot
        self.path = path
        self.type = type
        self.isNullable = isNullable
    }
}

extension Expression {
    /// The type of the value if there is one; `bool` for conditions.
    package var type: AlgebraicType {
        switch self {
        case .field(let field): field.type
        case .literal(_, let type), .parameter(_, let type), .key(_, let type, _), .aggregate(_, let type, _): type
        case .arithmetic(_, let left, _): left.type
        case .constant, .compare, .isPresent, .isIn, .hasPrefix, .rows, .not, .and, .or: .bool
        }
    }

    /// True if there may be no value. Conditions hold or do not.
    package var isNullable: Bool {
        switch self {
        case .field(let field): field.isNullable
        case .key(_, _, let isNullable), .aggregate(_, _, let isNullable): isNullable
        case .arithmetic(_, let left, let right): left.isNullable || right.isNullable
        case .literal, .parameter, .constant, .compare, .isPresent, .isIn, .hasPrefix, .rows, .not, .and, .or: false
        }
    }

    /// The type of a result column that holds the value: an option if there may be none. A value that is an option by itself
    /// and may be missing is one option, not two: then nil stands for both.
    package var resultType: AlgebraicType {
        isNullable && type.optionPayload == nil ? .option(type) : type
    }

    /// Calls `body` with each field that the value depends on, and `row` with the position of each table on whose rows it puts
    /// a condition.
    package func forEachField(_ body: (QueryField) -> Void, row: (Int) -> Void) {
        switch self {
        case .field(let field): body(field)
        case .rows(let slot, _): row(slot)
        case .arithmetic(_, let left, let right), .compare(_, let left, let right):
            left.forEachField(body, row: row)
            right.forEachField(body, row: row)
        case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _), .not(let operand):
            operand.forEachField(body, row: row)
        case .and(let operands), .or(let operands): for operand in operands { operand.forEachField(body, row: row) }
        case .literal, .parameter, .key, .aggregate, .constant: break
        }
    }

    /// Calls `body` with each of the tables' positions that the value depends on, some more than once.
    package func forEachSlot(_ body: (Int) -> Void) {
        forEachField({ body($0.slot) }, row: body)
    }
}
