package import SpacetimeEngine
package import SpacetimeSATS

/// What came of an SQL statement.
package struct StatementResult: Sendable {
    /// The columns of the rows; none if the statement returns none.
    package var columns: ProductType
    /// In BSATN.
    package var rows: RowBatch
    package var changes = StatementChanges()
    /// From when the statement was handed in until the rows were there.
    package var duration: Duration
    package var cost: QueryCost
    /// The commit that the statement made, or the last one that it saw.
    package var offset: TxOffset
}

/// How many rows a statement changed.
package struct StatementChanges: Hashable, Sendable {
    /// Rows that were there before do not count.
    package var inserted = 0
    package var deleted = 0
    /// Rows that met the condition, whether they differ now or not.
    package var updated = 0

    package init(inserted: Int = 0, deleted: Int = 0, updated: Int = 0) {
        self.inserted = inserted
        self.deleted = deleted
        self.updated = updated
    }
}
