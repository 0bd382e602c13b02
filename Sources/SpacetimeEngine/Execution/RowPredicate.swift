package import SpacetimeSchema

/// A condition on the columns of one row, as a value: what the typed query builder and the SQL binder both produce.
///
/// Comparisons follow the key order of the column's type (for floats: all NaNs equal and greatest, -0 equals +0).
package indirect enum RowPredicate: Hashable, Sendable {
    package enum Comparison: UInt8, Hashable, Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    }

    /// True for every row.
    case all
    /// True for no row.
    case none
    /// The column against a value in BSATN.
    case compare(ColumnID, Comparison, [UInt8])
    case and([RowPredicate])
    case or([RowPredicate])
    case not(RowPredicate)
}
