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
///     @Table(name: "member") struct Member {
///         @PrimaryKey @AutoIncrement var id: UInt32
///         var name: String
///         var fee: Double
///     }
/// }
///
/// let splitTheName = Migration("split the name") { old, new in
///     for member in try old.rows(of: V1.Member.self) {
///         let words = member.name.split(separator: " ", maxSplits: 1).map(String.init)
///         let last = words.count > 1 ? words[1] : ""
///         try new.insert(V2.Member(id: member.id, first: words.first ?? "", last: last, fee: member.fee))
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
    let from: [TableDescription]
    let to: [TableDescription]
    let body: @Sendable (OldTables, inout NewTables) throws -> Void

    private init(
        _ name: String, _ from: [TableDescription], _ to: [TableDescription],
        _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void
    ) {
        self.name = name
        self.from = from
        self.to = to
        self.body = body
    }

    /// A migration that takes the tables as they are and leaves what it inserts.
    ///
    /// - Parameters:
    ///   - name: unlike all others in the list; a database remembers it.
    ///   - body: runs at most once in the life of a database. It may run for nothing, when a database is opened
    ///     ``Database/open(at:asOf:module:options:disk:)`` or is asked for its plan, so it should touch nothing but rows.
    public init(_ name: String, _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void) {
        self.init(name, [], [], body)
    }

    /// A migration that says which tables it begins with.
    ///
    /// Those tables are brought to that form before the body, by the rules of a module that changed: tables that are not
    /// there are added, columns at the end get their `@Default`. So a database that skipped releases without migrations
    /// looks as if it had been opened by them. Others are as they are.
    ///
    /// - Parameters:
    ///   - name: unlike all others in the list; a database remembers it.
    ///   - old: row types as they were in the release before, `V2.tables` or `Tables(V2.Member.self)`.
    ///   - body: moves rows.
    public init<each Old: TableRow>(
        _ name: String, from old: Tables<repeat each Old>,
        _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void
    ) {
        self.init(name, old.list, [], body)
    }

    /// A migration that says which tables it leaves.
    ///
    /// Rows that it inserts are checked against them, and after the body they are brought to that form, by the rules of a
    /// module that changed. Others are as they are.
    ///
    /// - Parameters:
    ///   - name: unlike all others in the list; a database remembers it.
    ///   - new: row types as they were in the release that the migration made, `V2.tables` or `Tables(V2.Member.self)`.
    ///   - body: moves rows; by default there are none to move.
    public init<each New: TableRow>(
        _ name: String, to new: Tables<repeat each New>,
        _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void = { _, _ in }
    ) {
        self.init(name, [], new.list, body)
    }

    /// A migration that says which tables it begins with, and which it leaves: both of the above at once.
    ///
    /// - Parameters:
    ///   - name: unlike all others in the list; a database remembers it.
    ///   - old: row types as they were in the release before.
    ///   - new: row types as they were in the release that the migration made.
    ///   - body: moves rows.
    public init<each Old: TableRow, each New: TableRow>(
        _ name: String, from old: Tables<repeat each Old>, to new: Tables<repeat each New>,
        _ body: @escaping @Sendable (OldTables, inout NewTables) throws -> Void
    ) {
        self.init(name, old.list, new.list, body)
    }

    /// Gives a table another name. No row is copied: the cost is that of opening the database.
    ///
    /// The migration's name is made of the two, so a second one of the same is told apart only by a name of its own: see
    /// ``NewTables/rename(_:to:)``.
    ///
    /// - Parameters:
    ///   - old: the name that the table has by then.
    ///   - new: the name that it gets.
    public static func rename(_ old: String, to new: String) -> Migration {
        Migration("rename table '\(old)' to '\(new)'") { _, tables in try tables.rename(old, to: new) }
    }

    /// Gives a column another name. No row is copied: the cost is that of opening the database.
    ///
    /// The migration's name is made of the three.
    ///
    /// - Parameters:
    ///   - old: the name that the column has by then.
    ///   - new: the name that it gets.
    ///   - table: the name that the table has by then.
    public static func renameColumn(_ old: String, to new: String, of table: String) -> Migration {
        Migration("rename column '\(old)' of '\(table)' to '\(new)'") { _, tables in
            try tables.renameColumn(old, to: new, of: table)
        }
    }
}

extension Migration: WrittenMigration {
    package func tables() throws(DatabaseError) -> (from: [TableSchema], to: [TableSchema]) {
        (try schemas(of: from), try schemas(of: to))
    }

    package func run(_ step: inout MigrationStep) throws {
        var new = NewTables(step)
        try body(OldTables(tables: step.old), &new)
        step = new.step
    }
}

/// The canonical schemas of row types' tables, each by itself: types of several releases may have the same names.
private func schemas(of tables: [TableDescription]) throws(DatabaseError) -> [TableSchema] {
    var schemas: [TableSchema] = []
    for table in tables {
        let content = ModuleContent(name: "migration", tables: [table])
        schemas += try DatabaseCore.validate(content.rawDefinition(isWhole: false)).tables
    }
    return schemas
}

/// The canonical schema of a row type's table.
///
/// - Parameter name: that of a table besides the type's own.
func schema<Row: TableRow>(of type: Row.Type, named name: String? = nil) throws(DatabaseError) -> TableSchema {
    guard let table = try schemas(of: [TableDescription(type, name: name)]).first else {
        throw DatabaseError(.invalidModule, "'\(type)' declares no table; put @Table on it")
    }
    return table
}

extension TableRow {
    /// The canonical schema of the type's table, or of another one of its rows. Costs building and checking it.
    package static func _spacetimeSchema(named name: String? = nil) throws(DatabaseError) -> TableSchema {
        try schema(of: Self.self, named: name)
    }
}
