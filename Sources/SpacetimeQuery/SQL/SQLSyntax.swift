/// A statement as it was written: names are not looked up, literals have no types yet.
package enum SQLStatement: Hashable, Sendable {
    case select(SQLSelect)
    case insert(SQLInsert)
    case update(SQLUpdate)
    case delete(SQLDelete)
    /// `SET name = value`
    case set(SQLName, SQLExpression)
    /// `SHOW name`
    case show(SQLName)
    /// `EXPLAIN [ANALYZE] select`
    indirect case explain(SQLStatement, runs: Bool)
}

/// A name and where it stands.
package struct SQLName: Hashable, Sendable {
    package let text: String
    package let range: SourceRange
}

/// The name of a table, or of what stands for one in a statement; with dots if it belongs to a submodule.
package struct SQLTableName: Hashable, Sendable {
    package let parts: [SQLName]

    package var text: String { parts.map(\.text).joined(separator: ".") }
    package var range: SourceRange { parts[0].range.through(parts[parts.count - 1].range) }
}

package struct SQLSelect: Hashable, Sendable {
    package var isDistinct = false
    package var items: [SQLSelectItem] = []
    /// The tables in the order in which they were written; none in `SELECT 1`.
    package var sources: [SQLSource] = []
    package var condition: SQLExpression?
    package var groups: [SQLExpression] = []
    package var groupCondition: SQLExpression?
    package var order: [SQLOrder] = []
    /// Nil without a limit, also for `LIMIT ALL`.
    package var limit: SQLExpression?
    package var offset: SQLExpression?
    /// Of the whole statement.
    package var range: SourceRange
}

package enum SQLSelectItem: Hashable, Sendable {
    /// `*`
    case all(SourceRange)
    /// `table.*`
    case allOf(SQLTableName)
    /// An expression, with the name of the column that it makes, if one was given.
    case expression(SQLExpression, alias: SQLName?)
}

/// A table that rows are taken from.
package struct SQLSource: Hashable, Sendable {
    package enum Join: Hashable, Sendable {
        /// The first table.
        case none
        case inner
        /// Rows of the tables before stay if nothing matches.
        case left
    }

    package let table: SQLTableName
    /// What stands in parentheses behind the name; nil if there are none.
    package let arguments: [SQLExpression]?
    package let alias: SQLName?
    package let join: Join
    /// What stands behind `ON`.
    package let condition: SQLExpression?
}

package struct SQLOrder: Hashable, Sendable {
    package let expression: SQLExpression
    package let isDescending: Bool
}

package struct SQLInsert: Hashable, Sendable {
    package let table: SQLTableName
    /// Nil if no columns were named.
    package let columns: [SQLName]?
    package let rows: [[SQLExpression]]
    package let returning: [SQLSelectItem]
}

package struct SQLUpdate: Hashable, Sendable {
    package let table: SQLTableName
    package let assignments: [SQLAssignment]
    package let condition: SQLExpression?
    package let returning: [SQLSelectItem]
}

/// `column = value` behind `SET`.
package struct SQLAssignment: Hashable, Sendable {
    package let column: SQLName
    package let value: SQLExpression
}

package struct SQLDelete: Hashable, Sendable {
    package let table: SQLTableName
    package let condition: SQLExpression?
    package let returning: [SQLSelectItem]
}

/// A value, or a condition, and where it stands.
package struct SQLExpression: Hashable, Sendable {
    package indirect enum Kind: Hashable, Sendable {
        /// A column, perhaps with its table before it. Behind it may be fields of a struct, which are told from tables when
        /// names are looked up.
        case name([SQLName])
        case literal(SQLLiteral)
        /// `:sender`, or a value that comes beside the text.
        case parameter(String)
        case not(SQLExpression)
        /// Two or more.
        case and([SQLExpression])
        case or([SQLExpression])
        case compare(SQLComparison, SQLExpression, SQLExpression)
        case arithmetic(SQLArithmetic, SQLExpression, SQLExpression)
        case isNull(SQLExpression, isNegated: Bool)
        case isIn(SQLExpression, [SQLExpression], isNegated: Bool)
        case between(SQLExpression, SQLExpression, SQLExpression, isNegated: Bool)
        case like(SQLExpression, SQLExpression, isNegated: Bool)
        /// `COUNT(*)`, `SUM(column)`; `COUNT(*)` has no argument.
        case aggregate(SQLAggregate, SQLExpression?, isDistinct: Bool)
    }

    package let kind: Kind
    package let range: SourceRange
    /// How deep the tree is: a chain of `AND` or `OR` counts a level for each operator, parentheses count one.
    package let depth: Int

    init(kind: Kind, range: SourceRange, parentheses: Int = 0) {
        self.kind = kind
        self.range = range
        depth = kind.depth + parentheses
    }
}

extension SQLExpression.Kind {
    /// Without parentheses around it.
    var depth: Int {
        switch self {
        case .name, .literal, .parameter: 0
        case .not(let operand), .isNull(let operand, _): 1 + operand.depth
        case .and(let operands), .or(let operands):
            operands.dropFirst().reduce(operands[0].depth) { 1 + max($0, $1.depth) }
        case .compare(_, let left, let right), .arithmetic(_, let left, let right), .like(let left, let right, _):
            1 + max(left.depth, right.depth)
        case .isIn(let operand, let values, _): 1 + values.reduce(operand.depth) { max($0, $1.depth) }
        case .between(let operand, let low, let high, _): 1 + max(operand.depth, low.depth, high.depth)
        case .aggregate(_, let argument, _): 1 + (argument?.depth ?? 0)
        }
    }
}

package enum SQLLiteral: Hashable, Sendable {
    /// As written, with its sign.
    case number(String)
    case string(String)
    case hex(String)
    case bool(Bool)
    case null
}

package enum SQLComparison: String, Hashable, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

package enum SQLArithmetic: String, Hashable, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
}

package enum SQLAggregate: String, Hashable, Sendable, CaseIterable {
    case count = "COUNT"
    case sum = "SUM"
    case min = "MIN"
    case max = "MAX"
    case average = "AVG"
}
