import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// One opening of a database: from its module and its files, if it has any, to a core that runs.
///
/// The order matters. Whatever can refuse the opening comes first and changes no file: the module's definition, the
/// recovery, the migration, `init`. Commits that these make wait in the log. `DatabaseFiles.begin()` is the point of no
/// return, and only behind it are other people's reducers called: those for clients that were left behind, and schedules.
struct Opening {
    let module: any ModuleHost
    /// What it says beyond its definition.
    let traits: ModuleTraits
    let options: OpeningOptions
    /// What the module says it defines.
    let definition: RawModuleDefV10
    /// The same, checked and resolved.
    let schema: ModuleSchema
    /// The program that the module is, if it was published.
    let program: StoredProgram?

    /// - Throws: `invalidModule` with all problems. Asked first, since reading all of the files would not make an invalid
    ///   module valid.
    init(
        _ module: any ModuleHost, _ options: OpeningOptions, program: StoredProgram? = nil
    ) throws(DatabaseError) {
        self.program = program
        self.module = module
        traits = module.traits
        self.options = options
        definition = try module.describe()
        schema = try DatabaseCore.validate(definition)
    }

    /// What the core of a database begins with.
    struct Origin {
        var identity: Identity
        var owner: Identity
        /// Nil if it is in memory only.
        var files: DatabaseFiles?
        /// Nil if it is to be created.
        var recovered: RecoveredDatabase?
        /// Nil if no core runs the database yet.
        var succession: Succession?
    }

    /// What a core takes over from the one that ran the database before.
    struct Succession {
        let log: ModuleLog
        /// What the random numbers of the new core follow from.
        let seed: UInt64
        /// Tables of the core before that go with it.
        let hiddenTables: Set<TableID>
    }

    /// The origin of a database that is created.
    private func new(in files: DatabaseFiles?) -> Origin {
        Origin(
            identity: options.identity ?? .local("database \(options.name)"), owner: options.owner ?? .local("owner"),
            files: files)
    }

    /// The origin of a database that goes on.
    private func continuing(_ recovered: RecoveredDatabase, in files: DatabaseFiles?) -> Origin {
        Origin(
            identity: recovered.schema.identity, owner: options.owner ?? recovered.schema.owner, files: files,
            recovered: recovered)
    }

    // MARK: Ways to open

    func run(_ location: DatabaseLocation) throws -> OpenedDatabase {
        try Migrator.check(options.migrations)
        let opened =
            switch location {
            case .memory: OpenedDatabase(core: try DatabaseCore(self, from: new(in: nil)), warnings: [])
            case .directory(let path, let storage): try openDirectory(path, storage)
            }
        try opened.core.start()
        return opened
    }

    /// The core that takes over from one that runs, whose database has become `recovered`.
    func succeed(_ recovered: RecoveredDatabase, in files: DatabaseFiles?, _ succession: Succession) throws
        -> DatabaseCore
    {
        var origin = continuing(recovered, in: files)
        origin.succession = succession
        return try DatabaseCore(self, from: origin)
    }

    /// The program that a database keeps, which is still that of old if another module of the same definition opens it.
    func storedProgram(behind old: StoredSchema?) -> StoredProgram? {
        if let program { return program }
        guard let old, old.definition == StoredSchema.bytes(of: definition) else { return nil }
        return old.program
    }

    private func openDirectory(_ path: String, _ storage: StorageOptions) throws -> OpenedDatabase {
        var random = DeterministicRandom(seed: options.seed ?? UInt64.random(in: .min ... .max))
        let found = try DatabaseFiles.open(path, options: storage, random: &random)
        do {
            return try found.recovered.map { try goOn($0, in: found.files) } ?? create(in: found.files)
        } catch {
            try? found.files.close()
            throw error
        }
    }

    func create(in files: DatabaseFiles) throws -> OpenedDatabase {
        let core = try DatabaseCore(self, from: new(in: files))
        try files.begin()
        core.log.openFiles()
        try files.waitUntilDurable(TxOffset(0))
        return OpenedDatabase(core: core, warnings: [])
    }

    func goOn(_ recovered: RecoveredDatabase, in files: DatabaseFiles) throws -> OpenedDatabase {
        if let identity = options.identity, identity != recovered.schema.identity {
            throw DatabaseError(
                .incompatibleFiles,
                "the database in '\(files.directory)' has the identity \(recovered.schema.identity), not \(identity)")
        }
        let offset = TxOffset(recovered.nextOffset)
        let migrated = try migrate(recovered)
        if let migrated {
            // The first to go out once the files begin to change.
            try migrated.record.withBytes { record throws(DatabaseError) in try files.append(record, at: offset) }
        }
        let core = try DatabaseCore(self, from: continuing(migrated?.database ?? recovered, in: files))
        try files.begin()
        core.log.openFiles()
        for warning in recovered.warnings { core.log.appendOfHost(.warn, warning) }
        if let migrated {
            core.log.note(migrated.plan)
            try files.waitUntilDurable(offset)
        }
        let failures = try core.connections.disconnectAllLeft()
        return OpenedDatabase(
            core: core,
            warnings: recovered.warnings
                + failures.map { "the disconnect reducer failed for a client that was left behind: \($0)" })
    }

    /// A database as it was once, for reading only. Tables that changed since are migrated in memory.
    func openPast(_ recovered: RecoveredDatabase) throws -> OpenedDatabase {
        var state = try migrate(recovered)?.database ?? recovered
        // The migration is no commit of its history.
        state.nextOffset = recovered.nextOffset
        let core = try DatabaseCore(self, from: continuing(state, in: nil))
        try core.makeReadOnly(
            DatabaseError(
                .readOnly,
                "the database was opened as of an offset, for reading only; open it without an offset to write"))
        return OpenedDatabase(core: core, warnings: recovered.warnings)
    }

    /// A new database in memory, which does nothing by itself.
    func openNew() throws -> DatabaseCore { try DatabaseCore(self, from: new(in: nil)) }

    /// A database that goes on from a state in memory.
    func openCopy(of recovered: RecoveredDatabase) throws -> DatabaseCore {
        try DatabaseCore(self, from: continuing(recovered, in: nil))
    }

    /// Nil if the tables are the module's already.
    func migrate(_ recovered: RecoveredDatabase) throws(DatabaseError) -> Migrator.Result? {
        do {
            return try Migrator.migrate(
                recovered, to: definition, schema, host: SystemTables.schemas(for: traits), written: options.migrations,
                program: storedProgram(behind: recovered.schema), at: options.clock.now())
        } catch  where error.code == .migrationRefused {
            // A long list of tables that are gone hides that it is the wrong directory altogether.
            guard options.identity == nil, recovered.schema.identity != new(in: nil).identity else { throw error }
            throw DatabaseError(
                error.code,
                "\(error.message)\nThe database has another identity than a module named '\(options.name)' gives to those "
                    + "that it creates. If it is the database of another program, choose another directory.",
                cause: error.cause)
        }
    }
}
