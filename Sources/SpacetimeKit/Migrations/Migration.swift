import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// A change of stored rows that a database cannot make by itself: renaming, retyping, splitting, dropping.
///
/// Tables and columns that are added or indexes that change need none of this. A migration runs once, when a database
/// that has not had it is opened; a new database counts all as done.
///
/// ```swift
/// @Table(name: "user") struct OldUser { @PrimaryKey var id: UInt64; var name: String }      // as it was
///
/// var options = DatabaseOptions()
/// options.migrations = [
///     Migration("split the name") { old, new in
///         for user in try old.rows(of: OldUser.self) {
///             let parts = user.name.split(separator: " ", maxSplits: 1).map(String.init)
///             try new.insert(User(id: user.id, first: parts[0], last: parts.count > 1 ? parts[1] : ""))
///         }
///     }
/// ]
/// ```
///
/// All pending migrations see the rows as they were stored, and fill the tables of the module. A table that one of them
/// inserts into or drops is theirs; every other table follows by itself. If one throws, nothing has changed.
public struct Migration: Sendable {
    /// Remembered in the database: never use it for another migration.
    public let name: String
    let body: @Sendable (OldTables, inout NewTables) throws -> Void

    public init(_ name: String, _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void) {
        self.name = name
        self.body = body
    }
}

/// The rows as they were stored.
public struct OldTables {
    let workspace: MigrationWorkspace

    /// The rows of a table, by a type that has the columns that it had.
    ///
    /// - Parameter table: its name; by default that of the type's table.
    /// - Throws: ``DatabaseError`` if there was no such table or its columns were others.
    public func rows<Row: TableRow>(of type: Row.Type, in table: String? = nil) throws -> [Row] {
        let definition = try tableSchema(of: type)
        let (id, schema) = try workspace.oldTable(table ?? definition.name)
        guard schema.columns.map(\.type) == definition.columns.map(\.type) else {
            throw DatabaseError(
                .migrationRefused,
                "table '\(schema.name)' had the columns "
                    + schema.columns.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
                    + "; declare '\(type)' with these")
        }
        var rows: [Row] = []
        rows.reserveCapacity(workspace.old.count(id))
        workspace.old.forEachRow(of: id) { rows.append(_decode($0, as: type)) }
        return rows
    }

    /// The rows of a table as values without Swift types: products with the stored columns.
    public func rows(in table: String) throws -> [AlgebraicValue] {
        let (id, schema) = try workspace.oldTable(table)
        var rows: [AlgebraicValue] = []
        try workspace.old.forEachRow(of: id) { image in
            var reader = BSATNReader(RawSpan(_unsafeBytes: image))
            rows.append(try AlgebraicValue(from: &reader, type: .product(schema.rowType)))
        }
        return rows
    }

    /// The number of rows of a table; 0 if there was none of that name.
    public func count(_ table: String) -> Int {
        (try? workspace.oldTable(table)).map { workspace.old.count($0.id) } ?? 0
    }
}

/// The tables of the module, to be filled.
public struct NewTables {
    var workspace: MigrationWorkspace

    init(_ workspace: MigrationWorkspace) { self.workspace = workspace }

    /// Inserts a row; from then on the table holds what migrations insert, and nothing else.
    ///
    /// - Throws: ``DatabaseError``, `uniqueViolation` for example.
    public mutating func insert<Row: TableRow>(_ new: Row) throws {
        let table = try workspace.newTable(try tableSchema(of: Row.self).name)
        var row = BSATNWriter()
        new.encode(to: &row)
        try workspace.insert(&row, into: table)
    }

    /// Inserts a row without a Swift type: a product whose fields are the table's columns.
    public mutating func insert(_ new: AlgebraicValue, into table: String) throws {
        let id = try workspace.newTable(table)
        var row = BSATNWriter()
        new.encode(to: &row)
        try workspace.insert(&row, into: id)
    }

    /// Gives a table another name: the rows of the old one, which must have the same columns, go to the new one.
    public mutating func rename(_ old: String, to new: String) throws {
        let (id, _) = try workspace.oldTable(old)
        let table = try workspace.newTable(new)
        var images: [[UInt8]] = []
        workspace.old.forEachRow(of: id) { images.append(Array($0)) }
        for image in images {
            var row = BSATNWriter(reservingCapacity: image.count)
            row.append(image)
            try workspace.insert(&row, into: table)
        }
        try workspace.drop(old)
    }

    /// Lets a table go that the module no longer has, rows and all.
    public mutating func drop(_ old: String) throws { try workspace.drop(old) }
}

/// The canonical schema of a row type's table.
private func tableSchema<Row: TableRow>(of type: Row.Type) throws -> TableSchema {
    let content = ModuleContent(name: "migration", tables: [TableDescription(type)], reducers: [])
    let schema = try DatabaseCore.validate(NativeModule(content).describe())
    guard let table = schema.tables.first else {
        throw DatabaseError(.invalidModule, "'\(type)' declares no table")
    }
    return table
}

extension Migration: WrittenMigration {
    package func run(_ migration: inout MigrationWorkspace) throws {
        var new = NewTables(migration)
        try body(OldTables(workspace: migration), &new)
        migration = new.workspace
    }
}
