package import SpacetimeSATS

/// A query with names looked up and types checked: what SQL, the typed builder and views become before they are planned. It
/// says what is asked, and nothing of how it is found.
///
/// Rows of the tables are combined in the order of ``tables``; of the combinations those are kept that meet all of
/// ``conditions``; they are grouped, if there is a ``grouping``; then comes the output, of which equal rows are dropped if it
/// is distinct, which is ordered, and of which a part is cut. What comes out is a bag: a row of one table that is combined
/// with three of another is there three times.
package struct BoundQuery: Hashable, Sendable {
    package struct Table: Hashable, Sendable {
        package var id: TableID
        /// Nil for the first table and for inner joins, whose conditions are among those of the query. For an outer join:
        /// what must hold between a row of this table and a combination of those before it. Combinations that meet it with no
        /// row are kept once, without a row of this table.
        package var outerCondition: [Expression]?
        /// What the function of a view is called with: a literal or a parameter each. The rows that belong to the call are
        /// chosen by conditions like any others; this only says which have to be there.
        package var arguments: [Expression]

        package init(_ id: TableID, outerCondition: [Expression]? = nil, arguments: [Expression] = []) {
            self.id = id
            self.outerCondition = outerCondition
            self.arguments = arguments
        }
    }

    /// At least one, but for queries of constants (`SELECT 1`), which have one result row.
    package var tables: [Table]
    /// All must hold.
    package var conditions: [Expression]
    package var grouping: Grouping?
    package var output: QueryOutput
    package var isDistinct: Bool
    package var order: [OrderTerm]
    /// Values of type `u64`: literals or parameters.
    package var limit: Expression?
    package var offset: Expression?
    package var parameters: [QueryParameter]

    package init(
        tables: [Table], conditions: [Expression] = [], grouping: Grouping? = nil, output: QueryOutput = .rows(slot: 0),
        isDistinct: Bool = false, order: [OrderTerm] = [], limit: Expression? = nil, offset: Expression? = nil,
        parameters: [QueryParameter] = []
    ) {
        self.tables = tables
        self.conditions = conditions
        self.grouping = grouping
        self.output = output
        self.isDistinct = isDistinct
        self.order = order
        self.limit = limit
        self.offset = offset
        self.parameters = parameters
    }
}

/// What a query returns.
package enum QueryOutput: Hashable, Sendable {
    /// Whole rows of one table, as they are stored.
    case rows(slot: Int)
    /// A product of values, one behind the other in BSATN.
    case columns([QueryColumn])
}

package struct QueryColumn: Hashable, Sendable {
    package var name: String
    package var value: Expression

    package init(_ name: String, _ value: Expression) {
        self.name = name
        self.value = value
    }
}

/// What an order compares, as the key order of its type has it; what is missing comes behind all values, and so in front of
/// them if the order descends.
package struct OrderTerm: Hashable, Sendable {
    package var value: Expression
    package var isDescending: Bool

    package init(_ value: Expression, isDescending: Bool = false) {
        self.value = value
        self.isDescending = isDescending
    }
}

/// Rows with equal keys become one. Without keys there is exactly one group, also if there are no rows.
package struct Grouping: Hashable, Sendable {
    package var keys: [Expression]
    package var aggregates: [QueryAggregate]
    /// What a group must meet, in terms of keys and aggregates. All must hold.
    package var conditions: [Expression]

    package init(keys: [Expression], aggregates: [QueryAggregate], conditions: [Expression] = []) {
        self.keys = keys
        self.aggregates = aggregates
        self.conditions = conditions
    }
}

package struct QueryAggregate: Hashable, Sendable {
    package enum Function: UInt8, Hashable, Sendable, CaseIterable {
        case count, sum, min, max, average
    }

    package var function: Function
    /// Nil counts rows. Rows where it is missing do not take part.
    package var argument: Expression?
    /// Equal values take part once.
    package var isDistinct: Bool

    package init(_ function: Function, of argument: Expression? = nil, isDistinct: Bool = false) {
        self.function = function
        self.argument = argument
        self.isDistinct = isDistinct
    }
}

/// A value that comes with each run of a query.
package struct QueryParameter: Hashable, Sendable {
    /// `sender` is the caller's identity. Nil for a literal that was lifted out of the query, so that queries that differ in
    /// their literals share a plan.
    package var name: String?
    package var type: AlgebraicType

    package init(name: String? = nil, type: AlgebraicType) {
        self.name = name
        self.type = type
    }
}
