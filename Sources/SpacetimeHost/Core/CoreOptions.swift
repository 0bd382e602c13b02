package import SpacetimeSATS

/// The seams of a database, and who owns it.
package struct CoreOptions {
    package var clock: any HostClock = SystemClock()
    /// Draws connection ids and hash seeds. Nil: from the system's random source.
    package var seed: UInt64?
    /// The identity of local callers that name no other.
    package var owner: Identity
    /// The database's own identity.
    package var identity: Identity
    package var sink: (any CommitSink)?
    package var store: DatabaseStore?
    /// Names of the written migrations that a new database counts as applied.
    package var migrations: [String] = []
    package var onScheduleFailure: (@Sendable (ScheduleReport.Failure) -> Void)?

    package init(owner: Identity, identity: Identity) {
        self.owner = owner
        self.identity = identity
    }
}
