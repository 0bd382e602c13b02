import SpacetimeEngine
package import SpacetimeSchema

/// The tables before a migration.
///
/// Not `Sendable`: it belongs to the migration that runs.
package final class OldMigrationTables {
    private let tables: [MigrationTable]
    private var read: Set<String> = []

    init(_ tables: [MigrationTable]) { self.tables = tables }

    func wasRead(_ name: String) -> Bool { read.contains(name) }

    package func contains(_ name: String) -> Bool { find(name) != nil }

    private func find(_ name: String) -> MigrationTable? {
        tables.first { $0.schema.name == name } ?? tables.first { $0.schema.sourceName == name }
            ?? tables.first { $0.schema.name == CaseConversion.snake(name) }
    }

    package func table(_ name: String) throws(DatabaseError) -> MigrationTable {
        if let table = find(name) { return table }
        throw Self.noSuchTable(name, tables)
    }

    static func noSuchTable(_ name: String, _ tables: [MigrationTable]) -> DatabaseError {
        let names = tables.map { "'\($0.schema.name)'" }.sorted().joined(separator: ", ")
        return DatabaseError(
            .noSuchTable,
            "the database has no table '\(name)' when this migration begins; it has \(names.isEmpty ? "none" : names). "
                + "Check the name; a database that skipped the release with that table is told by old.contains")
    }

    /// A table whose rows are about to be read.
    package func reading(_ name: String) throws(DatabaseError) -> MigrationTable {
        let table = try table(name)
        read.insert(table.schema.name)
        return table
    }

    /// A table whose rows are about to be read by a type: as that type's table, if rows follow it by themselves.
    package func reading(
        _ name: String, as row: TableSchema, rowType: String
    ) throws(DatabaseError) -> MigrationTable {
        var table = try table(name)
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
