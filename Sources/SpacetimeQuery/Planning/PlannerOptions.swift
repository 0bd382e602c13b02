/// What a planner may do. Everything, unless said otherwise; less serves tests, which compare plans.
package struct PlannerOptions: Hashable, Sendable {
    /// Rows are found through indexes, and come in their order.
    package var usesIndexes = true
    package var usesHashJoins = true
    /// Tables are gone through in the order that promises to be fastest; else in that of the query.
    package var reordersJoins = true
    /// Each condition is tested as soon as its tables are there, and what follows of several conditions is used; else all
    /// are tested at the end.
    package var pushesConditions = true

    package init() {}

    /// Each combination of rows, and all conditions at the end: slow, and right if anything is.
    package static let unoptimised: PlannerOptions = {
        var options = PlannerOptions()
        options.usesIndexes = false
        options.usesHashJoins = false
        options.reordersJoins = false
        options.pushesConditions = false
        return options
    }()
}
