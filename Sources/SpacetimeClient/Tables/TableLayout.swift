public import SpacetimeSATS

/// What a client has to know of a table to find its rows by a column and to tell updates from other changes.
///
/// Tables of which a client knows nothing are cached, too; then every update is a row that goes and one that comes.
public struct TableLayout: Sendable, Hashable {
    /// A column.
    public struct Column: Sendable, Hashable {
        /// The name that the server calls it.
        public let name: String
        /// Its type; references lead into ``TableLayout/typespace``.
        public let type: AlgebraicType

        /// A column.
        public init(name: String, type: AlgebraicType) {
            self.name = name
            self.type = type
        }
    }

    /// The name of the table that the server calls it.
    public let name: String
    /// All columns, in order.
    public let columns: [Column]
    /// The types that those of the columns refer to.
    public let typespace: Typespace
    /// The place of the primary key among the columns.
    public let primaryKey: Int?
    /// The places of the columns that have an index here, the primary key first.
    public let indexedColumns: [Int]

    /// Describes a table.
    ///
    /// - Parameters:
    ///   - name: what the server calls it.
    ///   - columns: all of them, in order.
    ///   - typespace: the types that those of the columns refer to.
    ///   - primaryKey: the name of the column that tells rows apart, if there is one.
    ///   - indexes: the names of the columns that rows are to be found by, unique or not. Each takes up to 20 bytes a row.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/badDescription`` if a name is not that of a column.
    public init(
        name: String, columns: [Column], typespace: Typespace = Typespace(), primaryKey: String? = nil,
        indexes: [String] = []
    ) throws(ClientError) {
        self.name = name
        self.columns = columns
        self.typespace = typespace
        var indexed: [Int] = []
        for column in (primaryKey.map { [$0] } ?? []) + indexes {
            guard let place = columns.firstIndex(where: { $0.name == column }) else {
                throw ClientError(
                    .badDescription,
                    "table \(name) has no column \(column); it has \(columns.map(\.name).joined(separator: ", "))")
            }
            if !indexed.contains(place) { indexed.append(place) }
        }
        self.primaryKey = primaryKey == nil ? nil : indexed[0]
        indexedColumns = indexed
    }
}
