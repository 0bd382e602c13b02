import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

/// A migration that somebody wrote, as the migrator sees it.
package protocol WrittenMigration: Sendable {
    var name: String { get }
    func run(_ migration: inout MigrationWorkspace) throws
}

/// Brings a recovered database to a new definition.
///
/// The new tables are built beside the old ones, out of the same pages where rows do not change; the old data are read
/// only. So what runs here is the rehearsal and the migration in one: if it throws, the old state is all there is, and
/// if not, one record in the log makes it final.
package struct Migrator {
    /// What was done.
    package struct Result {
        package var database: RecoveredDatabase
        package var plan: MigrationPlan
        package var written: [String]
        /// The record to append to the log at `database.nextOffset - 1`.
        package var record: [UInt8]
    }

    /// - Returns: nil if the stored definition is the module's already and no written migration is pending.
    package static func migrate(
        _ recovered: RecoveredDatabase, to definition: RawModuleDefV10, written: [any WrittenMigration],
        at timestamp: Timestamp
    ) throws(DatabaseError) -> Result? {
        let pending = written.filter { !recovered.schema.migrations.contains($0.name) }
        if recovered.schema.definition == StoredSchema.bytes(of: definition), pending.isEmpty { return nil }
        let new = try DatabaseCore.validate(definition)
        let old = try recovered.schema.moduleSchema()
        let names = pending.map(\.name)
        if pending.isEmpty, old.tables == new.tables {
            // Reducers, views or types: what is stored fits as it is.
            return finish(
                recovered, recovered.datastore, definition, try plan(from: old, to: new, exempt: []), names,
                changes: [],
                kept: Set(recovered.datastore.tableIDs), timestamp)
        }
        var workspace = try MigrationWorkspace(recovered, to: new)
        for migration in pending {
            do { try migration.run(&workspace) } catch {
                throw DatabaseError(
                    .migrationRefused,
                    "migration '\(migration.name)' failed, and nothing was changed: \(DatabaseError(any: error).message)",
                    cause: error)
            }
        }
        let plan = try plan(from: old, to: new, exempt: workspace.handled)
        do throws(EngineError) {
            try workspace.carryOut(plan)
            let (changes, kept) = try workspace.finish(plan)
            return finish(
                recovered, workspace.datastore, definition, plan, names, changes: changes, kept: kept, timestamp)
        } catch {
            throw DatabaseError(
                .migrationRefused,
                "the migration is not possible, and nothing was changed: \(DatabaseError(error).message)", cause: error)
        }
    }

    private static func plan(
        from old: ModuleSchema, to new: ModuleSchema, exempt: Set<String>
    ) throws(DatabaseError) -> MigrationPlan {
        do throws(MigrationProblems) { return try MigrationPlan.plan(from: old, to: new, exempt: exempt) } catch {
            throw DatabaseError(
                .migrationRefused,
                "the stored tables cannot follow the module by themselves, and nothing was changed:\n\(error)",
                cause: error)
        }
    }

    /// The migrated database, and the record that makes it final.
    private static func finish(
        _ recovered: RecoveredDatabase, _ datastore: Datastore, _ definition: RawModuleDefV10, _ plan: MigrationPlan,
        _ written: [String], changes: [UInt8], kept: Set<TableID>, _ timestamp: Timestamp
    ) -> Result {
        let schema = StoredSchema(
            identity: recovered.schema.identity, owner: recovered.schema.owner, definition: definition, datastore,
            migrations: recovered.schema.migrations + written, keepsRows: kept.contains)
        var record = BSATNWriter()
        CommitRecord.writeHead(
            .migration, reducer: nil, arguments: UnsafeRawBufferPointer(start: nil, count: 0), caller: nil,
            timestamp: timestamp, schema: schema.encoded(), to: &record)
        record.append(changes)
        var database = recovered
        database.datastore = datastore
        database.schema = schema
        database.nextOffset += 1
        return Result(database: database, plan: plan, written: written, record: record.toArray())
    }
}
