import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The tables of the module, built out of those that the migrations left.
struct MigratedDatastore {
    let datastore: Datastore
    /// The rows that were written, and where all sequences are, as the log keeps it.
    private(set) var changes: [UInt8] = []
    /// Tables that have the rows of the stored table with the same id instead.
    private(set) var kept: Set<TableID> = []

    /// - Parameters:
    ///   - stored: the rows as they were stored.
    ///   - ids: the tables that are stored, the host's own included.
    ///   - host: tables of the host's own that are to be made.
    /// - Throws: `EngineError` if rows do not obey the module's constraints.
    init(
        _ tables: [MigrationTable], as module: [TableSchema], from stored: DatastoreSnapshot,
        ids: [StoredSchema.Table], adding host: [TableSchema], hashSeed: UInt64
    ) throws {
        datastore = Datastore(hashSeed: hashSeed)
        try keepSystemTables(ids, stored)
        let byName = Dictionary(tables.map { ($0.schema.name, $0) }) { first, _ in first }
        // A table keeps its id over renames, which is how its rows are found when the log is replayed.
        var next = (ids.map(\.id.rawValue).max() ?? 0) + 1
        var planned: [(id: TableID, schema: TableSchema)] = []
        for schema in module {
            if let origin = byName[schema.name]?.origin {
                planned.append((origin, schema))
            } else {
                planned.append((TableID(next), schema))
                next += 1
            }
        }
        // In the order of the ids, as recovery makes them.
        planned.sort { $0.id < $1.id }
        for (id, schema) in planned { _ = try datastore.createTable(schema, id: id) }
        for schema in host {
            _ = try datastore.createTable(schema, id: TableID(next))
            next += 1
        }
        var writer = BSATNWriter()
        for (id, schema) in planned {
            if let before = byName[schema.name] { try fill(id, from: before, as: schema, stored, &writer) }
        }
        datastore.encodeSequences(into: &writer)
        changes = writer.toArray()
    }

    private mutating func keepSystemTables(_ ids: [StoredSchema.Table], _ stored: DatastoreSnapshot) throws {
        for schema in SystemTables.known {
            guard let id = ids.first(where: { $0.name == schema.name })?.id else { continue }
            _ = try datastore.createTable(schema, id: id)
            try datastore.adopt(id, from: stored)
            kept.insert(id)
        }
    }

    private mutating func fill(
        _ id: TableID, from before: MigrationTable, as schema: TableSchema, _ stored: DatastoreSnapshot,
        _ changes: inout BSATNWriter
    ) throws {
        var table = before
        // The plan was made of the same tables, and found that this one can follow.
        guard table.follow(schema) else {
            throw DatabaseError(.internalInconsistency, "table '\(schema.name)' does not follow the plan")
        }
        if let source = table.source {
            if table.isAsInSource {
                try datastore.adoptRows(of: id, from: source.snapshot, source.id)
            } else {
                let datastore = datastore
                try table.forEachRow { try datastore.loadRow($0, into: id) }
                try datastore.finishFilling(id)
            }
            if source.snapshot === stored, table.isAsInSource {
                kept.insert(id)
            } else {
                try datastore.encodeRows(of: id, into: &changes)
            }
        }
        let begins = try datastore.continueSequences(of: id, after: before.numbering)
        let numberedBefore = Set(before.schema.sequences.map(\.column))
        if begins || !schema.sequences.allSatisfy({ numberedBefore.contains($0.column) }) {
            // A column that was not numbered before: its numbers begin behind the values that it holds.
            let datastore = datastore
            try table.forEachRow { try datastore.advanceSequences(of: id, past: $0) }
        }
    }
}
