/// The position of a column in its table, counted from zero.
///
/// A type of its own, so that it cannot be mixed up with the position of an index, a constraint or a function.
/// On the wire and on disk it is a 16-bit integer.
@frozen @usableFromInline
package struct ColumnID: Hashable, Sendable, Comparable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    @usableFromInline package var rawValue: UInt16

    @inlinable
    package init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Traps if `rawValue` does not fit sixteen bits; a position that comes from outside goes through
    /// ``init(exactly:)``.
    @inlinable
    package init(_ rawValue: Int) {
        self.rawValue = UInt16(rawValue)
    }

    /// Nil if `rawValue` does not fit sixteen bits.
    @inlinable
    package init?(exactly rawValue: Int) {
        guard let rawValue = UInt16(exactly: rawValue) else { return nil }
        self.rawValue = rawValue
    }

    @inlinable
    package init(integerLiteral value: UInt16) {
        self.rawValue = value
    }

    /// The position as an array subscript.
    @inlinable
    package var index: Int { Int(rawValue) }

    @inlinable
    package static func < (left: ColumnID, right: ColumnID) -> Bool {
        left.rawValue < right.rawValue
    }

    @usableFromInline
    package var description: String { String(rawValue) }
}
