/// Why a query cannot be kept up to date.
package enum PlanError: Error, Hashable, Sendable {
    /// Each change would read all of a table. Columns are those that the table is joined by.
    case joinNeedsIndex(table: String, columns: [String])
    /// A table is joined by no equality.
    case joinNeedsEquality(table: String)
    /// Rows of event tables are never stored, so nothing can be joined to them.
    case eventTableLookedUp(table: String)
    case noTable
}

extension PlanError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .joinNeedsIndex(let table, let columns):
            let names = columns.map { "'\($0)'" }.joined(separator: " and ")
            return """
                a live join looks rows of '\(table)' up by \(names), and no index of the table begins with that; add an \
                index on \(names), or let the other table come second
                """
        case .joinNeedsEquality(let table):
            return """
                a live query joins '\(table)' by no equality of its columns with those of another table, so each change \
                would read all of it; join it ON indexed columns that are equal
                """
        case .eventTableLookedUp(let table):
            return """
                rows of the event table '\(table)' are not stored, so a live query cannot look them up; name the event \
                table first
                """
        case .noTable: return "a query without a table never changes; ask once"
        }
    }
}
