public import SpacetimeEngine

/// What ``TableHandle/insert(_:onConflict:)`` does if other rows have values of the new row that must be unique.
public enum ConflictResolution: Hashable, Sendable {
    /// Keeps what is there and writes nothing.
    case ignore
    /// Deletes every row that stands in the way, and adds the new one. Subscribers see a row with the same primary key as
    /// updated.
    case replace
}

/// What ``TableHandle/insert(_:onConflict:)`` did.
public enum InsertOutcome<Row: TableRow> {
    /// The row was added. As it is stored: zeros in auto-incremented columns are replaced.
    case inserted(Row)
    /// The row was added, and `deleted` rows that stood in its way are gone.
    case replaced(by: Row, deleted: Int)
    /// Nothing was written: a row that is equal in all columns is there, or one that was not to be replaced.
    case unchanged

    /// Whether nothing was written.
    @inlinable public var isUnchanged: Bool { row == nil }

    /// The row as it was stored; nil if nothing was written.
    @inlinable
    public var row: Row? {
        switch self {
        case .inserted(let row), .replaced(by: let row, deleted: _): row
        case .unchanged: nil
        }
    }
}

extension InsertOutcome: Equatable where Row: Equatable {}
extension InsertOutcome: Sendable {}

extension ConflictResolution {
    @usableFromInline
    var rule: ConflictRule {
        switch self {
        case .ignore: .ignore
        case .replace: .replace
        }
    }
}
