package import SpacetimeHost
import SpacetimeSATS
package import SpacetimeSchema

/// A change of stored rows that a database cannot make by itself: renaming, retyping, splitting, dropping.
///
/// New tables, new columns with a `@Default` and other indexes need none of this. List migrations in the order in which
/// they were released, in ``DatabaseOptions/migrations``; a database that is opened runs those that it has not had, one
/// after the other, and a new database counts all as done.
///
/// ```swift
/// enum V1 {
///     @Table(name: "member") struct Member { @PrimaryKey @AutoIncrement var id: UInt32; var name: String }
/// }
///
/// let splitTheName = Migration("split the name") { old, new in
///     for member in try old.rows(of: V1.Member.self) {
///         let parts = member.name.split(separator: " ", maxSplits: 1).map(String.init)
///         try new.insert(Member(id: member.id, first: parts.first ?? "", last: parts.count > 1 ? parts[1] : ""))
///     }
/// }
/// ```
///
/// Each migration sees the tables as the one before it left them. It decides about the tables that it names: one that it
/// inserts into holds what it inserts, with the columns of the row type; one that it renames or drops is renamed or gone.
/// All others stay. What the last migration leaves follows the module by itself, or is refused.
///
/// All of it is one commit. If a migration throws, or the rows do not fit the module in the end, nothing has changed.
public struct Migration: Sendable {
    /// Remembered in the database: never change it, and never use it for another migration.
    public let name: String
    let declared: [TableDescription]
    let body: @Sendable (OldTables, inout NewTables) throws -> Void

    /// A migration that moves rows.
    ///
    /// - Parameters:
    ///   - name: unlike all others in the list; a database remembers it.
    ///   - body: runs at most once in the life of a database. It may run for nothing, when a database is opened
    ///     ``Database/open(at:asOf:module:options:disk:)`` or is asked for its plan, so it should touch nothing but rows.
    public init(_ name: String, _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void) {
        self.name = name
        declared = []
        self.body = body
    }

    /// A migration that says which tables it leaves.
    ///
    /// Those tables are brought to that form after the body, by the rules of a module that changed: tables that are not
    /// there are added, columns at the end get their `@Default`. Others stay as they are. Later migrations can rely on it,
    /// also in a database that skipped the release which added them.
    ///
    /// - Parameters:
    ///   - name: unlike all others in the list; a database remembers it.
    ///   - tables: row types as they were in that release, `V2.tables` or `Tables(V2.Member.self)`.
    ///   - body: moves rows; by default there are none to move.
    public init<each Row: TableRow>(
        _ name: String, to tables: Tables<repeat each Row>,
        _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void = { _, _ in }
    ) {
        self.name = name
        declared = tables.list
        self.body = body
    }

    /// Gives a table another name. No row is copied: the cost is that of opening the database.
    ///
    /// The migration's name is made of the two.
    public static func rename(_ old: String, to new: String) -> Migration {
        Migration("rename table '\(old)' to '\(new)'") { _, tables in try tables.rename(old, to: new) }
    }

    /// Gives a column another name. No row is copied: the cost is that of opening the database.
    ///
    /// The migration's name is made of the three.
    ///
    /// - Parameter table: the name that the table has by then.
    public static func renameColumn(_ old: String, to new: String, of table: String) -> Migration {
        Migration("rename column '\(old)' of '\(table)' to '\(new)'") { _, tables in
            try tables.renameColumn(old, to: new, of: table)
        }
    }
}

extension Migration: WrittenMigration {
    package func tables() throws(DatabaseError) -> [TableSchema] { try schemas(of: declared) }

    package func run(_ step: inout MigrationStep) throws {
        var new = NewTables(step)
        try body(OldTables(tables: step.old), &new)
        step = new.step
    }
}

/// The canonical schemas of row types' tables.
func schemas(of tables: [TableDescription]) throws(DatabaseError) -> [TableSchema] {
    let content = ModuleContent(name: "migration", tables: tables, reducers: [])
    return try DatabaseCore.validate(content.rawDefinition(isWhole: false)).tables
}

/// The canonical schema of a row type's table.
func schema<Row: TableRow>(of type: Row.Type) throws(DatabaseError) -> TableSchema {
    guard let table = try schemas(of: [TableDescription(type)]).first else {
        throw DatabaseError(.invalidModule, "'\(type)' declares no table; put @Table on it")
    }
    return table
}
