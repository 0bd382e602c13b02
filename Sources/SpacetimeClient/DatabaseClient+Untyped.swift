extension DatabaseClient {
    /// Has `body` called with all that a message changes in a table, as bytes: for programs that learn what tables there are when
    /// they run.
    @discardableResult
    package func onChange(
        of table: TableLayout, _ body: @escaping @Sendable (TableChanges) -> Void
    ) -> ChangeListener {
        engine.listen(to: table, tell: body)
    }
}
