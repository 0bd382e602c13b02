/// How much a query may do.
package struct QueryBudget {
    /// Rows that are looked at, in all tables together.
    package var rowsExamined: Int
    package var rowsProduced: Int
    package var bytesProduced: Int
    /// What it keeps of rows that it has seen: groups, different rows, rows that are to be sorted.
    package var bytesKept: Int
    /// Asked now and then, some thousands of rows apart: true ends the query. For deadlines and cancellation, since the
    /// engine reads no clock.
    package var shouldStop: (() -> Bool)?

    package init(
        rowsExamined: Int = .max, rowsProduced: Int = .max, bytesProduced: Int = .max, bytesKept: Int = .max,
        shouldStop: (() -> Bool)? = nil
    ) {
        self.rowsExamined = rowsExamined
        self.rowsProduced = rowsProduced
        self.bytesProduced = bytesProduced
        self.bytesKept = bytesKept
        self.shouldStop = shouldStop
    }
}

/// What a query did.
package struct QueryCost: Hashable, Sendable {
    package var rowsExamined = 0
    package var rowsProduced = 0
    package var bytesProduced = 0
    /// Look-ups in indexes, and in hash tables made for the query.
    package var seeks = 0

    package init() {}
}
