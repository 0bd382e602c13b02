import SpacetimeEngine
import SpacetimeSATS
import Synchronization

/// One running database: its parts, each with one job.
///
/// ```
/// runner ──▶ catalog, datastore, durability (files or sink), observers ─▶ timers, live queries
///   ▲
///   ├── connections      clients coming and going
///   ├── sessions         clients watching queries
///   ├── procedures       what runs outside of transactions
///   ├── sliced jobs      go through tables, a row at a time
///   └── scheduler        calls what is due
/// ```
///
/// Parts know those that they point to, and none of them this type. So whoever runs a transaction keeps all that it needs
/// alive by keeping the runner.
package final class DatabaseCore: Sendable {
    package let runner: TransactionRunner
    package let connections: Connections
    package let sessions: Sessions
    package let procedures: Procedures
    package let routes: HTTPRoutes
    package let statements: Statements
    /// How often a client may call certain reducers, by their positions. Whoever serves clients sees to it.
    package let reducerRates: [Int: RateLimit]
    /// Nil if the module schedules nothing.
    let scheduler: Scheduler?
    /// Nil if the module has no reducers that go through tables.
    let slicedJobs: SlicedJobs?

    package var catalog: Catalog { runner.catalog }
    package var log: ModuleLog { runner.log }
    package var owner: Caller { runner.catalog.owner }
    /// Nil if the database is in memory only.
    package var files: DatabaseFiles? { runner.durability.files }
    /// False before this core takes over from another one, and once another one has taken over from it: then what the two share is
    /// the other's.
    let isCurrent: Atomic<Bool>

    /// Creates a database: tables, then `init` in the creating transaction. Or goes on with one that was recovered.
    ///
    /// - Throws: `invalidModule`, or what `init` threw. Nothing remains then.
    init(_ opening: Opening, from origin: Opening.Origin) throws {
        let options = opening.options
        let succession = origin.succession
        isCurrent = Atomic(succession == nil)
        var random = DeterministicRandom(
            seed: succession?.seed ?? options.seed ?? UInt64.random(in: .min ... .max))
        let hashSeed = random.next()
        let datastore = origin.recovered?.datastore ?? Datastore(hashSeed: hashSeed)
        let history = Self.history(random, from: origin.recovered?.nextOffset ?? 0, at: options.clock.now())
        let catalog = try Catalog(opening, from: origin, in: datastore, history: history)
        let timers = try ScheduleTimers(catalog.schema, datastore)
        let state = StateBlocks.take(
            TransactionState(owner: catalog.owner, scratch: Scratch(), tableMap: catalog.tableMap))
        let followed = FollowedTables(datastore, state)
        let queries = LiveQueries(followed, catalog, datastore, resuming: options.resuming)
        var observers: [any CommitObserver] = []
        if let timers { observers.append(timers) }
        observers.append(queries)
        runner = TransactionRunner(
            state, datastore, catalog, module: opening.module, clock: options.clock,
            durability: Durability(origin.files, sink: options.sink),
            log: succession?.log
                ?? ModuleLog(options.log, clock: options.clock, files: origin.files?.logFiles(options.log)),
            observers: observers,
            onAfterRollbackFailure: options.onAfterRollbackFailure)
        connections = Connections(runner, random)
        statements = Statements(runner)
        reducerRates = opening.traits.reducerRates
        sessions = Sessions(runner, queries)
        let procedures = Procedures(
            runner, options.procedures, durable: opening.traits.durableProcedures,
            // Another sequence than that of the connections' ids, which are drawn from a copy.
            seed: random.next() ^ 0x9E37_79B9_7F4A_7C15)
        self.procedures = procedures
        routes = HTTPRoutes(catalog.schema)
        scheduler = timers.map { [runner] in
            Scheduler(runner, $0, followed, procedures, onFailure: options.onScheduleFailure)
        }
        slicedJobs = try SlicedJobs(opening.traits.slicedJobs, runner, onFailure: options.onScheduleFailure)
        if let recovered = origin.recovered {
            runner.state.nextOffset = recovered.nextOffset
        } else {
            try opening.module.prepare(for: catalog.identity)
            try runner.create(callingInit: options.callsInit)
        }
    }

    /// A name for the commits of this core. With a seed that was given it differs from that of another run if that was at another
    /// time, or had other commits before it.
    ///
    /// - Parameter random: a copy, so that all else is drawn as if there were no history.
    private static func history(_ random: DeterministicRandom, from offset: UInt64, at now: Timestamp) -> UInt128 {
        var random = random
        var mixer = DeterministicRandom(seed: random.next() ^ offset &* 0x9E37_79B9_7F4A_7C15)
        var timed = DeterministicRandom(seed: mixer.next() ^ UInt64(bitPattern: now.microsecondsSinceUnixEpoch))
        return UInt128(timed.next()) << 64 | UInt128(timed.next())
    }

    deinit {
        guard isCurrent.load(ordering: .acquiring) else { return }
        procedures.close()
        log.close()
    }

    /// Begins to do what the database does by itself: calls what is due, goes on with what was interrupted.
    ///
    /// - Parameter calls: the durable calls that nobody goes on with; nil for all.
    func start(goingOnWith calls: [DurableCallRow]? = nil) throws(DatabaseError) {
        for route in catalog.ignoredRoutes {
            log.appendOfHost(
                .warn, "Ignoring route \(route): only the outermost module answers requests; give it a route of its own"
            )
        }
        try scheduler?.start()
        try slicedJobs?.start()
        let left = if let calls { calls } else { try procedures.durableCallRows(in: runner.snapshot()) }
        try procedures.resume(left)
    }
}
