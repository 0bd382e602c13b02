import SpacetimeHost
import SpacetimeSchema

// What the ways to open a database have in common: types of this module on one side, of the host on the other.

extension Database {
    convenience init(_ opened: OpenedDatabase) { self.init(core: opened.core, warnings: opened.warnings) }

    static func open(_ storage: Storage, content: ModuleContent, options: DatabaseOptions) throws -> Database {
        Database(
            try DatabaseCore.open(storage.location, module: content.host, options: options.opening(content)))
    }

    static func open(
        at directory: String, asOf offset: TxOffset, content: ModuleContent, options: DatabaseOptions, disk: any Disk
    ) throws -> Database {
        Database(
            try DatabaseCore.open(
                directory, before: limit(offset), on: disk, module: content.host, options: options.opening(content)))
    }

    static func plannedMigration(
        at directory: String, content: ModuleContent, migrations: [Migration], disk: any Disk
    ) throws -> PlannedMigration? {
        var options = DatabaseOptions()
        options.migrations = migrations
        let planned = try DatabaseCore.plannedMigration(
            of: directory, on: disk, module: content.host, options: options.opening(content))
        return planned.map { PlannedMigration(written: $0.written, steps: $0.plan.steps.map { "\($0)" }) }
    }
}

extension DatabaseOptions {
    fileprivate func opening(_ content: ModuleContent) -> OpeningOptions {
        var opening = OpeningOptions(name: content.name)
        opening.clock = clock
        opening.seed = seed
        opening.owner = owner
        opening.identity = identity
        opening.migrations = migrations
        opening.sink = sink
        opening.onScheduleFailure = onScheduleFailure
        opening.onAfterRollbackFailure = onAfterRollbackFailure
        opening.log = log
        opening.procedures.http = http
        opening.procedures.limit = procedureLimit
        opening.procedures.onFailure = onProcedureFailure
        return opening
    }
}
