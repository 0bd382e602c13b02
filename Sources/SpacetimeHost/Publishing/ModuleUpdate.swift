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
/// rehearse  tables that the new module declares otherwise are built beside the old ones, which go on
/// prepare   the old core's lock is taken: calls wait
///           what was changed meanwhile is done in the new tables, and they take the places of the old ones
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
    private var isModulePrepared = false
    /// Nil if no table changes, or none has been built yet.
    private var rebuilding: TableRebuilding?
    /// Nil until tables have changed their places.
    private var exchange: TableExchange?

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
        try old.runner.holdingLock { () throws(DatabaseError) in
            try old.procedures.requireSuccessors(in: opening)
            let datastore = old.runner.datastore
            return try plan { datastore.count($0) }
        }
    }

    /// With the lock held.
    private func plan(_ rowCount: (TableID) -> Int) throws(DatabaseError) -> UpdatePlan {
        let datastore = old.runner.datastore
        let ids = old.catalog.stored.tables.filter { datastore.schema(of: $0.id)?.kind != .system }
        let byName = Dictionary(ids.map { ($0.name, $0.id) }) { first, _ in first }
        do throws(MigrationProblems) {
            var migration = try MigrationPlan.plan(
                from: ids.compactMap { datastore.schema(of: $0.id) }, to: opening.schema.tables,
                rowCount: { byName[$0].map(rowCount) ?? 0 })
            if migration.steps.isEmpty, old.catalog.schema != opening.schema { migration.steps = [.changeFunctions] }
            return plan(migration)
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

    /// Has the new module make itself ready, and builds the tables that it declares otherwise, beside the database, which goes on.
    /// Takes time in proportion to their rows. It may be left out: then ``prepare(mayBreakClients:)`` does it, and everybody waits
    /// for the tables.
    ///
    /// - Throws: `migrationRefused` if the rows cannot be those of the new tables; what the module throws that cannot be called.
    package func rehearse() throws(DatabaseError) {
        try prepareModule()
        guard case .begun = stage, rebuilding == nil, !hasWrittenMigrations else { return }
        try old.runner.requireNoTransaction()
        let changed = try old.runner.holdingLock { () throws(DatabaseError) in
            // What cannot follow is refused with all reasons, before rows are looked at.
            let datastore = old.runner.datastore
            _ = try plan { datastore.count($0) }
            return tableChanges().changed
        }
        if changed.isEmpty { return }
        rebuilding = try TableRebuilding(of: old, to: changed, isLocked: false)
    }

    private func prepareModule() throws(DatabaseError) {
        if isModulePrepared { return }
        try opening.module.prepare(for: old.catalog.identity)
        isModulePrepared = true
    }

    /// Does everything but the last step. From now on all who want something of the database wait, until ``commit(_:)`` or
    /// ``abandon()``. Takes time in proportion to what clients watch of views; and to the rows of tables that change, unless
    /// ``rehearse()`` came before.
    ///
    /// - Parameter mayBreakClients: false refuses an update that some clients could not go on with.
    /// - Throws: why the update cannot be made. The old module goes on then, with rows and clients as they were.
    package func prepare(mayBreakClients: Bool) throws {
        guard case .begun = stage else { preconditionFailure("an update is prepared once") }
        try old.runner.requireNoTransaction()
        do throws(DatabaseError) {
            try prepareModule()
            try rebuilding?.catchUp()
        } catch {
            abandon()
            old.log.appendOfHost(.error, "Database update failed: \(error.message)")
            throw error
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

    /// Migrations that somebody wrote run over rows that nobody may change meanwhile.
    private var hasWrittenMigrations: Bool {
        (try? Migrator.pending(opening.options.migrations, of: old.catalog.stored.migrations).isEmpty) != true
    }

    private func prepared(mayBreakClients: Bool) throws -> Prepared {
        let datastore = old.runner.datastore
        old.sessions.queries.removeDeparted()
        try old.procedures.requireSuccessors(in: opening)
        let offset = TxOffset(old.runner.state.nextOffset)
        let state = RecoveredDatabase(
            datastore: datastore, schema: old.catalog.stored, nextOffset: offset.rawValue, databaseID: [],
            logEnd: .empty(at: offset.rawValue), warnings: [], replayedCount: 0)
        var shown = ShownRows(of: old.sessions)
        let migrated: Migrator.Result
        let plan: UpdatePlan
        if hasWrittenMigrations {
            guard let result = try opening.migrate(state) else { throw Self.nothingToDo }
            migrated = result
            plan = self.plan(result.plan)
            if plan.breaksClients, !mayBreakClients { throw plan.refusal }
        } else {
            plan = try self.plan { datastore.count($0) }
            if plan.breaksClients, !mayBreakClients { throw plan.refusal }
            if !tableChanges().isEmpty, !plan.breaksClients { try shown.gather() }
            migrated = try exchanged(state, plan.migration)
        }
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
            handover = try core.sessions.receive(from: old.sessions, shown)
        }
        return Prepared(
            core: core, plan: plan, record: migrated.record, offset: offset, handover: handover,
            outdated: isShared ? outdated : nil)
    }

    private static var nothingToDo: DatabaseError {
        DatabaseError(.notPossible, "the database has this very module already")
    }

    // MARK: Tables

    /// What differs between the tables that there are and those that the new module defines. With the lock held.
    private func tableChanges() -> TableExchange.Changes {
        TableExchange.Changes(
            in: old.runner.datastore, of: old.catalog.stored,
            to: opening.schema.tables + SystemTables.schemas(for: opening.traits))
    }

    /// Has tables change their places, and makes the record of it.
    private func exchanged(_ state: RecoveredDatabase, _ plan: MigrationPlan) throws(DatabaseError) -> Migrator.Result {
        let changes = tableChanges()
        let stored = state.schema
        let program = opening.storedProgram(behind: stored)
        if stored.definition == StoredSchema.bytes(of: opening.definition), stored.program == program, changes.isEmpty {
            throw Self.nothingToDo
        }
        if rebuilding?.isOutOfDate == true {
            rebuilding?.endTrail()
            rebuilding = nil
        }
        if rebuilding == nil, !changes.changed.isEmpty {
            rebuilding = try TableRebuilding(of: old, to: changes.changed, isLocked: true)
        }
        try rebuilding?.finish()
        let exchange = TableExchange(in: state.datastore)
        // From here on it is to be undone if anything fails.
        self.exchange = exchange
        do throws(EngineError) { try exchange.make(changes, rebuilding?.detachAll() ?? []) } catch {
            throw DatabaseError(error)
        }
        let (rebuilding, added) = (rebuilding, exchange.added)
        let schema = StoredSchema(
            identity: stored.identity, owner: stored.owner, definition: opening.definition, state.datastore,
            migrations: stored.migrations, program: program,
            keepsRows: { rebuilding?.keepsRows($0) ?? !added.contains($0) })
        var record = Migrator.recordHead(schema, opening.options.clock.now())
        rebuilding?.appendChanges(to: &record)
        if !changes.isEmpty { state.datastore.encodeSequences(into: &record) }
        var database = state
        database.schema = schema
        database.nextOffset += 1
        return Migrator.Result(database: database, plan: plan, written: [], record: record.toArray())
    }

    /// The old core goes on as if nothing had been.
    private func takeBack(to tables: [TableID]) {
        let datastore = old.runner.datastore
        let known = Set(tables)
        rebuilding?.endTrail()
        exchange?.undo()
        exchange = nil
        // None of them is in use, and there is no transaction.
        for table in datastore.tableIDs where !known.contains(table) { try? datastore.dropTable(table) }
        old.sessions.queries.followed?.reassert()
        old.runner.lock.unlock()
        rebuilding = nil
    }

    /// Ends an update that is not to be made. The old module goes on.
    package func abandon() {
        guard case .prepared(let prepared) = stage else {
            rebuilding?.end()
            rebuilding = nil
            return
        }
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
        let leftCalls = old.procedures.handOver(to: core.procedures)
        for table in prepared.outdated ?? [] { try? old.runner.datastore.dropTable(table) }
        core.sessions.queries.followed?.reassert()
        core.isCurrent.store(true, ordering: .releasing)
        old.isCurrent.store(false, ordering: .releasing)
        old.sessions.successor.withLock { $0 = core.sessions }
        // In one datastore ids stay the same, but those of tables that were built anew.
        let keepsIDs = prepared.outdated != nil && exchange?.keepsIDs != false
        let successor = TransactionRunner.Successor(runner: core.runner, keepsIDs: keepsIDs)
        old.runner.successor.withLock { $0 = successor }
        publish(core)
        old.runner.lock.retire()
        old.sessions.forwardDepartures()
        old.sessions.queries.deliver()
        core.sessions.queries.deliver()
        // Tables that nobody has any more: to clear them away takes its time.
        exchange = nil
        rebuilding = nil
        try core.start(goingOnWith: leftCalls)
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

extension TransactionRunner {
    /// Calls a body with the lock held, outside of transactions.
    fileprivate func holdingLock<Result>(
        _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        try acquire()
        defer { release() }
        return try body()
    }
}
