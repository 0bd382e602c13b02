/// Names a table inside one datastore. Dense: assigned in creation order, never reused.
@frozen
@usableFromInline
package struct TableID: Hashable, Sendable, Comparable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable package static func < (lhs: TableID, rhs: TableID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Names an index inside one datastore. Dense over all tables, never reused.
@frozen
@usableFromInline
package struct IndexID: Hashable, Sendable, Comparable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable package static func < (lhs: IndexID, rhs: IndexID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Where a row lives inside its table: a page number in the high bits, a unit inside the page in the low bits.
///
/// How many bits each part has is a constant of the table (`PageGeometry`). The all-ones value is never used, so that
/// `rawValue + 1` fits 32 bits and zero can mean "no row" in an index slot.
struct RowID: Hashable {
    let rawValue: UInt32

    init(_ rawValue: UInt32) { self.rawValue = rawValue }
}
