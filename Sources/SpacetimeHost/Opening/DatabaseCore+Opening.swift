package import SpacetimeDurability
package import SpacetimeSchema

/// The ways to open a database, of whatever kind of module.
extension DatabaseCore {
    /// Opens the database at a location, or creates it there.
    ///
    /// Blocks while the files are read. Behind it the clients that were left behind have got their disconnect reducer, and
    /// schedules run.
    ///
    /// - Throws: ``DatabaseError``, or what `init` threw. No file has changed then, unless the disk failed.
    package static func open(
        _ location: DatabaseLocation, module: any ModuleHost, options: OpeningOptions
    ) throws -> OpenedDatabase {
        try Opening(module, options).run(location)
    }

    /// Opens a database as it was right before an offset, for reading only. Nothing is written, nothing is called.
    package static func open(
        _ directory: String, before limit: UInt64, on disk: any Disk, module: any ModuleHost, options: OpeningOptions
    ) throws -> OpenedDatabase {
        let recovered = try recover(directory, before: limit, on: disk)
        return try Opening(module, options).openPast(recovered)
    }

    /// What opening a directory would do to its tables; nil if they fit as they are. Nothing is written.
    ///
    /// - Returns: the names of the written migrations that would run, and what would follow by itself.
    package static func plannedMigration(
        of directory: String, on disk: any Disk, module: any ModuleHost, options: OpeningOptions
    ) throws -> (written: [String], plan: MigrationPlan)? {
        let recovered = try recover(directory, on: disk)
        guard let result = try Opening(module, options).migrate(recovered) else { return nil }
        // A new version of the host may add tables of its own, which concern nobody else.
        let isOfHost =
            result.written.isEmpty && result.plan.steps.isEmpty
            && recovered.schema.definition == result.database.schema.definition
        return isOfHost ? nil : (result.written, result.plan)
    }

    /// A definition, checked, with what its submodules define among its own parts.
    ///
    /// - Throws: `invalidModule` with all problems.
    package static func validate(_ definition: RawModuleDefV10) throws(DatabaseError) -> ModuleSchema {
        do { return try ModuleSchema(validating: definition).flattened() } catch {
            throw DatabaseError(.invalidModule, "the module's definition breaks rules: \(error)", cause: error)
        }
    }
}
