package import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

/// The old rows, to be read, and the new tables, to be filled.
package struct MigrationWorkspace {
    private let newSchema: ModuleSchema
    /// The old rows.
    package let old: DatastoreSnapshot
    private let recovered: RecoveredDatabase
    /// The new tables.
    package let datastore: Datastore
    /// Tables that written migrations take care of, of either definition.
    package private(set) var handled: Set<String> = []
    /// New tables whose rows are those of an old one, unchanged.
    private var kept: Set<TableID> = []

    init(_ recovered: RecoveredDatabase, to new: ModuleSchema) throws(DatabaseError) {
        self.recovered = recovered
        newSchema = new
        old = recovered.datastore.snapshot()
        datastore = Datastore(hashSeed: recovered.datastore.hashSeed)
        do throws(EngineError) { try makeTables() } catch { throw DatabaseError(error) }
        datastore.begin()
    }

    /// All new tables, empty: under the id of the old table of the same name, or under a new one.
    private mutating func makeTables() throws(EngineError) {
        let ids = Dictionary(recovered.schema.tables.map { ($0.name, $0.id) }) { first, _ in first }
        var next = (recovered.schema.tables.map(\.id.rawValue).max() ?? 0) + 1
        for schema in SystemTables.schemas {
            if let id = ids[schema.name] {
                _ = try datastore.createTable(schema, id: id)
                try datastore.adopt(id, from: old)
                kept.insert(id)
            }
        }
        for schema in newSchema.tables {
            if let id = ids[schema.name] {
                _ = try datastore.createTable(schema, id: id)
            } else {
                _ = try datastore.createTable(schema, id: TableID(next))
                next += 1
            }
        }
    }

    // MARK: What written migrations do

    /// An old table.
    package func oldTable(_ name: String) throws(DatabaseError) -> (id: TableID, schema: TableSchema) {
        guard let table = recovered.schema.tables.first(where: { $0.name == name }),
            let schema = old.schema(of: table.id)
        else {
            throw DatabaseError(.noSuchTable, "there was no table '\(name)' before; check the name")
        }
        return (table.id, schema)
    }

    /// A table of the module, which this migration fills from now on.
    package mutating func newTable(_ name: String) throws(DatabaseError) -> TableID {
        guard let id = datastore.tableID(named: name), let schema = datastore.schema(of: id) else {
            throw DatabaseError(.noSuchTable, "the module has no table '\(name)'; check the name")
        }
        handled.insert(schema.name)
        return id
    }

    /// Inserts a row into a table of the module.
    package mutating func insert(_ row: inout BSATNWriter, into table: TableID) throws(DatabaseError) {
        let result = row.withUnsafeMutableBytes { bytes -> Result<Bool, EngineError> in
            do throws(EngineError) {
                let isNew = try datastore.insert(table, validating: bytes)
                try datastore.advanceSequences(of: table, past: UnsafeRawBufferPointer(bytes))
                return .success(isNew)
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = result { throw DatabaseError(error) }
    }

    /// An old table whose rows are no longer wanted, or were moved by hand.
    package mutating func drop(_ name: String) throws(DatabaseError) {
        _ = try oldTable(name)
        handled.insert(name)
    }

    // MARK: What the plan does

    mutating func carryOut(_ plan: MigrationPlan) throws(EngineError) {
        for step in plan.steps {
            if case .removeTable(let name) = step { try requireEmpty(name) }
            if case .addSequence(let table, let sequence) = step { try requireRoom(table, sequence) }
        }
        // Rows of kept tables are adopted outside of the transaction that inserts.
        for (name, fate) in plan.fates.sorted(by: { $0.key < $1.key }) {
            guard let table = oldID(name), case .extended(let bytes) = fate else { continue }
            try extend(table, by: bytes)
        }
    }

    private func oldID(_ name: String) -> TableID? { recovered.schema.tables.first { $0.name == name }?.id }

    private func requireEmpty(_ name: String) throws(EngineError) {
        guard let id = oldID(name), old.count(id) > 0 else { return }
        throw .unsupportedSchema(
            table: name,
            reason:
                "it still has \(old.count(id)) rows, so it is not removed; delete them first, or drop the table in a "
                + "written migration")
    }

    /// A new sequence must not hand out what is there already.
    private func requireRoom(_ table: String, _ name: String) throws(EngineError) {
        guard let id = oldID(table), let schema = newSchema.tables.first(where: { $0.name == table }),
            let sequence = schema.sequences.first(where: { $0.name == name })
        else { return }
        let position = sequence.column.index
        guard position < (old.schema(of: id)?.columns.count ?? 0) else { return }
        let probe = Datastore()
        let column = schema.columns[position]
        var ahead = SequenceSchema(
            name: "probe", column: 0, start: sequence.minimum, minimum: sequence.minimum, maximum: sequence.maximum)
        ahead.increment = 1
        let probeTable = try probe.createTable(
            TableSchema(
                name: "probe", sourceName: nil, columns: [column], indexes: [], uniqueConstraints: [],
                sequences: [ahead]))
        var found = false
        try old.forEachColumn(position, of: id) { (bytes) throws(EngineError) in
            if found { return }
            try probe.advanceSequences(of: probeTable, past: bytes)
            found = probe.sequencePositions(of: probeTable) != [sequence.minimum]
        }
        if found {
            throw .unsupportedSchema(
                table: table,
                reason: "column '\(column.name)' cannot become auto-incremented: it holds values that sequence "
                    + "'\(name)' would hand out")
        }
    }

    private mutating func extend(_ table: TableID, by bytes: [UInt8]) throws(EngineError) {
        try old.forEachRow(of: table) { (row) throws(EngineError) in
            var image = Array(row) + bytes
            try datastore.insert(table, extended: &image)
        }
    }

    // MARK: The end

    /// Completes the new tables.
    ///
    /// - Returns: the rows that were written, and where all sequences are, as the log keeps it; and the tables that have
    ///   the old ones' rows instead.
    mutating func finish(_ plan: MigrationPlan) throws(EngineError) -> (changes: [UInt8], kept: Set<TableID>) {
        var changes = BSATNWriter()
        datastore.encodeChanges(into: &changes)
        datastore.commit()
        for (name, fate) in plan.fates where fate == .kept {
            guard let id = oldID(name) else { continue }
            try datastore.adoptRows(of: id, from: old, id)
            kept.insert(id)
        }
        try carrySequences(plan)
        datastore.encodeSequences(into: &changes)
        return (changes.toArray(), kept)
    }

    /// Sequences that are still there go on where they were; those of extended tables, too.
    private func carrySequences(_ plan: MigrationPlan) throws(EngineError) {
        for (name, fate) in plan.fates where fate != .added {
            guard let id = oldID(name), let before = old.schema(of: id), let after = datastore.schema(of: id) else {
                continue
            }
            let positions = Dictionary(
                zip(before.sequences.sorted { $0.column < $1.column }.map(\.name), old.sequencePositions(of: id))
            ) { first, _ in first }
            let now = datastore.sequencePositions(of: id)
            let names = after.sequences.sorted { $0.column < $1.column }
            try datastore.restartSequences(
                of: id,
                at: zip(names, now).map { sequence, start in
                    before.sequences.contains(sequence) ? positions[sequence.name] ?? start : start
                })
        }
    }
}

extension Datastore {
    /// Inserts a row with new columns at its end; sequences are left alone.
    fileprivate func insert(_ table: TableID, extended image: inout [UInt8]) throws(EngineError) {
        let result = image.withUnsafeMutableBytes { bytes -> Result<Bool, EngineError> in
            do throws(EngineError) { return .success(try insert(table, validating: bytes)) } catch {
                return .failure(error)
            }
        }
        _ = try result.get()
    }
}
