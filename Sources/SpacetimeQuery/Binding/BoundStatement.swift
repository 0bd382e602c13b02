package import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

/// A statement with names looked up and types checked.
package enum BoundStatement: Hashable, Sendable {
    case select(BoundSelect)
    case insert(BoundInsert)
    case update(BoundUpdate)
    case delete(BoundDelete)
    case set(SystemVariable, UInt64)
    case show(SystemVariable)
    case explain(BoundSelect, runs: Bool)
}

package enum SystemVariable: String, Hashable, Sendable, CaseIterable {
    /// How many rows a query of a client may read, by estimate.
    case rowLimit = "row_limit"
}

/// A query, and what its rows are.
package struct BoundSelect: Hashable, Sendable {
    package var query: BoundQuery
    /// The columns of the result.
    package var columns: ProductType
    /// For each of the query's parameters the literal that stands for it in the text, by its position among the literals of
    /// the template; nil if it has a name.
    package var literals: [Int?]
    /// True if all literals that the template leaves out became parameters, so that another text with the same template is
    /// the same query with other values.
    package var isTemplate: Bool
}

/// New rows. A row is its values in BSATN one behind the other, as always.
package struct BoundInsert: Hashable, Sendable {
    package var table: TableID
    /// For each row a value for each column, in the order of the table: literals and parameters.
    package var rows: [[Expression]]
    package var returning: BoundReturning?
    package var parameters: [QueryParameter]
}

package struct BoundUpdate: Hashable, Sendable {
    /// The rows to be changed: whole rows of its only table.
    package var query: BoundQuery
    /// For each column that is assigned its new value, computed from the row as it was; by ascending column. The value has
    /// the column's type, or its payload's if that is an option.
    package var assignments: [(column: ColumnID, value: Expression)]
    package var returning: BoundReturning?

    package static func == (left: BoundUpdate, right: BoundUpdate) -> Bool {
        left.query == right.query && left.returning == right.returning
            && left.assignments.elementsEqual(right.assignments) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(query)
        for (column, value) in assignments {
            hasher.combine(column)
            hasher.combine(value)
        }
        hasher.combine(returning)
    }
}

package struct BoundDelete: Hashable, Sendable {
    /// The rows to be deleted: whole rows of its only table.
    package var query: BoundQuery
    package var returning: BoundReturning?
}

/// What a statement returns of each row that it inserted, deleted, or changed (as it is afterwards).
package struct BoundReturning: Hashable, Sendable {
    package var output: QueryOutput
    package var columns: ProductType
}

extension BoundStatement {
    /// The values that come beside the text.
    package var parameters: [QueryParameter] {
        switch self {
        case .select(let select), .explain(let select, _): select.query.parameters
        case .insert(let insert): insert.parameters
        case .update(let update): update.query.parameters
        case .delete(let delete): delete.query.parameters
        case .set, .show: []
        }
    }
}
