package import SpacetimeEngine

/// How much data there is, as far as the choice of a plan depends on it.
package protocol PlanStatistics {
    func rowCount(of table: TableID) -> Int
    /// How many different keys an index has; may be estimated.
    func keyCount(of index: IndexID) -> Int
    /// How many rows an index finds. Nil if that is not known: because a value comes with the run, or because counting would
    /// take long.
    func rowCount(of access: Plan.Access) -> Int?
}

/// Sizes that are written down: for plans that shall not depend on what is there, and for tests.
package struct FixedStatistics: PlanStatistics, Sendable {
    package var rows: [TableID: Int]
    package var keys: [IndexID: Int]
    /// Of tables that are not listed.
    package var defaultRows: Int
    /// Rows with one key, in indexes that are not listed and not unique.
    package var rowsPerKey: Int
    private let tableOfIndex: [IndexID: (table: TableID, isUnique: Bool)]

    package init(
        _ planner: Planner, rows: [TableID: Int] = [:], keys: [IndexID: Int] = [:], defaultRows: Int = 10_000,
        rowsPerKey: Int = 10
    ) {
        self.rows = rows
        self.keys = keys
        self.defaultRows = defaultRows
        self.rowsPerKey = rowsPerKey
        var tableOfIndex: [IndexID: (table: TableID, isUnique: Bool)] = [:]
        for table in planner.tables {
            for index in table.indexes { tableOfIndex[index.id] = (table.id, index.isUnique) }
        }
        self.tableOfIndex = tableOfIndex
    }

    package func rowCount(of table: TableID) -> Int { rows[table] ?? defaultRows }

    package func keyCount(of index: IndexID) -> Int {
        if let count = keys[index] { return count }
        guard let (table, isUnique) = tableOfIndex[index] else { return 1 }
        let rows = rowCount(of: table)
        return isUnique ? rows : max(rows / max(rowsPerKey, 1), min(rows, 1))
    }

    package func rowCount(of access: Plan.Access) -> Int? { nil }
}
