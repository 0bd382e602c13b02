import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

extension Database {
    static func open(_ storage: Storage, content: ModuleContent, options: DatabaseOptions) throws -> Database {
        let database = try openWithoutSchedules(storage, content: content, options: options)
        try database.core.startSchedules()
        return database
    }

    /// The database, with nothing called yet of what is scheduled.
    private static func openWithoutSchedules(
        _ storage: Storage, content: ModuleContent, options: DatabaseOptions
    ) throws -> Database {
        try Migrator.check(options.migrations)
        let module = NativeModule(content)
        guard let (path, storageOptions) = storage.directory else {
            return Database(core: try DatabaseCore(module: module, options: options.core(for: content)))
        }
        // Reading all of the files would not make an invalid module valid.
        _ = try DatabaseCore.validate(module.describe())
        var core = options.core(for: content)
        var random = DeterministicRandom(seed: options.seed ?? UInt64.random(in: .min ... .max))
        let opening = try DatabaseStore.open(path, options: storageOptions, random: &random)
        do {
            core.store = opening.store
            guard let recovered = opening.recovered else {
                let database = Database(core: try DatabaseCore(module: module, options: core))
                try opening.store.begin()
                try opening.store.waitUntilDurable(TxOffset(0))
                return database
            }
            return try open(recovered, module, core, options, opening.store)
        } catch {
            try? opening.store.close()
            throw error
        }
    }

    private static func open(
        _ recovered: RecoveredDatabase, _ module: NativeModule, _ options: CoreOptions, _ given: DatabaseOptions,
        _ store: DatabaseStore
    ) throws -> Database {
        var options = options
        if let identity = given.identity, identity != recovered.schema.identity {
            throw DatabaseError(
                .incompatibleFiles,
                "the database in '\(store.directory)' has the identity \(recovered.schema.identity), not \(identity)")
        }
        options.identity = recovered.schema.identity
        options.owner = given.owner ?? recovered.schema.owner
        var recovered = recovered
        let offset = TxOffset(recovered.nextOffset)
        var isMigrated = false
        if let result = try Migrator.migrate(
            recovered, to: module.describe(), written: given.migrations, at: options.clock.now())
        {
            try result.record.withUnsafeBytes { bytes in
                do throws(DatabaseError) { try store.append(bytes, at: offset) } catch { throw error }
            }
            recovered = result.database
            isMigrated = true
        }
        let core = try DatabaseCore(module: module, options: options, recovered: recovered)
        // Until here the opening could be refused, and no file has changed. The migration's record is the first to go out.
        try store.begin()
        if isMigrated { try store.waitUntilDurable(offset) }
        let failures = try core.disconnectLeftClients()
        return Database(
            core: core,
            warnings: recovered.warnings
                + failures.map { "the disconnect reducer failed for a client that was left behind: \($0)" })
    }
}

extension Database {
    static func openForReading(
        _ recovered: RecoveredDatabase, content: ModuleContent, options: DatabaseOptions
    ) throws -> Database {
        let module = NativeModule(content)
        var core = options.core(for: content)
        core.identity = recovered.schema.identity
        core.owner = options.owner ?? recovered.schema.owner
        let migrated = try Migrator.migrate(
            recovered, to: module.describe(), written: options.migrations, at: options.clock.now())
        var state = migrated?.database ?? recovered
        state.nextOffset = recovered.nextOffset
        let database = Database(
            core: try DatabaseCore(module: module, options: core, recovered: state), warnings: recovered.warnings)
        try database.core.makeReadOnly(
            DatabaseError(.readOnly, "the database was opened as of an offset, for reading only"))
        return database
    }
}

extension DatabaseOptions {
    func core(for content: ModuleContent) -> CoreOptions {
        var core = CoreOptions(
            owner: owner ?? Identity(issuer: localIssuer, subject: "owner"),
            identity: identity ?? Identity(issuer: localIssuer, subject: "database \(content.name)"))
        core.clock = clock
        core.seed = seed
        core.sink = sink
        core.migrations = migrations.map(\.name)
        core.onScheduleFailure = onScheduleFailure
        return core
    }
}
