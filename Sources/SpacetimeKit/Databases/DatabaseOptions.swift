public import SpacetimeHost
public import SpacetimeSATS

/// Where a database keeps its data.
public struct Storage: Sendable {
    let location: DatabaseLocation

    /// In memory only: everything is gone when the last reference to the database is.
    public static var inMemory: Storage { Storage(location: .memory) }

    /// In a directory, which is made if there is none. One database object at a time may have it open.
    public static func directory(_ path: String, _ options: StorageOptions = StorageOptions()) -> Storage {
        Storage(location: .directory(path, options))
    }
}

/// How a database is run. The defaults suit a program; tests set clock and seed.
public struct DatabaseOptions: Sendable {
    /// Where the time comes from, and what wakes the schedules.
    public var clock: any HostClock = SystemClock()
    /// Makes everything random in the database repeat exactly. Nil: drawn from the system.
    public var seed: UInt64?
    /// On whose behalf ``Database/call(_:_:until:)`` runs, and who may do everything. Nil: the owner that the database was
    /// created with, and of a new one the subject "owner" of the issuer "localhost".
    public var owner: Identity?
    /// The database's own identity. Nil: derived from the name of the module. A database that is there keeps
    /// its own.
    public var identity: Identity?
    /// Changes of stored rows that the database cannot make by itself, in the order in which they were released. Those that
    /// a database has not had run when it is opened.
    public var migrations: [Migration] = []
    /// Told of each scheduled call that failed, for the log of the program: nobody else hears of it. Called on the thread
    /// that makes the scheduled calls; until it returns, there are no others.
    public var onScheduleFailure: (@Sendable (ScheduleReport.Failure) -> Void)?
    /// Told of each ``Context/afterRollback(_:)`` whose work failed, for the log of the program: the caller gets what the
    /// call itself threw, and nobody else hears of it. Called by the thread that made the call, before that returns, without
    /// the database's lock: it may itself read and call reducers.
    public var onAfterRollbackFailure: (@Sendable (AfterRollbackFailure) -> Void)?
    /// What is kept of the lines that the module writes with ``Context/log``.
    public var log = ModuleLogOptions()
    /// What is remembered of changes, for clients of a server that lose their connection and go on where they were.
    public var resuming = ResumeOptions()
    /// Sends the requests of procedures and handlers. Nil: they can send none.
    public var http: (any HTTPExecutor)?
    /// How many procedures and handlers may run at once, those that sleep included. A call beyond that is refused with
    /// ``DatabaseError/Code/limitReached``.
    public var procedureLimit = 10_000
    /// Told of failures of procedures and handlers that nobody else hears of, for the log of the program: of a durable
    /// procedure that went on after a restart, and of handlers. (Scheduled ones are told to ``onScheduleFailure``.)
    /// Called on any thread, without the database's lock.
    public var onProcedureFailure: (@Sendable (ProcedureFailure) -> Void)?
    /// Where commits go to be kept.
    package var sink: (any CommitSink)?

    /// The defaults.
    public init() {}
}
