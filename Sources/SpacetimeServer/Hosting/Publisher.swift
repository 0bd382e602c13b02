import Logging
import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Makes databases of programs that are published, changes them, and removes them.
///
/// What is done to one database is done one after the other; different databases are published beside each other, since a
/// stranger's module takes as long as it likes to be loaded and set up, up to its limits. All of it blocks, for as long as
/// compiling, migrating and the disk take: it is called on threads where that holds nobody up. What clients of the databases
/// notice is that their calls wait while a module is replaced.
final class Publisher: Sendable {
    private let options: PublishingOptions
    private let registry: DatabaseRegistry
    private let logger: Logger
    private let turns = PublishingTurns()

    init(_ options: PublishingOptions, _ registry: DatabaseRegistry, _ logger: Logger) {
        self.options = options
        self.registry = registry
        self.logger = logger
    }

    // MARK: Beginning and end

    /// Opens all databases that were published before, and finishes what was interrupted. Does nothing the second time.
    ///
    /// A database that cannot be opened is reported, and does not keep the others from being served.
    func open() throws(DatabaseError) {
        try turns.takeAll { place throws(DatabaseError) in
            if place.isOpen { return }
            if let directory = options.directory {
                let file = try RegistryFile(in: directory, on: options.storage.disk)
                try registry.keep(in: file)
                place.file = file
                try openAll(in: file)
            }
            place.isOpen = true
        }
    }

    private func openAll(in file: RegistryFile) throws(DatabaseError) {
        let records = registry.records
        try file.removeOthers(than: records)
        var opened: [Identity: HostedDatabase] = [:]
        var problems: [Identity: DatabaseError] = [:]
        for (identity, record) in records.published.sorted(by: { $0.key < $1.key }) {
            do throws(DatabaseError) {
                opened[identity] = try open(identity, record, in: file, to: records.updates[identity])
            } catch {
                problems[identity] = error
                logger.error("the database \(identity.hex) could not be opened, and is not served: \(error.message)")
            }
        }
        let (found, failed) = (opened, problems)
        try registry.change { state in
            state.databases.merge(found) { $1 }
            state.problems = failed
            // What could not be opened has its turn again at the next start.
            state.records.updates = state.records.updates.filter { failed[$0.key] != nil }
        }
    }

    /// - Parameter wanted: the program that it was to have when the server was interrupted.
    private func open(
        _ identity: Identity, _ record: RegistryRecords.Published, in file: RegistryFile, to wanted: [UInt8]?
    ) throws(DatabaseError) -> HostedDatabase {
        guard let loader = options.runtime?.loader else { throw Self.noRuntime }
        let path = file.path(of: record.directory)
        let (storage, databaseOptions) = (options.storage, options.openingOptions(identity, record.owner))
        do {
            let core = try DatabaseCore.openPublished(
                path, storage, by: loader, options: databaseOptions, keeping: wanted
            ).core
            let database = HostedDatabase(
                core,
                Publication(initialProgram: record.initialProgram, directory: record.directory, program: nil))
            if let wanted, wanted != core.catalog.stored.programHash {
                try finish(database, wanted, ProgramFiles(storage.disk, of: path), loader)
            }
            return database
        } catch { throw DatabaseError(any: error) }
    }

    /// Makes an update that was decided upon, and rehearsed, before the server was interrupted.
    private func finish(
        _ database: HostedDatabase, _ wanted: [UInt8], _ programs: ProgramFiles, _ loader: any ModuleLoader
    ) throws {
        let program = try programs.read(StoredProgram(.webAssembly, hash: wanted))
        let update = try ModuleUpdate(
            of: database.core, to: loader.load(program), program: program,
            options: options.openingOptions(database.identity, database.owner))
        try update.rehearse()
        try update.prepare(mayBreakClients: true)
        let (core, offset) = try update.commit { database.follow($0) }
        try core.runner.waitUntilDurable(offset)
        programs.removeOthers(than: StoredProgram(program))
    }

    /// Closes the databases that were published, and gives the directory to others. Nothing is published any more.
    func close() {
        turns.takeAll { place in
            for database in registry.all where database.publication != nil {
                do throws(DatabaseError) { try database.core.close() } catch {
                    logger.error("the database \(database.identity.hex) could not be closed: \(error.message)")
                }
            }
            place.file?.close()
            place = PublishingTurns.Place()
        }
    }

    // MARK: Publishing

    /// What is to become of one database.
    struct Target: Sendable {
        let identity: Identity
        let owner: Identity
        /// What an error is to call it; nil if it is the only one.
        let label: String?
        /// Nil if it is to be made.
        var database: HostedDatabase?
        /// Whether it is to begin anew, without its rows.
        var clears = false
    }

    /// What became of it.
    struct Published: Sendable {
        let identity: Identity
        let isNew: Bool
        let database: HostedDatabase
        /// The commit that it is to be waited for; nil if nothing was changed.
        let offset: TxOffset?
        /// Whether its clients are to be disconnected, and from which database.
        let disconnects: HostedDatabase?
    }

