import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

extension DatabaseCore {
    /// Whether another core has taken over. It is found before this is true.
    package var isReplaced: Bool { runner.isReplaced }
}

/// The replacement of a running database's module: another core takes over rows, files, log and clients from the one that runs.
///
/// A core never changes its module, so whoever uses one can rely on all that it says. An update makes a second core around the
/// same rows, and for a moment nobody else can do anything with the database:
///
/// ```text
/// prepare   the old core's lock is taken: calls wait
///           tables are migrated beside the old ones, which are only read
///           the new core is made; views are evaluated; subscriptions are asked for anew
/// commit    one record goes to the log. From here on it has happened
///           sessions move, the lock of the old core is retired: who waited for it is turned away, and asks the new core
/// ```
///
/// If anything before the record fails, or the process ends, the old module goes on with the old rows. Several databases are updated
/// in one step by preparing all before the first is committed.
///
/// It blocks the thread that uses it, which is one, and must not be inside a transaction. `Sendable` is unchecked for what one
/// thread after the other does with it.
package final class ModuleUpdate: @unchecked Sendable {
    private let old: DatabaseCore
    private let opening: Opening
    private let program: ModuleProgram?

    private enum Stage {
        case begun
        /// The old core's lock is held, and the old module goes on if this is abandoned.
        case prepared(Prepared)
        case over
    }

    private struct Prepared {
        let core: DatabaseCore
        let plan: UpdatePlan
        let record: [UInt8]
        let offset: TxOffset
        let handover: SessionHandover
        /// Tables of the old core alone, in the datastore that both use; nil if each has one of its own.
        let outdated: [TableID]?
    }

    private var stage = Stage.begun

    /// - Parameters:
    ///   - core: what runs the database now.
    ///   - program: what the module was made of; nil if that is not to be kept.
    ///   - options: as when the database was opened. Its written migrations are run if the database has not had them.
    /// - Throws: `invalidModule` with all that is wrong with the definition.
    package init(
        of core: DatabaseCore, to module: any ModuleHost, program: ModuleProgram?, options: OpeningOptions
    ) throws(DatabaseError) {
        old = core
        self.program = program
        opening = try Opening(module, options, program: program.map { StoredProgram($0) })
    }

    deinit { abandon() }

    // MARK: Looking

    /// What the update would do. Nothing is changed, and nobody has to wait; whether rows meet new constraints is not looked at.
    ///
    /// - Throws: `migrationRefused`, with all that stands against it.
    package func plan() throws(DatabaseError) -> UpdatePlan {
        let stored = try old.runner.snapshot()
        let tables = old.catalog.stored.tables.compactMap { stored.schema(of: $0.id) }.filter { $0.kind != .system }
        let counts = Dictionary(
            old.catalog.stored.tables.map { ($0.name, stored.count($0.id)) }
        ) { first, _ in first }
        do throws(MigrationProblems) {
            return plan(
                try MigrationPlan.plan(from: tables, to: opening.schema.tables, rowCount: { counts[$0] ?? 0 }))
        } catch {
            throw DatabaseError(
                .migrationRefused, "the stored tables cannot follow the module by themselves:\n\(error)", cause: error)
        }
    }

    private func plan(_ migration: MigrationPlan) -> UpdatePlan {
        UpdatePlan(
            migration: migration,
            clientBreaks: old.catalog.schema.clientBreaks(becoming: opening.schema, by: migration))
    }

    // MARK: Preparing

    /// Does everything but the last step. From now on all who want something of the database wait, until ``commit(_:)`` or
    /// ``abandon()``. Takes time in proportion to the rows if tables change; else to what clients watch of views.
    ///
    /// - Parameter mayBreakClients: false refuses an update that some clients could not go on with.
    /// - Throws: why the update cannot be made. The old module goes on then, with rows and clients as they were.
    package func prepare(mayBreakClients: Bool) throws {
        guard case .begun = stage else { preconditionFailure("an update is prepared once") }
        try old.runner.requireNoTransaction()
        if old.procedures.hasDurable || !opening.traits.durableProcedures.isEmpty {
            // Two cores would go on with one call.
            throw DatabaseError(
                .notPossible,
                "a module with durable procedures is not replaced while it runs; close the database and open it with the new one"
            )
        }
        guard old.runner.lock.lock() else {
            throw DatabaseError(.moduleReplaced, "the module was replaced by somebody else meanwhile; look again")
        }
        let before = old.runner.datastore.tableIDs
        do {
            if let refusal = old.runner.state.refusal { throw refusal }
            stage = .prepared(try prepared(mayBreakClients: mayBreakClients))
        } catch {
            takeBack(to: before)
            old.log.appendOfHost(.error, "Database update failed: \(Self.text(of: error))")
            throw error
        }
    }

    private func prepared(mayBreakClients: Bool) throws -> Prepared {
        let datastore = old.runner.datastore
        old.sessions.queries.removeDeparted()
        let offset = TxOffset(old.runner.state.nextOffset)
        let state = RecoveredDatabase(
            datastore: datastore, schema: old.catalog.stored, nextOffset: offset.rawValue, databaseID: [],
            logEnd: .empty(at: offset.rawValue), warnings: [], replayedCount: 0)
        guard let migrated = try opening.migrate(state) else {
            throw DatabaseError(.notPossible, "the database has this very module already")
        }
        let plan = plan(migrated.plan)
        if plan.breaksClients, !mayBreakClients { throw plan.refusal }
        let isShared = migrated.database.datastore === datastore
        let kept = Set(datastore.keptTableIDs)
        let outdated = datastore.tableIDs.filter { !kept.contains($0) }
        let core = try opening.succeed(
            migrated.database, in: old.files,
            Opening.Succession(
                log: old.log, seed: old.connections.drawSeed(), hiddenTables: isShared ? Set(outdated) : []))
        var handover = SessionHandover()
        if !plan.breaksClients {
            // Nobody else knows of the core; but code of the module runs in it, as it does under a lock.
            try core.runner.acquire()
            defer { core.runner.release() }
            handover = try core.sessions.receive(from: old.sessions)
        }
        return Prepared(
            core: core, plan: plan, record: migrated.record, offset: offset, handover: handover,
            outdated: isShared ? outdated : nil)
    }

    /// The old core goes on as if nothing had been.
    private func takeBack(to tables: [TableID]) {
        let datastore = old.runner.datastore
        let known = Set(tables)
        // None of them is in use, and there is no transaction.
        for table in datastore.tableIDs where !known.contains(table) { try? datastore.dropTable(table) }
        old.sessions.queries.followed?.reassert()
        old.runner.lock.unlock()
    }

    /// Ends an update that was prepared and is not to be made. The old module goes on.
    package func abandon() {
        guard case .prepared(let prepared) = stage else { return }
        stage = .over
        takeBack(
            to: prepared.outdated.map { $0 + old.catalog.stored.tables.map(\.id) } ?? old.runner.datastore.tableIDs)
    }

    // MARK: Committing

    /// Makes the update. The commit is on its way to the disk when this returns; see ``TransactionRunner/durable(_:)``.
    ///
    /// - Parameter publish: called with the new core before the old one turns anybody away: from then on it is to be found by those
    ///   who look for the database. It must not use the core.
    /// - Throws: if the record cannot be kept. The old module goes on then.
    /// - Returns: the new core, and the commit.
    package func commit(_ publish: (DatabaseCore) -> Void) throws(DatabaseError) -> (
        core: DatabaseCore, offset: TxOffset
    ) {
        guard case .prepared(let prepared) = stage else { preconditionFailure("an update is prepared first") }
        do throws(DatabaseError) { try old.runner.durability.keep(prepared.record, at: prepared.offset) } catch {
            abandon()
            old.log.appendOfHost(.error, "Database update failed: \(error.message)")
            throw error
        }
        stage = .over
        let core = prepared.core
        note(prepared.plan)
        if prepared.plan.breaksClients {
            old.sessions.endAll(.failed(Self.moduleExited))
        } else {
            core.sessions.complete(prepared.handover, at: prepared.offset)
        }
        old.scheduler?.stop()
        old.slicedJobs?.stop()
        old.sessions.queries.letGo()
        for table in prepared.outdated ?? [] { try? old.runner.datastore.dropTable(table) }
        core.sessions.queries.followed?.reassert()
        core.isCurrent.store(true, ordering: .releasing)
        old.isCurrent.store(false, ordering: .releasing)
        old.sessions.successor.withLock { $0 = core.sessions }
        // In one datastore ids stay the same.
        let successor = TransactionRunner.Successor(runner: core.runner, keepsIDs: prepared.outdated != nil)
        old.runner.successor.withLock { $0 = successor }
        publish(core)
        old.runner.lock.retire()
        old.sessions.forwardDepartures()
        old.sessions.queries.deliver()
        core.sessions.queries.deliver()
        try core.start()
        return (core, prepared.offset)
    }

    private func note(_ plan: UpdatePlan) {
        if let program { old.log.appendOfHost(.info, "Updated program to \(program.hash.hexText)") }
        if plan.breaksClients { old.log.appendOfHost(.info, "Disconnecting all users") }
        old.log.note(plan.migration)
    }

    /// What clients are told whom an update disconnects.
    private static var moduleExited: DatabaseError {
        DatabaseError(.closed, "the module was replaced by one that is made for other clients; connect again")
    }

    private static func text(of error: any Error) -> String { (error as? DatabaseError)?.message ?? "\(error)" }
}
