package import SpacetimeEngine
import SpacetimeSATS
package import SpacetimeSchema

/// The host's own tables.
///
/// Three are kept in files as the module's are: who is connected, by which credentials, and the variables. The others
/// describe the module; they are made when the database is opened, and filled when somebody asks for the first time.
package struct SystemTables: Sendable {
    package let client: TableID
    package let credentials: TableID
    package let variables: TableID
    let clientKey: IndexID
    let credentialsKey: IndexID
    let variablesKey: IndexID
    /// Of databases whose modules have, or once had, durable procedures.
    package let durable: DurableTables?
    /// Of databases whose modules have, or once had, sliced jobs.
    package let jobs: JobTable?
    /// Those that describe the module; none until ``describe(in:)``.
    private(set) var described: [(name: String, id: TableID)] = []

    /// Those that are kept in files, in the order in which a new database makes them.
    package static var schemas: [TableSchema] {
        [SystemSchemas.client.schema, SystemSchemas.credentials.schema, SystemSchemas.variables.schema]
    }

    /// All that may be kept.
    package static var known: [TableSchema] { schemas + DurableTables.schemas + [JobTable.schema] }

    /// Those that are kept for a module: what some need, others do without. A database that has one once keeps it.
    package static func schemas(for traits: ModuleTraits) -> [TableSchema] {
        schemas + (traits.durableProcedures.isEmpty ? [] : DurableTables.schemas)
            + (traits.slicedJobs.isEmpty ? [] : [JobTable.schema])
    }

    /// Finds the kept tables in a datastore that was loaded, or makes them.
    init(in datastore: Datastore, for traits: ModuleTraits) throws(EngineError) {
        func table(_ schema: TableSchema) throws(EngineError) -> TableID {
            if let id = datastore.tableID(named: schema.name) { return id }
            return try datastore.createTable(schema)
        }
        client = try table(SystemSchemas.client.schema)
        credentials = try table(SystemSchemas.credentials.schema)
        variables = try table(SystemSchemas.variables.schema)
        for schema in Self.schemas(for: traits) { _ = try table(schema) }
        clientKey = datastore.indexIDs(of: client)[0]
        credentialsKey = datastore.indexIDs(of: credentials)[0]
        variablesKey = datastore.indexIDs(of: variables)[0]
        durable = DurableTables(in: datastore)
        jobs = JobTable(in: datastore)
    }

    /// Whether a table is one of those that describe the module.
    func describes(_ table: TableID) -> Bool {
        guard let first = described.first?.id, let last = described.last?.id else { return false }
        return table >= first && table <= last
    }

    /// Makes the tables that describe the module. Their ids are behind those of all tables that are kept.
    ///
    /// - Parameter hidden: tables of the module before, which are about to go.
    mutating func describe(in datastore: Datastore, hiding hidden: Set<TableID> = []) throws(EngineError) {
        for table in SystemSchemas.all where !table.isKept {
            let known = hidden.isEmpty ? datastore.tableID(named: table.schema.name) : nil
            let id = if let known { known } else { try datastore.createTable(table.schema, isEphemeral: true) }
            described.append((table.schema.name, id))
        }
    }
}
