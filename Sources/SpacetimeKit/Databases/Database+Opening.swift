package import SpacetimeHost
import SpacetimeSchema

// What the ways to open a database have in common: types of this module on one side, of the host on the other.

extension Database {
    convenience init(_ opened: OpenedDatabase) { self.init(core: opened.core, warnings: opened.warnings) }

    static func open(_ storage: Storage, content: ModuleContent, options: DatabaseOptions) throws -> Database {
        try open(storage, host: content.host, name: content.name, options: options)
    }

    /// Opens a database with whatever runs its functions.
    ///
    /// - Parameter name: the module's, from which a new database gets its identity.
    package static func open(
        _ storage: Storage, host: any ModuleHost, name: String, options: DatabaseOptions
    ) throws -> Database {
        Database(try DatabaseCore.open(storage.location, module: host, options: options.opening(name)))
    }

    static func open(
        at directory: String, asOf offset: TxOffset, content: ModuleContent, options: DatabaseOptions, disk: any Disk
    ) throws -> Database {
        Database(
            try DatabaseCore.open(
                directory, before: limit(offset), on: disk, module: content.host, options: options.opening(content.name)
            ))
    }

    static func plannedMigration(
        at directory: String, content: ModuleContent, migrations: [Migration], disk: any Disk
    ) throws -> PlannedMigration? {
        var options = DatabaseOptions()
        options.migrations = migrations
        let planned = try DatabaseCore.plannedMigration(
            of: directory, on: disk, module: content.host, options: options.opening(content.name))
        return planned.map { PlannedMigration(written: $0.written, steps: $0.plan.steps.map { "\($0)" }) }
    }
}

extension DatabaseOptions {
    fileprivate func opening(_ name: String) -> OpeningOptions {
        var opening = OpeningOptions(name: name)
        opening.clock = clock
        opening.seed = seed
        opening.owner = owner
        opening.identity = identity
        opening.migrations = migrations
        opening.sink = sink
        opening.onScheduleFailure = onScheduleFailure
        opening.onAfterRollbackFailure = onAfterRollbackFailure
        opening.log = log
        opening.resuming = resuming
        opening.procedures.http = http
        opening.procedures.limit = procedureLimit
        opening.procedures.onFailure = onProcedureFailure
        return opening
    }
}
