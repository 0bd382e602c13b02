package import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

/// What a database's files say about it beside its rows: whose it is, and how its rows are to be read.
///
/// Its BSATN is in the record that creates the database, in every record that migrates it, and in every snapshot.
package struct StoredSchema: Equatable, Sendable {
    /// The database's own identity.
    package var identity: Identity
    package var owner: Identity
    /// BSATN of the raw definition that the rows follow.
    package var definition: [UInt8]
    /// Ids of all tables that are kept in files, some of the host's own included, by canonical name.
    package var tables: [Table]
    /// Written migrations that have been applied, in order.
    package var migrations: [String]
    /// The program that the module is, if it was published; it is among the files (``ProgramFiles``).
    package var program: StoredProgram?

    package struct Table: Equatable, Sendable {
        package var id: TableID
        package var name: String
        /// Only of interest in a record that migrates. True if the table goes on with the rows that it had; false if it starts
        /// empty, because it is new or because all its rows are among the record's changes.
        package var keepsRows = true
    }

    /// The versions of this structure's bytes: without a program, and with one. A reader refuses any other.
    private enum Version: UInt8 {
        case plain = 1
        case published = 2
    }

    package func encoded() -> [UInt8] {
        var writer = BSATNWriter()
        writer.write((program == nil ? Version.plain : .published).rawValue)
        identity.encode(to: &writer)
        owner.encode(to: &writer)
        writer.write(definition)
        writer.writeCount(tables.count)
        for table in tables {
            writer.write(table.id.rawValue)
            writer.write(table.name)
            writer.write(table.keepsRows)
        }
        migrations.encode(to: &writer)
        if let program {
            writer.write(program.kind.rawValue)
            writer.write(program.hash)
        }
        return writer.toArray()
    }

    package init(decoding bytes: [UInt8]) throws(BSATNError) {
        var reader = BSATNReader(bytes.span.bytes)
        let number = try reader.readU8()
        guard let version = Version(rawValue: number) else { throw .invalidTag(number, at: 0) }
        identity = try Identity(from: &reader)
        owner = try Identity(from: &reader)
        definition = try reader.readBytes()
        tables = []
        for _ in 0..<(try reader.readCount(minimumElementSize: 9)) {
            tables.append(
                Table(
                    id: TableID(try reader.readU32()), name: try reader.readString(), keepsRows: try reader.readBool()))
        }
        migrations = try [String](from: &reader)
        if version == .published { program = try StoredProgram(from: &reader) }
        try reader.finish()
    }

    /// - Parameter keepsRows: asked for each of the datastore's tables; none of them by default.
    package init(
        identity: Identity, owner: Identity, definition: RawModuleDefV10, _ datastore: Datastore, migrations: [String],
        program: StoredProgram? = nil, keepsRows: (TableID) -> Bool = { _ in false }
    ) {
        self.program = program
        self.identity = identity
        self.owner = owner
        tables = datastore.keptTableIDs.map {
            Table(id: $0, name: datastore.schema(of: $0)?.name ?? "", keepsRows: keepsRows($0))
        }
        self.migrations = migrations
        self.definition = Self.bytes(of: definition)
    }

    /// The form in which definitions are stored and compared.
    package static func bytes(of definition: RawModuleDefV10) -> [UInt8] {
        var writer = BSATNWriter()
        RawModuleDef.v10(definition).encode(to: &writer)
        return writer.toArray()
    }

    /// The stored definition, checked again, as a database runs it: with what its submodules define among its own parts.
    package func moduleSchema() throws(DatabaseError) -> ModuleSchema { try definedSchema().flattened() }

    /// The stored definition, checked again, with its submodules.
    package func definedSchema() throws(DatabaseError) -> ModuleSchema {
        do {
            return try ModuleSchema(validating: try rawDefinition(), options: .stored)
        } catch let error as DatabaseError {
            throw error
        } catch {
            throw DatabaseError(.damaged, "the stored module definition cannot be read: \(error)", cause: error)
        }
    }

    /// The stored definition, as the module wrote it.
    package func rawDefinition() throws(DatabaseError) -> RawModuleDefV10 {
        let raw: RawModuleDef
        do throws(BSATNError) { raw = try RawModuleDef(decoding: definition) } catch {
            throw DatabaseError(.damaged, "the stored module definition cannot be read: \(error)", cause: error)
        }
        guard case .v10(let definition) = raw else {
            throw DatabaseError(.incompatibleFiles, "the stored module definition has an unknown version")
        }
        return definition
    }

    /// True if every table stays as it is, rows and definition, when this schema follows the other.
    func keepsTables(of old: StoredSchema) throws(DatabaseError) -> Bool {
        // By name as well as by id: tables may have exchanged their names.
        guard tables.allSatisfy(\.keepsRows), tables.map(\.id) == old.tables.map(\.id),
            tables.map(\.name) == old.tables.map(\.name)
        else { return false }
        return try moduleSchema().tables == old.moduleSchema().tables
    }

    /// Makes the tables, empty, under the ids that they have in the files.
    package func makeTables(in datastore: Datastore) throws(DatabaseError) {
        let definitions = Dictionary(
            (SystemTables.known + (try moduleSchema().tables)).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first })
        for table in tables {
            guard let definition = definitions[table.name] else {
                throw DatabaseError(.damaged, "the files hold a table '\(table.name)' that they do not define")
            }
            do throws(EngineError) { _ = try datastore.createTable(definition, id: table.id) } catch {
                throw DatabaseError(error)
            }
        }
    }
}
