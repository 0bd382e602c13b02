import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// Made-up programs whose tables change at random, on databases that skip versions: rows and numbers are those of a model
/// that knows no database, now and after the log was replayed.
@Suite struct MigrationModelTests {
    @Test(arguments: 0..<60 as Range<UInt64>) func everyHistoryEndsAsItsModel(seed: UInt64) throws {
        var history = History(seed: seed, versionCount: 6)
        var version = history.below(3)
        var model = HistoryModel(history.versions[version])
        var log = HistoryLog()
        try log.create(history.definition(version), history.migrations(version))
        try compare(log, model, "seed \(seed), version \(version)")
        while true {
            for _ in 0..<history.below(3) { try grow(&log, &model, &history) }
            try compare(log, model, "seed \(seed), version \(version), grown")
            guard version < history.versions.count - 1 else { break }
            let next = version + 1 + history.below(history.versions.count - version - 1)
            for step in version + 1...next { model.apply(history.steps[step]) }
            try log.migrate(to: history.definition(next), history.migrations(next))
            version = next
            try compare(log, model, "seed \(seed), version \(version)")
        }
    }

    /// Adds rows, and removes rows.
    private func grow(_ log: inout HistoryLog, _ model: inout HistoryModel, _ history: inout History) throws {
        let datastore = try log.datastore
        datastore.begin()
        for name in model.tables.keys.sorted() where history.below(3) > 0 {
            guard var rows = model.tables[name], let id = datastore.tableID(named: name) else { continue }
            for _ in 0..<history.below(5) {
                var values = rows.table.columns.map(\.initial)
                for i in values.indices.dropFirst() where history.below(2) == 0 {
                    values[i] = AlgebraicValue.u64(UInt64(history.below(100))).converted(to: rows.table.columns[i].type)
                    if case .sum = rows.table.columns[i].type { values[i] = .some(.i16(5)) }
                }
                values[0] = AlgebraicValue.u64(0).converted(to: rows.table.columns[0].type)
                var image = AlgebraicValue.product(values).bytes
                _ = try image.withUnsafeMutableBytes { try datastore.insert(id, validating: $0) }
                values[0] = AlgebraicValue.u64(rows.next).converted(to: rows.table.columns[0].type)
                rows.rows[rows.next] = values
                rows.next += 1
            }
            model.tables[name] = rows
        }
        log.commit()
        datastore.begin()
        for name in model.tables.keys.sorted() {
            guard var rows = model.tables[name], let id = datastore.tableID(named: name) else { continue }
            for number in rows.rows.keys.sorted().reversed() where history.below(3) == 0 {
                let image = AlgebraicValue.product(rows.rows.removeValue(forKey: number) ?? []).bytes
                let found = try image.withUnsafeBytes { try datastore.deleteRow(id, equalTo: $0) }
                #expect(found)
            }
            model.tables[name] = rows
        }
        log.commit()
    }

    private func compare(_ log: HistoryLog, _ model: HistoryModel, _ context: String) throws {
        for (name, datastore) in [("now", try log.datastore), ("replayed", try log.replayed().datastore)] {
            try datastore.checkInvariants()
            let user = datastore.tableIDs.filter { datastore.schema(of: $0)?.kind == .user }
            #expect(
                Set(user.compactMap { datastore.schema(of: $0)?.name }) == Set(model.tables.keys), "\(context), \(name)"
            )
            let snapshot = datastore.snapshot()
            for (table, expected) in model.tables {
                let id = try #require(datastore.tableID(named: table), "\(context), \(name)")
                let schema = try #require(datastore.schema(of: id))
                #expect(
                    schema.columns.map(\.name) == expected.table.columns.map(\.name), "\(context), \(name), \(table)")
                var rows: [UInt64: [AlgebraicValue]] = [:]
                try snapshot.forEachRow(of: id) { image in
                    var reader = BSATNReader(RawSpan(_unsafeBytes: image))
                    if case .product(let fields) = try AlgebraicValue(from: &reader, type: .product(schema.rowType)) {
                        rows[fields[0].number] = fields
                    }
                }
                #expect(rows == expected.rows, "\(context), \(name), \(table)")
                #expect(datastore.sequencePositions(of: id) == [Int128(expected.next)], "\(context), \(name), \(table)")
            }
        }
    }
}

/// A database that is nothing but its records and the state after them.
private struct HistoryLog {
    private var records: [[UInt8]] = []
    private var state: RecoveredDatabase?

    var datastore: Datastore {
        get throws { try #require(state).datastore }
    }

    mutating func create(_ definition: RawModuleDefV10, _ migrations: [any WrittenMigration]) throws {
        let empty = Datastore()
        for schema in SystemTables.schemas { _ = try empty.createTable(schema) }
        for schema in try ModuleSchema(validating: definition).tables { _ = try empty.createTable(schema) }
        let schema = StoredSchema(
            identity: Identity(number: 1), owner: Identity(number: 2), definition: definition, empty,
            migrations: migrations.map(\.name))
        records = [record(.creation, schema: schema.encoded(), changes: [])]
        state = try replayed()
    }

    mutating func migrate(to definition: RawModuleDefV10, _ migrations: [any WrittenMigration]) throws {
        let before = try #require(state)
        let result = try Migrator.migrate(
            before, to: definition, ModuleSchema(validating: definition), written: migrations, at: .unixEpoch)
        guard let result else { return }
        records.append(result.record)
        state = result.database
    }

    /// Ends the transaction of the datastore.
    mutating func commit() {
        guard let datastore = state?.datastore else { return }
        var changes = BSATNWriter()
        datastore.encodeChanges(into: &changes)
        datastore.commit()
        records.append(record(.host, schema: nil, changes: changes.toArray()))
    }

    private func record(_ kind: CommitKind, schema: [UInt8]?, changes: [UInt8]) -> [UInt8] {
        var writer = BSATNWriter()
        CommitRecord.writeHead(
            kind, function: nil, arguments: UnsafeRawBufferPointer(start: nil, count: 0), caller: nil,
            timestamp: .unixEpoch, schema: schema, to: &writer)
        writer.append(changes)
        return writer.toArray()
    }

    /// The state that the records make.
    func replayed() throws -> RecoveredDatabase {
        var state: RecoveredDatabase?
        let recovery = Recovery(SystemDisk(), directory: "")
        for (offset, record) in records.enumerated() {
            try record.withUnsafeBytes { try recovery.apply($0, at: UInt64(offset), to: &state) }
        }
        return try #require(state)
    }
}
