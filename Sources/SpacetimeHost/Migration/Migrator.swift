import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

/// A migration that somebody wrote, as the migrator sees it.
package protocol WrittenMigration: Sendable {
    var name: String { get }
    /// The tables that it says it begins with, and those that it says it leaves. Others are as they are.
    func tables() throws(DatabaseError) -> (from: [TableSchema], to: [TableSchema])
    func run(_ step: inout MigrationStep) throws
}

/// Brings a recovered database to a new definition.
///
/// The migrations run one after the other, each on the tables that the one before left, and what they leave follows the
/// module by itself. The new tables are built beside the old ones, out of the same pages where rows do not change; the
/// old data are read only. So what runs here is the rehearsal and the migration in one: if it throws, the old state is
/// all there is, and if not, one record in the log makes it final.
///
/// It is one record for all of them because nothing else keeps that promise: with a record for each, a crash in between,
/// or a later step that throws, would leave a database at a version that no released program has. One record also writes
/// each row once, however many migrations it passes, and stores the module's own definition rather than such as only ever
/// existed between two migrations.
package struct Migrator {
    /// What was done.
    package struct Result {
        package var database: RecoveredDatabase
        package var plan: MigrationPlan
        package var written: [String]
        /// The record to append to the log at `database.nextOffset - 1`.
        package var record: [UInt8]
    }

    /// - Parameters:
    ///   - definition: what the module says.
    ///   - new: the same, checked.
    ///   - host: tables of the host's own that the database is to have.
    ///   - program: the program that the module is, if it was published.
    /// - Returns: nil if the stored definition and program are the module's already, no table of the host's is missing, and no
    ///   written migration is pending.
    package static func migrate(
        _ recovered: RecoveredDatabase, to definition: RawModuleDefV10, _ new: ModuleSchema,
        host: [TableSchema] = SystemTables.schemas, written: [any WrittenMigration], program: StoredProgram? = nil,
        at timestamp: Timestamp
    ) throws(DatabaseError) -> Result? {
        let pending = try pending(written, of: recovered.schema.migrations)
        // The version that wrote the files did not have them, or the module did not need them.
        let missing = host.filter { table in !recovered.schema.tables.contains { $0.name == table.name } }
        if recovered.schema.definition == StoredSchema.bytes(of: definition), recovered.schema.program == program,
            pending.isEmpty, missing.isEmpty
        {
            return nil
        }
        let old = try recovered.schema.moduleSchema()
        let names = pending.map(\.name)
        if pending.isEmpty, old.tables == new.tables {
            // Only reducers, views or types have changed: the stored rows fit as they are.
            let kept = Set(recovered.datastore.tableIDs)
            do throws(EngineError) {
                for table in missing { _ = try recovered.datastore.createTable(table) }
            } catch {
                throw DatabaseError(error)
            }
            return finish(
                recovered, recovered.datastore, definition, MigrationPlan(steps: old != new ? [.changeFunctions] : []),
                names, program, changes: [], kept: kept, timestamp)
        }
        let stored = recovered.datastore.snapshot()
        var tables = recovered.schema.tables.compactMap { table -> MigrationTable? in
            guard let schema = stored.schema(of: table.id), schema.kind != .system else { return nil }
            return MigrationTable(stored: table.id, in: stored, schema)
        }
        for (position, migration) in pending.enumerated() {
            tables = try run(
                migration, on: tables, isFirst: position == 0, module: position == pending.count - 1 ? new.tables : nil,
                recovered.datastore.hashSeed)
        }
        tables = tables.compactMap { table in
            guard table.isOpen else { return table }
            var table = table
            if let schema = new.tables.first(where: { $0.name == table.schema.name }), table.follow(schema) {
                return table
            }
            return table.isGone ? nil : table
        }
        let plan = try plan(from: tables, to: new, after: names, unknown: unlisted(written, of: recovered.schema))
        do {
            let migrated = try MigratedDatastore(
                tables, as: new.tables, from: stored, ids: recovered.schema.tables, adding: missing,
                hashSeed: recovered.datastore.hashSeed)
            return finish(
                recovered, migrated.datastore, definition, plan, names, program, changes: migrated.changes,
                kept: migrated.kept, timestamp)
        } catch {
            throw DatabaseError(
                .migrationRefused,
                "the migration is not possible, and nothing was changed: \(DatabaseError(any: error).message)",
                cause: error)
        }
    }

    // MARK: Written migrations

    /// Refuses a list in which two have the same name, since a database remembers them by it.
    package static func check(_ written: [any WrittenMigration]) throws(DatabaseError) {
        var names: Set<String> = []
        for migration in written where !names.insert(migration.name).inserted {
            throw DatabaseError(
                .migrationRefused,
                "two migrations are named '\(migration.name)', and a database remembers by its name which it has had; "
                    + "give the newer one another name")
        }
    }

    /// Those that a database has not had: the end of the list.
    static func pending(
        _ written: [any WrittenMigration], of applied: [String]
    ) throws(DatabaseError) -> [any WrittenMigration] {
        try check(written)
        guard let last = written.lastIndex(where: { applied.contains($0.name) }) else { return written }
        if let missed = written[..<last].first(where: { !applied.contains($0.name) }) {
            throw DatabaseError(
                .migrationRefused,
                "migration '\(missed.name)' stands before '\(written[last].name)', which this database has had, but has "
                    + "not run here; list migrations in the order in which they were released, new ones at the end")
        }
        return Array(written[(last + 1)...])
    }

    /// Those that a database has had after all that are listed.
    private static func unlisted(_ written: [any WrittenMigration], of schema: StoredSchema) -> [String] {
        let listed = Set(written.map(\.name))
        let last = schema.migrations.lastIndex { listed.contains($0) } ?? -1
        return Array(schema.migrations[(last + 1)...])
    }

    private static func run(
        _ migration: any WrittenMigration, on tables: [MigrationTable], isFirst: Bool, module: [TableSchema]?,
        _ hashSeed: UInt64
    ) throws(DatabaseError) -> [MigrationTable] {
        do {
            let (from, to) = try migration.tables()
            var step = try MigrationStep(
                tables, from: from, to: to, isFirst: isFirst, module: module, hashSeed: hashSeed)
            try migration.run(&step)
            return try step.finish()
        } catch {
            throw DatabaseError(
                .migrationRefused,
                "migration '\(migration.name)' failed, and nothing was changed: \(DatabaseError(any: error).message)",
                cause: error)
        }
    }

    // MARK: What follows by itself

    /// - Parameters:
    ///   - written: the migrations that have just run.
    ///   - unknown: migrations that the database has had and this program does not list.
    private static func plan(
        from tables: [MigrationTable], to new: ModuleSchema, after written: [String], unknown: [String]
    ) throws(DatabaseError) -> MigrationPlan {
        let counts = Dictionary(tables.map { ($0.schema.name, $0.rowCount) }) { first, _ in first }
        do throws(MigrationProblems) {
            return try MigrationPlan.plan(
                from: tables.map(\.schema), to: new.tables,
                rebuilt: Set(tables.filter(\.isRebuilt).map(\.schema.name)), rowCount: { counts[$0] ?? 0 })
        } catch {
            let what = written.last.map { "the tables that migration '\($0)' leaves" } ?? "the stored tables"
            let newer =
                unknown.isEmpty
                ? ""
                : "\nThe database has had migrations that this program does not list ("
                    + unknown.map { "'\($0)'" }.joined(separator: ", ")
                    + "). If they belong to a later release, open it with that one."
            throw DatabaseError(
                .migrationRefused,
                "\(what) cannot follow the module by themselves, and nothing was changed:\n\(error)\(newer)",
                cause: error)
        }
    }

    /// The migrated database, and the record that makes it final.
    private static func finish(
        _ recovered: RecoveredDatabase, _ datastore: Datastore, _ definition: RawModuleDefV10, _ plan: MigrationPlan,
        _ written: [String], _ program: StoredProgram?, changes: [UInt8], kept: Set<TableID>, _ timestamp: Timestamp
    ) -> Result {
        let schema = StoredSchema(
            identity: recovered.schema.identity, owner: recovered.schema.owner, definition: definition, datastore,
            migrations: recovered.schema.migrations + written, program: program, keepsRows: kept.contains)
        var record = recordHead(schema, timestamp)
        record.append(changes)
        var database = recovered
        database.datastore = datastore
        database.schema = schema
        database.nextOffset += 1
        return Result(database: database, plan: plan, written: written, record: record.toArray())
    }

    /// A record of a migration, to which the changes are to be appended.
    static func recordHead(_ schema: StoredSchema, _ timestamp: Timestamp) -> BSATNWriter {
        var record = BSATNWriter()
        CommitRecord.writeHead(
            .migration, function: nil, arguments: UnsafeRawBufferPointer(start: nil, count: 0), caller: nil,
            timestamp: timestamp, schema: schema.encoded(), to: &record)
        return record
    }
}
