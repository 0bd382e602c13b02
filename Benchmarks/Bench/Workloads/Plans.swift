/// How the insert benchmark fills its table.
struct InsertPlan {
    let rows: Int
    let rowsPerTransaction: Int

    /// The rows of each transaction.
    var batches: some Sequence<Range<Int>> {
        stride(from: 0, to: rows, by: rowsPerTransaction).lazy.map { [rows, rowsPerTransaction] start in
            start..<min(start + rowsPerTransaction, rows)
        }
    }
}

/// What a reading benchmark does inside its one transaction per pass.
enum ReadWork: String, CaseIterable {
    /// Rows by random existing keys; reads `x` and the length of the name.
    case find
    /// Rows by ranges of owners through the index; reads the key and `x`.
    case range
    /// Every row; reads the key and `x`.
    case scan
    /// Counts the rows where `x` is under a limit; `x` has no index.
    case filter
}
