package import SpacetimeEngine

/// How the result of a query is found, and how it is kept up to date when tables change.
///
/// The change of a join is the sum of what the changes of each table do while the tables before it are as they are after the
/// commit, and those behind it as they were before: so each combination is counted once, whichever tables changed
/// together, and also if a table is joined to itself.
package struct LivePlan: Hashable, Sendable {
    /// What the query returns.
    package var base: Plan
    /// For each of the query's tables whose changes matter. In the order of the tables.
    package var deltas: [DeltaPlan]
    /// What changes of the tables behind outer joins do, in the order of the tables. These have no delta plans.
    package var outers: [OuterChanges] = []
    /// Look-ups of the delta plans that no index answers: each change that gets that far reads a table.
    package var unindexed: [UnindexedJoin]
}

/// Which joins are refused because their changes would read whole tables.
package enum LiveJoinRule: Hashable, Sendable {
    /// As SpacetimeDB does: of two tables the second must be found through an index, or the first if only the second has
    /// conditions of its own; of more tables each must be found from each.
    case original
    /// Each table must be found through an index when any other changes.
    case everyTable
    /// None: ``LivePlan/unindexed`` tells what there is to be said.
    case none
}

/// How changed rows of one table change the result of a query.
package struct DeltaPlan: Hashable, Sendable {
    /// The table's position in the query.
    package var slot: Int
    package var table: TableID
    /// Its first step goes through changed rows: inserted ones, and what comes out was gained; or deleted ones, and what
    /// comes out was lost. Grouping, distinctness, order and limits are left out: what comes out is what goes into them. Of a
    /// grouped query these are the keys, and behind them the arguments of the aggregates that have one.
    package var plan: Plan
    /// Which changed rows do not matter, whatever else there is.
    package var pruning: PlanPruning
    /// True for event tables, whose rows come and never go.
    package var isInsertOnly: Bool
}

/// How changes of a table behind an outer join change the result: each row of the first table that a changed row may fit is taken
/// out with what it was combined with before, and put in again with what it is combined with now. So one that finds its first
/// partner loses the combination with nothing, and one that loses its last gets it.
package struct OuterChanges: Hashable, Sendable {
    /// The first table of the query.
    package var left: TableID
    /// The one behind the outer join.
    package var right: TableID
    /// Goes through changed rows of the right table, and finds the rows of the left one, as they are, that they may fit.
    package var affected: Plan
    /// Goes through rows of the left table that are handed in, and combines them with the others: with the right table and those
    /// behind it as they were before the changes, and with those before it as they are.
    package var before: Plan
    /// The same with the right table as it is.
    package var after: Plan
}

package struct UnindexedJoin: Hashable, Sendable {
    /// Whose changes.
    package var slot: Int
    /// Which table is read.
    package var table: String
    /// What an index would have to begin with.
    package var columns: [String]
}

/// What must be true of a row of one table, so that it can matter to a query: for finding the queries that a changed row
/// concerns without asking each. Every entry holds of each row that matters, so that any one may be used and the others left.
package struct PlanPruning: Hashable, Sendable {
    /// No row matters.
    package var isNever = false
    /// Values with equal bytes only: of types without floats.
    package var equalities: [Equality] = []
    package var sets: [OneOf] = []
    /// At most one for each field.
    package var ranges: [Range] = []
    package var edges: [Edge] = []

    package init() {}

    /// The field has this value: a literal or a parameter.
    package struct Equality: Hashable, Sendable {
        package var field: QueryField
        package var value: Plan.Operand
    }

    /// The field has one of these values, which have equal bytes if they are equal.
    package struct OneOf: Hashable, Sendable {
        package var field: QueryField
        package var values: Plan.ListOperand
    }

    /// The field lies between bounds, in the key order of its type. Bounds are literals or parameters.
    package struct Range: Hashable, Sendable {
        package enum Bound: Hashable, Sendable {
            case unbounded
            case included(Plan.Operand)
            case excluded(Plan.Operand)
        }

        package var field: QueryField
        package var lower: Bound
        package var upper: Bound
    }

    /// The field leads to a row of another table, in which another field has a value. To be looked up after the commit: if it
    /// is that row which changed, its own pruning finds the query.
    package struct Edge: Hashable, Sendable {
        package var field: QueryField
        /// An index of the other table on one column, which equals the field.
        package var index: IndexID
        /// The variant of that column that the field's value is the payload of.
        package var tag: UInt8?
        /// True if there is one such row at most.
        package var isUnique: Bool
        /// The other table's field.
        package var target: QueryField
        package var value: Plan.Operand
    }
}
