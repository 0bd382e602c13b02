public import SpacetimeSATS

/// What a table is: the value behind ``Table(_:name:)``.
public struct TableDefinition: Sendable {
    /// Who may read a table besides the module itself.
    public enum Access: Hashable, Sendable {
        /// Every client.
        case `public`
        /// The owner of the database.
        case `private`
    }

    /// What clients call the table.
    public var name: String
    /// Who may read it.
    public var access: Access
    /// Rows of an event table are sent to subscribers and not kept.
    public var isEvent: Bool
    /// Whether a column of type ``ScheduleAt`` is a value like any other, and nothing is called for the rows.
    public var isUnscheduled: Bool
    /// In the order in which rows are stored.
    public var columns: [ColumnDefinition]
    /// Positions of columns; empty if there is no primary key.
    public var primaryKey: [Int]
    /// Positions of columns that together do not repeat; those of the primary key need not be listed.
    public var uniqueConstraints: [[Int]]
    /// Positions of the columns in which zero is replaced on insert.
    public var autoIncrement: [Int]
    /// In the order of the accessors of the table's handle.
    public var indexes: [IndexDefinition]

    /// A definition that is checked when a database is opened with it.
    public init(
        name: String, access: Access = .private, isEvent: Bool = false, isUnscheduled: Bool = false,
        columns: [ColumnDefinition], primaryKey: [Int] = [], uniqueConstraints: [[Int]] = [], autoIncrement: [Int] = [],
        indexes: [IndexDefinition] = []
    ) {
        self.name = name
        self.access = access
        self.isEvent = isEvent
        self.isUnscheduled = isUnscheduled
        self.columns = columns
        self.primaryKey = primaryKey
        self.uniqueConstraints = uniqueConstraints
        self.autoIncrement = autoIncrement
        self.indexes = indexes
    }
}

/// A column of a ``TableDefinition``.
public struct ColumnDefinition: Sendable {
    /// What clients call the column.
    public var name: String
    /// BSATN of the value that existing rows get when the column is added to them.
    public var defaultValue: [UInt8]?

    /// A column that tables with rows cannot get: there is no value for these.
    public init(_ name: String) { self.name = name }

    /// A column with a value for rows that are older than it.
    ///
    /// - Parameters:
    ///   - name: what clients call the column.
    ///   - value: a value of the column's type.
    public init(_ name: String, default value: some SpacetimeType) {
        self.name = name
        self.defaultValue = value.bsatn()
    }
}

/// An index of a ``TableDefinition``.
public struct IndexDefinition: Hashable, Sendable {
    /// What the database calls the index; nil for a name made of table, columns and algorithm.
    public var name: String?
    /// Positions of columns in key order.
    public var columns: [Int]
    /// What the index can do.
    public var algorithm: IndexAlgorithm
    /// The property of the table's handle.
    public var accessor: String

    /// A definition that is checked when a database is opened with it.
    public init(name: String? = nil, columns: [Int], algorithm: IndexAlgorithm, accessor: String) {
        self.name = name
        self.columns = columns
        self.algorithm = algorithm
        self.accessor = accessor
    }
}
