/// The position of a commit in the history of a database. The transaction that creates the database has offset 0.
///
/// A commit that changed nothing takes no offset of its own and reports the previous one, except that the creation,
/// migrations, connecting and disconnecting always take one.
public struct TxOffset: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// How many commits came before it.
    public let rawValue: UInt64

    /// The commit before which there were so many.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: TxOffset, right: TxOffset) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
