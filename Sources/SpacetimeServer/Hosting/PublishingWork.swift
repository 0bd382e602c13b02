import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// One publication of a program to one database or several: first everything that may fail, for all of them, then the changes.
struct PublishingWork: ~Copyable {
    private let options: PublishingOptions
    private let registry: DatabaseRegistry
    /// Nil if databases are kept in memory only.
    private let file: RegistryFile?
    private let program: ModuleProgram
    private let loader: any ModuleLoader
    /// The program, loaded for each database that seemed to need it.
    private let modules: [Identity: any ModuleHost]

    private enum Prepared {
        /// It has this program already.
        case unchanged(HostedDatabase)
        /// A new database, of which nobody knows yet, instead of the old one if there is one.
        case made(HostedDatabase, instead: HostedDatabase?)
        /// Nobody but the update can use the database once it is prepared.
        case update(ModuleUpdate, HostedDatabase, breaksClients: Bool)
    }

    private var prepared: [Prepared] = []
    /// The targets of those, for messages.
    private var targets: [Publisher.Target] = []

    init(
        _ options: PublishingOptions, _ registry: DatabaseRegistry, _ file: RegistryFile?, _ program: ModuleProgram,
        _ loader: any ModuleLoader, _ modules: [Identity: any ModuleHost]
    ) {
        self.options = options
        self.registry = registry
        self.file = file
        self.program = program
        self.loader = loader
        self.modules = modules
    }

    // MARK: What others need not wait for

    /// Loads a program for each database that has another one.
    static func modules(
        of program: ModuleProgram, for targets: [Publisher.Target], by loader: any ModuleLoader
    ) throws(Refusal) -> [Identity: any ModuleHost] {
        var modules: [Identity: any ModuleHost] = [:]
        for target in targets {
            if let database = target.database, !target.clears, has(database, program) { continue }
            do throws(DatabaseError) { modules[target.identity] = try loader.load(program) } catch {
                throw refusal(500, error.message, target)
            }
        }
        return modules
    }

    private static func has(_ database: HostedDatabase, _ program: ModuleProgram) -> Bool {
        database.core.catalog.stored.program == StoredProgram(program)
    }

    /// Databases may have changed since programs were loaded for them.
    private func module(for target: Publisher.Target) throws(DatabaseError) -> any ModuleHost {
        if let module = modules[target.identity] { return module }
        return try loader.load(program)
    }

    // MARK: What may fail

    /// - Throws: 400 if a token is not that of a plan for these databases, as they are now, and this program.
    func require(_ token: String, for targets: [Publisher.Target]) throws(Refusal) {
        let databases = targets.compactMap(\.database)
        if databases.isEmpty || PlanToken.text(databases, program) == token { return }
        throw Refusal(
            400,
            "Failed to create or update the database: the token is not that of a plan for this module and the database as it is "
                + "now; make a new plan with pre_publish")
    }

    /// Does for one database what nobody need wait for: looks whether it can be done, makes a new one, builds tables that change.
    mutating func rehearse(_ target: Publisher.Target, _ consent: Publisher.Consent) throws(Refusal) {
        do throws(Refusal) { prepared.append(try rehearsed(target, consent)) } catch {
            throw Self.refusal(error.status, error.text, target)
        }
        targets.append(target)
    }

    /// Does what is left but to commit it. From here on all who want something of the databases wait.
    mutating func prepare(_ consent: Publisher.Consent) throws(Refusal) {
        let mayBreakClients = if case .breaksClients = consent { true } else { false }
        for (entry, target) in zip(prepared, targets) {
            guard case .update(let update, _, _) = entry else { continue }
            do { try update.prepare(mayBreakClients: mayBreakClients) } catch {
                throw Self.refusal(
                    400, "Failed to create or update the database: \(FailureText.of(error))", target)
            }
        }
    }

    /// Names the database, if there are several.
    private static func refusal(_ status: Int, _ text: String, _ target: Publisher.Target) -> Refusal {
        guard let label = target.label else { return Refusal(status, text) }
        return Refusal(status, "\(text) (database `\(label)`; none of the databases was changed)")
    }

    private func rehearsed(
        _ target: Publisher.Target, _ consent: Publisher.Consent
    ) throws(Refusal) -> Prepared {
        guard let database = target.database, !target.clears else {
            return .made(try make(target), instead: target.database)
        }
        if Self.has(database, program) { return .unchanged(database) }
        let update: ModuleUpdate
        do throws(DatabaseError) {
            update = try ModuleUpdate(
                of: database.core, to: module(for: target), program: program,
                options: options.openingOptions(target.identity, target.owner))
        } catch { throw Refusal(500, error.message) }
        let plan: UpdatePlan
        do throws(DatabaseError) { plan = try update.plan() } catch {
            throw Refusal(400, "Database update rejected: \(Self.forPublishers(error).message)")
        }
        do {
            let mayBreakClients = if case .breaksClients = consent { true } else { false }
            // Before anything else is tried, since it is quickly said.
            if plan.breaksClients, !mayBreakClients { throw plan.refusal }
            if let directory = database.publication?.directory, let file {
                try ProgramFiles(file.disk, of: file.path(of: directory)).keep(program)
            }
            try update.rehearse()
        } catch {
            throw Refusal(400, "Failed to create or update the database: \(FailureText.of(error))")
        }
        return .update(update, database, breaksClients: plan.breaksClients)
    }

