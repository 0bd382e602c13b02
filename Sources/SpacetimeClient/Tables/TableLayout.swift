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
    /// The places of the primary key's columns; empty if there is none.
    public let primaryKey: [Int]
    /// The places of the columns of each index that there is here, the primary key first.
    public let indexes: [[Int]]

    /// Describes a table.
    ///
    /// - Parameters:
    ///   - name: what the server calls it.
    ///   - columns: all of them, in order.
    ///   - typespace: the types that those of the columns refer to.
    ///   - primaryKey: the names of the columns that tell rows apart, if there are such.
    ///   - indexes: the names of the columns that rows are to be found by, unique or not. Each index takes up to 20 bytes a row.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/badDescription`` if a name is not that of a column.
    public init(
        name: String, columns: [Column], typespace: Typespace = Typespace(), primaryKey: TableKey? = nil,
        indexes: [TableKey] = []
    ) throws(ClientError) {
        func places(_ key: TableKey) throws(ClientError) -> [Int] {
            var places: [Int] = []
            for column in key.columns {
                guard let place = columns.firstIndex(where: { $0.name == column }) else {
                    throw ClientError(
                        .badDescription,
                        "table \(name) has no column \(column); it has \(columns.map(\.name).joined(separator: ", "))")
                }
                places.append(place)
            }
            return places
        }
        var key: [Int] = []
        if let primaryKey { key = try places(primaryKey) }
        var others: [[Int]] = []
        for index in indexes { others.append(try places(index)) }
        self.init(name: name, columns: columns, typespace: typespace, primaryKey: key, indexes: others)
    }

    /// Describes a table by the places of its columns, which must be there.
    package init(
        name: String, columns: [Column], typespace: Typespace = Typespace(), primaryKey: [Int], indexes: [[Int]]
    ) {
        self.name = name
        self.columns = columns
        self.typespace = typespace
        self.primaryKey = primaryKey
        var all: [[Int]] = []
        // The order of an index's columns makes no difference to equalities.
        for index in [primaryKey] + indexes where !index.isEmpty && !all.contains(where: { Set($0) == Set(index) }) {
            all.append(index)
        }
        self.indexes = all
    }
}

extension TableLayout {
    /// Both descriptions in one, if the columns have the same types, whatever they are called and wherever the types stand. The primary
    /// key is the first one's, if it has one.
    func merged(with other: TableLayout) -> TableLayout? {
        guard columns.count == other.columns.count else { return nil }
        for (one, two) in zip(columns, other.columns) {
            // A type that contains itself has no other form, and is compared as it stands.
            let left = (try? typespace.resolved(one.type)) ?? one.type
            guard left == (try? other.typespace.resolved(two.type)) ?? two.type else { return nil }
        }
        return TableLayout(
            name: name, columns: columns, typespace: typespace,
            primaryKey: primaryKey.isEmpty ? other.primaryKey : primaryKey, indexes: indexes + other.indexes)
    }
}

/// The name of a column, or of several, that rows are found by together: `"id"`, `["room", "sent"]`.
public struct TableKey: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    /// The names, in order.
    public let columns: [String]

    /// Columns by their names.
    public init(_ columns: [String]) { self.columns = columns }

    public init(stringLiteral column: String) { columns = [column] }

    public init(arrayLiteral columns: String...) { self.columns = columns }
}
