package import SpacetimeEngine

/// How the rows of one table that meet a condition are found: through an index if one fits, and what is left to test on
/// each row.
package struct ScanPlan: Hashable, Sendable {
    /// Its values are literals, and parameters of the condition.
    package var access: Plan.Access
    /// Nil if every row of `access` meets the condition.
    package var rest: RowPredicate?

    package init(access: Plan.Access, rest: RowPredicate?) {
        self.access = access
        self.rest = rest
    }
}
