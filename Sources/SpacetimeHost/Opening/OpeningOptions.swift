package import SpacetimeSATS

/// Where a database is.
package enum DatabaseLocation: Sendable {
    /// In memory only: it is gone with the last reference to it.
    case memory
    /// In a directory, which is made if there is none.
    case directory(String, StorageOptions)
}

/// How a database is opened, and what it is run with.
package struct OpeningOptions: Sendable {
    /// The name of the module, from which a new database gets its identity if none is given.
    package var name: String
    package var clock: any HostClock = SystemClock()
    /// Draws connection ids and hash seeds. Nil: from the system's random source.
    package var seed: UInt64?
    /// On whose behalf local calls run that name nobody. Nil: the owner of old, in a new database the local "owner".
    package var owner: Identity?
    /// The database's own identity, which a database that exists must have. Nil: whichever it has.
    package var identity: Identity?
    /// Changes of stored rows that somebody wrote, in the order in which they were released.
    package var migrations: [any WrittenMigration] = []
    /// Whether the module's `init` runs in a new database.
    var callsInit = true
    /// Where the commits of a database in memory go, if anywhere.
    package var sink: (any CommitSink)?
    /// Told of each scheduled call that failed, without the lock.
    package var onScheduleFailure: (@Sendable (ScheduleReport.Failure) -> Void)?
    /// What is kept of the module's log.
    package var log = ModuleLogOptions()
    /// What procedures and handlers are run with.
    package var procedures = ProcedureOptions()
    /// What is remembered for clients that come back.
    package var resuming = ResumeOptions()
    /// Told of work after a rollback that failed, without the lock.
    package var onAfterRollbackFailure: (@Sendable (AfterRollbackFailure) -> Void)?

    package init(name: String) { self.name = name }
}

/// A database that was opened.
package struct OpenedDatabase {
    package let core: DatabaseCore
    /// What its owner should know: a damaged snapshot that was passed over, an unfinished write that was cut off, a
    /// disconnect reducer that failed.
    package let warnings: [String]
}

extension Identity {
    /// The issuer of identities that exist in this program only.
    package static var localIssuer: String { "localhost" }

    /// The identity of a name that this program itself vouches for.
    package static func local(_ subject: String) -> Identity { Identity(issuer: localIssuer, subject: subject) }
}