    /// On what conditions modules are replaced.
    enum Consent: Sendable {
        /// None of the clients may lose anything.
        case compatible
        /// They may, by whoever has seen the plan: its token.
        case breaksClients(token: String)
    }

    /// Gives databases a program, all or none: everything that may fail is done for all of them before the first one is
    /// changed.
    ///
    /// - Throws: why it cannot be done. No database has changed then.
    func publish(
        _ program: ModuleProgram, to targets: [Target], _ consent: Consent
    ) throws(Refusal) -> [Published] {
        let loader = try loader()
        let modules = try PublishingWork.modules(of: program, for: targets, by: loader)
        return try turns.take(targets.map(\.identity)) { (place) throws(Refusal) in
            try requireOpen(place)
            let targets = try current(targets)
            var work = PublishingWork(options, registry, place.file, program, loader, modules)
            do throws(Refusal) {
                if case .breaksClients(let token) = consent { try work.require(token, for: targets) }
                for target in targets { try work.rehearse(target, consent) }
                try work.prepare(consent)
                return try work.commit()
            } catch {
                work.abandon()
                throw error
            }
        }
    }

    /// Databases may have come or gone since it was asked for.
    private func current(_ targets: [Target]) throws(Refusal) -> [Target] {
        var current: [Target] = []
        for var target in targets {
            let database = registry.open(target.identity)
            if let database, target.database == nil, database.owner != target.owner {
                throw Refusal(403, "the database \(target.identity.hex) is somebody else's, who has just made it")
            }
            target.database = database
            current.append(target)
        }
        return current
    }

    /// What publishing a program to databases that exist would do.
    ///
    /// - Throws: 500 if the program cannot be loaded.
    func plan(
        _ program: ModuleProgram, for databases: [HostedDatabase]
    ) throws(Refusal) -> [Result<UpdatePlan, DatabaseError>] {
        let loader = try loader()
        var modules: [any ModuleHost] = []
        do throws(DatabaseError) {
            for _ in databases { modules.append(try loader.load(program)) }
        } catch { throw Refusal(500, error.message) }
        let loaded = modules
        return try turns.take(databases.map(\.identity)) { (place) throws(Refusal) in
            try requireOpen(place)
            var plans: [Result<UpdatePlan, DatabaseError>] = []
            for (database, module) in zip(databases, loaded) {
                do throws(DatabaseError) {
                    let update = try ModuleUpdate(
                        of: database.core, to: module, program: program,
                        options: options.openingOptions(database.identity, database.owner))
                    do throws(DatabaseError) { plans.append(.success(try update.plan())) } catch {
                        guard error.code == .migrationRefused else { throw error }
                        plans.append(.failure(PublishingWork.forPublishers(error)))
                    }
                } catch { throw Refusal(500, error.message) }
            }
            return plans
        }
    }

    /// The program that a published database has now.
    func program(of database: HostedDatabase) throws(Refusal) -> ModuleProgram {
        try turns.take(CollectionOfOne(database.identity)) { (place) throws(Refusal) in
            if let program = database.publication?.program.withLock({ $0 }) { return program }
            guard let file = place.file, let directory = database.publication?.directory,
                let stored = database.core.catalog.stored.program
            else { throw Refusal(500, "the database has no program that could be used again; send one") }
            do throws(DatabaseError) {
                return try ProgramFiles(file.disk, of: file.path(of: directory)).read(stored)
            } catch { throw Refusal(500, error.message) }
        }
    }

    /// Removes a database that was published, and its files.
    ///
    /// - Returns: false if it is locked.
    func delete(_ identity: Identity, _ database: HostedDatabase?) throws(Refusal) -> Bool {
        try turns.take(CollectionOfOne(identity)) { (place) throws(Refusal) in
            let directory = registry.records.published[identity]?.directory
            do throws(DatabaseError) {
                guard try registry.remove(identity) else { return false }
            } catch { throw Refusal(500, error.message) }
            // It is deleted, whatever can be cleaned up of it now.
            try? database?.core.close()
            if let directory { place.file?.remove(directory) }
            return true
        }
    }

    /// Removes programs that a database does not need any more, once its last update is on disk.
    func tidy(_ database: HostedDatabase) {
        guard let directory = database.publication?.directory else { return }
        turns.take(CollectionOfOne(database.identity)) { place in
            guard let file = place.file, let stored = database.core.catalog.stored.program else { return }
            ProgramFiles(file.disk, of: file.path(of: directory)).removeOthers(than: stored)
        }
    }

    private func loader() throws(Refusal) -> any ModuleLoader {
        guard let loader = options.runtime?.loader else { throw Refusal(501, Self.noRuntime.message) }
        return loader
    }

    private func requireOpen(_ place: PublishingTurns.Place) throws(Refusal) {
        guard place.isOpen else {
            throw Refusal(503, "the databases of this server are not open; try again when it has started")
        }
    }

    static var noRuntime: DatabaseError {
        DatabaseError(
            .notPossible,
            "this server runs the modules of its own program only; host the database in that program, or have it start the "
                + "server with a runtime for modules: ServerOptions.publishing.runtime")
    }
}
