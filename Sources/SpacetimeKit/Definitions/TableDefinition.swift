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

    public var name: String
    public var access: Access
    /// Rows of an event table are sent to subscribers and not kept.
    public var isEvent: Bool
    /// Whether a column of type ``ScheduleAt`` is a value like any other, and nothing is called for the rows.
    public var isUnscheduled: Bool
    public var columns: [ColumnDefinition]
    /// Positions of columns; empty if there is no primary key.
    public var primaryKey: [Int]
    public var uniqueConstraints: [[Int]]
    /// Positions of the columns in which zero is replaced on insert.
    public var autoIncrement: [Int]
    /// In the order of the accessors of the table's handle.
    public var indexes: [IndexDefinition]

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
    public var name: String
    /// BSATN of the value that existing rows get when the column is added to them.
    public var defaultValue: [UInt8]?

    public init(_ name: String) { self.name = name }

    /// - Parameter value: a value of the column's type.
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
    public var algorithm: IndexAlgorithm
    /// The property of the table's handle.
    public var accessor: String

    public init(name: String? = nil, columns: [Int], algorithm: IndexAlgorithm, accessor: String) {
        self.name = name
        self.columns = columns
        self.algorithm = algorithm
        self.accessor = accessor
    }
}
