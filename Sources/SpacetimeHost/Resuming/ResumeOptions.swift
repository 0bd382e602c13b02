/// How much a database remembers of what has changed in queries lately, for clients that lose their connection and go on
/// where they were. It does so for queries of clients that ask for it, see the article *Resuming* of SpacetimeServer.
///
/// Whoever comes back later than this allows gets all rows again; nothing else happens.
public struct ResumeOptions: Hashable, Sendable {
    /// About how many bytes the changes may take. The oldest go first. 64 MiB by default.
    public var byteLimit = 64 << 20
    /// How many changes there may be, each what one commit changed in one query. The oldest go first. 262,144 by default.
    public var changeLimit = 262_144
    /// How many different queries may be kept up to date for clients that are gone, which costs commits as much as if
    /// somebody watched them. The oldest go first. 16,384 by default; with 0 nobody can go on where he was.
    public var queryLimit = 16_384
    /// For how long the queries of a client that is gone are kept up to date, by the database's clock. One minute by default.
    public var window: Duration = .seconds(60)

    /// The defaults.
    public init() {}
}
