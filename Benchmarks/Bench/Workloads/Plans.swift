/// How the insert benchmark fills its table.
struct InsertPlan {
    let rows: Int
    let rowsPerTransaction: Int
    let shape: ItemShape

    /// The rows of each transaction.
    var batches: some Sequence<Range<Int>> {
        stride(from: 0, to: rows, by: rowsPerTransaction).lazy.map { [rows, rowsPerTransaction] start in
            start..<min(start + rowsPerTransaction, rows)
        }
    }
}

/// Whether the item table has a column for the name.
enum ItemShape: String, CaseIterable {
    /// Key, owner, `x`, `y` and name: rows of different sizes, each with a text.
    case named
    /// Without the name: rows of 24 bytes of plain numbers.
    case fixed
}

/// What a reading benchmark does inside its one transaction per pass.
enum ReadWork: String, CaseIterable {
    /// Rows by random existing keys; reads `x` and the length of the name, or `y` where there is none.
    case find
    /// Rows by ranges of owners through the index; reads the key and `x`.
    case range
    /// Every row; reads the key and `x`.
    case scan
    /// Counts the rows where `x` is under a limit; `x` has no index.
    case filter
}
