import SpacetimeHost

/// Which rows of public tables clients may see: the row-level security of a module.
///
/// ```swift
/// static let rules = RowRules(
///     "SELECT * FROM letter WHERE recipient = :sender",
///     "SELECT letter.* FROM helper JOIN letter ON letter.recipient = helper.of WHERE helper.identity = :sender")
/// ```
///
/// Each rule is a query in SQL for whole rows of the table that it guards; `:sender` is who looks. Of a table with rules a client
/// sees the rows that any of them returns, each once, whatever he asks and subscribes to; of other public tables he sees all. The
/// owner of the database sees everything, and so do reducers, procedures and views.
///
/// A rule may join other tables, private ones too; the rules of these hold in it. Rules that cannot be read, or that need each other,
/// are refused with ``DatabaseError/Code/invalidModule`` when the database is opened.
///
/// Rules about the row alone become part of each query. Where a rule joins tables, the rows that a client may see are kept for each
/// that looks, as those of a view are: that costs memory for these rows, and a commit pays for those that it changes.
public struct RowRules: Sendable {
    let texts: [String]

    /// - Parameter texts: one rule each.
    public init(_ texts: String...) { self.texts = texts }
}
