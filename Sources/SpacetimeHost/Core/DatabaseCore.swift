public import SpacetimeEngine
public import SpacetimeSATS
package import SpacetimeSchema

/// One running database: its rows, its module, its connections and its live queries.
///
/// The thread that calls runs the transaction itself, under the lock. `Sendable` is unchecked, and holds because
/// everything mutable is reached in one of three ways: `state`, the scratch writers, the reducer cache, the datastore,
/// the scheduler and the live queries only with `lock` held; the outbox has a lock of its own. What is left is immutable.
@usableFromInline
package final class DatabaseCore: @unchecked Sendable {
    @usableFromInline package let state: UnsafeMutablePointer<CoreState>
    /// Where rows are encoded before they go into the datastore.
    @usableFromInline package let rowScratch: UnsafeMutablePointer<BSATNWriter>
    @usableFromInline package let keyScratch: UnsafeMutablePointer<BSATNWriter>
    @usableFromInline package let argumentScratch: UnsafeMutablePointer<BSATNWriter>
    /// Where the record of a commit is put together.
    let logScratch: UnsafeMutablePointer<BSATNWriter>
    @usableFromInline package let datastore: Datastore
    @usableFromInline package let tableMap: TableMap

    package let schema: ModuleSchema
    package let systemTables: SystemTables
    @usableFromInline package let owner: Caller
    @usableFromInline package let identity: Identity
    let module: any ModuleHost
    let clock: any HostClock
    /// Where commits go that go to no directory.
    let sink: (any CommitSink)?
    /// Its directory; nil if it is in memory only.
    package let store: DatabaseStore?
    /// The two, as each call looks at them.
    let keeper: Keeper
    /// What the files of this database say of its tables.
    package let storedSchema: StoredSchema
    /// What never changes about the tables, the host's own included, to be read without the lock.
    let tableFacts: [TableID: TableFacts]
    let reducerIDs: [String: Int]
    /// Tables by the Swift type of their rows.
    let rowTypes: [ObjectIdentifier: RowTables]
    let reducerCache: UnsafeMutablePointer<ReducerSlot>
    static let reducerCacheCapacity = 64

    let lock = TransactionLock()
    /// Draws connection ids. Guarded by `lock`.
    let hostRandom: UnsafeMutablePointer<DeterministicRandom>
    let liveQueries: LiveQueries
    let planner: Planner
    let outbox = Outbox()
    /// Nil if the module schedules nothing.
    let scheduler: Scheduler?
    /// Told of each scheduled call that failed, without the lock.
    let onScheduleFailure: (@Sendable (ScheduleReport.Failure) -> Void)?

    /// Creates a database: tables, then `init` in the creating transaction. Or goes on with one that was recovered.
    ///
    /// - Throws: `invalidModule`, or what `init` threw. Nothing remains then.
    init(_ opening: Opening, from origin: Opening.Origin) throws {
        let (module, options, recovered) = (opening.module, opening.options, origin.recovered)
        schema = opening.schema
        var random = DeterministicRandom(seed: options.seed ?? UInt64.random(in: .min ... .max))
        let seed = random.next()
        let datastore = recovered?.datastore ?? Datastore(hashSeed: seed)
        var ids: [(TableID, [IndexID])] = []
        do throws(EngineError) {
            systemTables = try SystemTables(in: datastore)
            for table in schema.tables {
                let id =
                    if let id = datastore.tableID(named: table.name) { id } else { try datastore.createTable(table) }
                ids.append((id, datastore.indexIDs(of: id)))
            }
        } catch {
            throw DatabaseError(error)
        }
        // What was migrated before stays known, whatever migrations the program still lists.
        storedSchema = StoredSchema(
            identity: origin.identity, owner: origin.owner, definition: opening.definition, datastore,
            migrations: recovered?.schema.migrations ?? options.migrations.map(\.name))
        self.datastore = datastore
        tableFacts = TableFacts.all(in: datastore)
        self.module = module
        clock = options.clock
        store = origin.store
        sink = options.sink
        keeper =
            if options.sink != nil { .sink } else if let store { .store(.passUnretained(store)) } else { .none }
        owner = Caller(identity: origin.owner)
        identity = origin.identity
        tableMap = TableMap(ids, datastore)
        reducerIDs = Self.names(of: schema)
        rowTypes = module.rowTypes
        liveQueries = LiveQueries(datastore)
        planner = Planner(datastore)
        scheduler = try Scheduler(schema, datastore)
        onScheduleFailure = options.onScheduleFailure
        rowScratch = Self.makeWriter()
        keyScratch = Self.makeWriter()
        state = StateBlocks.take(
            CoreState(owner: owner, rowScratch: rowScratch, keyScratch: keyScratch, tableMap: tableMap))
        state.pointee.recordsArguments = keeper.keeps
        argumentScratch = Self.makeWriter()
        logScratch = Self.makeWriter()
        reducerCache = .allocate(capacity: Self.reducerCacheCapacity)
        reducerCache.initialize(repeating: ReducerSlot(address: 0, reducer: -1), count: Self.reducerCacheCapacity)
        hostRandom = .allocate(capacity: 1)
        hostRandom.initialize(to: random)
        state.pointee.core = .passUnretained(self)
        state.pointee.datastore = .passUnretained(datastore)
        if let recovered {
            state.pointee.nextOffset = recovered.nextOffset
        } else {
            try create()
        }
    }

    deinit {
        // Nobody else refers to the database any more, so no lock is needed.
        let gone = DatabaseError(
            .closed, "the database is gone, since nothing refers to it any more; keep it for as long as it is watched")
        for sink in liveQueries.removeAll() { sink.end(.failed(gone)) }
        StateBlocks.give(state)
        for writer in [rowScratch, keyScratch, argumentScratch, logScratch] {
            writer.deinitialize(count: 1).deallocate()
        }
        reducerCache.deallocate()
        hostRandom.deallocate()
        tableMap.deallocate()
    }

    private static func makeWriter() -> UnsafeMutablePointer<BSATNWriter> {
        let writer = UnsafeMutablePointer<BSATNWriter>.allocate(capacity: 1)
        writer.initialize(to: BSATNWriter(reservingCapacity: 256))
        return writer
    }

    /// Canonical names win over the names that the module wrote.
    private static func names(of schema: ModuleSchema) -> [String: Int] {
        var names: [String: Int] = [:]
        for (id, reducer) in schema.reducers.enumerated() { names[reducer.name] = id }
        for (id, reducer) in schema.reducers.enumerated() where names[reducer.sourceName] == nil {
            names[reducer.sourceName] = id
        }
        return names
    }

    /// The position of the table whose rows have a Swift type.
    ///
    /// - Parameters:
    ///   - name: which table is meant, as clients or as the code see its name; nil for the type's own.
    ///   - rowType: the type, for messages.
    /// - Throws: `noSuchTable`.
    package func tablePosition(
        of row: ObjectIdentifier, named name: String? = nil, rowType: @autoclosure () -> String
    ) throws(DatabaseError) -> Int {
        guard let tables = rowTypes[row] else {
            throw DatabaseError(
                .noSuchTable, "the module has no table of \(rowType()); list it in the module's tables")
        }
        guard let name else {
            if let own = tables.own { return own }
            throw DatabaseError(
                .noSuchTable,
                "the module has no table of \(rowType()) that needs no name, but \(names(of: tables)); say which is meant"
            )
        }
        guard
            let position = tables.all.first(where: { schema.tables[$0].name == name })
                ?? tables.all.first(where: { schema.tables[$0].sourceName == name })
        else {
            throw DatabaseError(
                .noSuchTable,
                "the module has no table '\(name)' of \(rowType()), but \(names(of: tables)); check the name")
        }
        return position
    }

    private func names(of tables: RowTables) -> String {
        tables.all.map { "'\(schema.tables[$0].name)'" }.joined(separator: ", ")
    }
}
