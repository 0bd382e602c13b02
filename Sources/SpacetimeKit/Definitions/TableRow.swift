public import SpacetimeSATS

/// A struct that is the row of a table. Conformance comes from ``Table(_:name:)``.
///
/// Its `Columns` are the columns as conditions see them: `$0.room`.
public protocol TableRow: SpacetimeType, RowScope, JoinPart
where Columns: Sendable, _Rows == Self, _JoinedRow == Self {
    /// What a context's `db` returns for the table.
    associatedtype Handle: TableHandle where Handle.Row == Self

    /// The table: columns, keys, indexes.
    static var tableDefinition: TableDefinition { get }

    /// True if inserting may change the row, because a column is auto-incremented.
    static var _spacetimeHasGeneratedColumns: Bool { get }
}

extension TableRow {
    @inlinable public static var _spacetimeHasGeneratedColumns: Bool { false }
}

/// A row with a primary key.
public protocol KeyedTableRow: TableRow {
    /// The type of the key's column; ``KeyColumns`` if there are several.
    associatedtype PrimaryKey
    /// The position of the key's index in the definition.
    static var _spacetimePrimaryKeyIndex: Int { get }
}