    /// What stands against an update, for somebody whose module is not in Swift and cannot list migrations.
    static func forPublishers(_ error: DatabaseError) -> DatabaseError {
        guard error.code == .migrationRefused else { return error }
        return DatabaseError(
            .migrationRefused,
            "\(error.message)\nModules that are published bring no migrations: keep what is stored, add columns last and with "
                + "default values, or publish with clear=true, which removes all rows",
            cause: error)
    }

    private func make(_ target: Publisher.Target) throws(Refusal) -> HostedDatabase {
        var directory: String?
        do {
            let module = try module(for: target)
            directory = try file?.newDirectory(for: target.identity)
            let location: DatabaseLocation =
                if let file, let directory { .directory(file.path(of: directory), options.storage) } else { .memory }
            let core = try DatabaseCore.publish(
                program, as: module, at: location, options: options.openingOptions(target.identity, target.owner)
            ).core
            return HostedDatabase(
                core,
                Publication(
                    initialProgram: program.hash, directory: directory, program: directory == nil ? program : nil))
        } catch {
            if let directory { file?.remove(directory) }
            if let error = error as? SenderError {
                throw Refusal(500, "the module's `init` refuses the new database: \(error.message)")
            }
            throw Refusal(500, FailureText.of(error))
        }
    }

    /// Nothing has happened.
    mutating func abandon() {
        for entry in prepared {
            switch entry {
            case .unchanged: break
            case .made(let database, _): discard(database)
            case .update(let update, _, _): update.abandon()
            }
        }
        prepared = []
    }

    private func discard(_ database: HostedDatabase) {
        try? database.core.close()
        if let directory = database.publication?.directory { file?.remove(directory) }
    }

    // MARK: Changes

    /// Makes the changes. With several updates they are noted first, so that a crash in the middle does not leave some of the
    /// databases behind.
    ///
    /// - Throws: 500 if nothing can be written any more. What then has not happened yet does not.
    mutating func commit() throws(Refusal) -> [Publisher.Published] {
        let (entries, hash) = (prepared, program.hash)
        let updated = entries.compactMap { entry -> Identity? in
            guard case .update(_, let database, _) = entry, database.publication?.directory != nil else { return nil }
            return database.identity
        }
        do throws(DatabaseError) {
            try registry.change { state in
                for case .made(let database, _) in entries {
                    state.databases[database.identity] = database
                    state.problems[database.identity] = nil
                    guard let publication = database.publication, let directory = publication.directory else {
                        continue
                    }
                    state.records.published[database.identity] = RegistryRecords.Published(
                        owner: database.owner, directory: directory, initialProgram: publication.initialProgram)
                }
                if updated.count > 1 { for identity in updated { state.records.updates[identity] = hash } }
            }
        } catch { throw Refusal(500, error.message) }
        var done: [Publisher.Published] = []
        var failure: DatabaseError?
        for entry in entries {
            do throws(DatabaseError) { done.append(try commit(entry)) } catch { failure = failure ?? error }
        }
        prepared = []
        if let failure { throw Refusal(500, failure.message) }
        if updated.count > 1 {
            // Not before all of them would be found again.
            for published in done {
                guard let offset = published.offset else { continue }
                do throws(DatabaseError) { try published.database.core.runner.waitUntilDurable(offset) } catch {
                    throw Refusal(503, error.message)
                }
            }
            // If this cannot be kept, the next start finds that there is nothing to be done.
            try? registry.change { state in for identity in updated { state.records.updates[identity] = nil } }
        }
        return done
    }

    private func commit(_ entry: Prepared) throws(DatabaseError) -> Publisher.Published {
        switch entry {
        case .unchanged(let database):
            return .init(identity: database.identity, isNew: false, database: database, offset: nil, disconnects: nil)
        case .made(let database, let old):
            // What was there before is nobody's any more.
            if let old { discard(old) }
            return .init(
                identity: database.identity, isNew: old == nil, database: database, offset: nil, disconnects: old)
        case .update(let update, let database, let breaksClients):
            let (_, offset) = try update.commit { database.follow($0) }
            if database.publication?.directory == nil { database.publication?.program.withLock { $0 = program } }
            return .init(
                identity: database.identity, isNew: false, database: database, offset: offset,
                disconnects: breaksClients ? database : nil)
        }
    }
}

/// What ties somebody's consent to a plan: to the databases, to their modules as they were then, and to the new one.
enum PlanToken {
    static func text(_ databases: [HostedDatabase], _ program: ModuleProgram) -> String {
        let parts = databases.sorted { $0.identity < $1.identity }.map {
            "\($0.identity.hex)\($0.moduleHash.hexText)\(program.hash.hexText)"
        }
        return HashText.text(Keccak256.hash(Array(parts.joined().utf8)))
    }
}
