public import SpacetimeHost

/// What an export to SQLite wrote.
public struct SQLiteExportReport: Hashable, Sendable, CustomStringConvertible {
    /// A table or a column whose name SQLite does not take.
    public struct Renaming: Hashable, Sendable, CustomStringConvertible {
        /// The table's name in the database.
        public let table: String
        /// The column's name in the database, nil if it is the table that has another name.
        public let column: String?
        /// The name in the file.
        public let name: String

        public var description: String {
            "\(column.map { "column '\($0)' of table '\(table)'" } ?? "table '\(table)'") is called '\(name)' in the file"
        }
    }

    /// The last commit that the file includes.
    public let offset: TxOffset
    /// The rows of all tables together.
    public let rowCount: Int
    /// Usually empty. The file lists them too, in the table `spacetimekit_renamed`.
    public let renamings: [Renaming]

    public var description: String {
        (["\(rowCount) rows as of commit \(offset)"] + renamings.map(\.description)).joined(separator: "\n")
    }
}
