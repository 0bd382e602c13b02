import SpacetimeEngine
package import SpacetimeSchema

/// The tables before a migration.
///
/// Not `Sendable`: it belongs to the migration that runs.
package final class OldMigrationTables {
    private let tables: [MigrationTable]
    private var read: Set<String> = []
    /// True if a table may be missing because a migration before this one, in the same opening, had no rows to put into
    /// it. A name that is wrong loses nothing then, either: rows that nobody moves are missed in the end.
    let mayLack: Bool

    init(_ tables: [MigrationTable], mayLack: Bool) {
        self.tables = tables.filter { !$0.isGone }
        self.mayLack = mayLack
    }

    func wasRead(_ name: String) -> Bool { read.contains(name) }

    package func contains(_ name: String) -> Bool { find(name) != nil }

    private func find(_ name: String) -> MigrationTable? {
        tables.first { $0.schema.name == name } ?? tables.first { $0.schema.sourceName == name }
            ?? tables.first { $0.schema.name == CaseConversion.snake(name) }
    }

    /// The number of rows of a table; 0 if there is none of that name.
    package func rowCount(_ name: String) -> Int { find(name)?.rowCount ?? 0 }

    /// Nil if there is none, and may be none.
    func table(_ name: String) throws(DatabaseError) -> MigrationTable? {
        let table = find(name)
        if table == nil, !mayLack { throw Self.noSuchTable(name, tables) }
        return table
    }

    static func noSuchTable(_ name: String, _ tables: [MigrationTable]) -> DatabaseError {
        let names = tables.filter { !$0.isGone }.map { "'\($0.schema.name)'" }.sorted().joined(separator: ", ")
        return DatabaseError(
            .noSuchTable,
            "there is no table '\(name)', only \(names.isEmpty ? "none at all" : names); check the name. If a release "
                + "that this database may have skipped added the table, say that the migration begins with it: from:")
    }

    /// A table whose rows are about to be read; nil if there is none, and may be none.
    package func reading(_ name: String) throws(DatabaseError) -> MigrationTable? {
        guard let table = try table(name) else { return nil }
        read.insert(table.schema.name)
        return table
    }

    /// A table whose rows are about to be read by a type: as that type's table, if rows follow it by themselves. Nil if there
    /// is none, and may be none.
    package func reading(
        _ name: String, as row: TableSchema, rowType: String
    ) throws(DatabaseError) -> MigrationTable? {
        guard var table = try table(name) else { return nil }
        let stored = table.schema
        if stored.isEvent { return table }
        var row = row
        row.isEvent = false
        guard table.follow(row) else {
            let difference = MigrationPlan.firstDifference(of: stored, "the table", from: row, "'\(rowType)'")
            throw DatabaseError(
                .migrationRefused,
                "rows of table '\(stored.name)' cannot be read as '\(rowType)': \(difference ?? ""); declare a type with "
                    + "the columns that the table has before this migration: \(stored.columnText)")
        }
        read.insert(stored.name)
        return table
    }
}
