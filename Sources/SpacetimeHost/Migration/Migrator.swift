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
        var workspace = try MigrationWorkspace(recovered, to: new)
        for migration in pending {
            do { try migration.run(&workspace) } catch {
                throw DatabaseError(
                    .migrationRefused,
                    "migration '\(migration.name)' failed, and nothing was changed: \(DatabaseError(any: error).message)",
                    cause: error)
            }
        }
        let plan: MigrationPlan
        do throws(MigrationProblems) {
            plan = try MigrationPlan.plan(from: workspace.oldSchema, to: new, exempt: workspace.handled)
        } catch {
            throw DatabaseError(
                .migrationRefused,
                "the stored tables cannot follow the module by themselves, and nothing was changed:\n\(error)",
                cause: error)
        }
        do throws(EngineError) { try workspace.carryOut(plan) } catch {
            let reason = DatabaseError(error)
            throw DatabaseError(
                .migrationRefused, "the migration is not possible, and nothing was changed: \(reason.message)",
                cause: error)
        }
        return try workspace.finish(definition, plan, pending.map(\.name), timestamp)
    }
}
