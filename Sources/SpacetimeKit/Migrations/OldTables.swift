import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// The tables before a ``Migration``: as they are stored, or as the migration before it left them.
///
/// Names of tables are those that clients see (`user_account`) or those of the code (`UserAccount`).
public struct OldTables {
    let tables: OldMigrationTables

    /// The rows of a table, by a type that has its columns: the same names in the same order, of the same types.
    ///
    /// A type may have more columns at its end if they have a `@Default`, which the rows then get, and enums more cases at
    /// their end. So a type of release 3 also reads the rows of a database that never saw release 2, where these came.
    ///
    /// Costs memory for all rows at once. After another migration of the same opening, a table that is not there has no rows:
    /// that migration may have had none to insert.
    ///
    /// - Parameters:
    ///   - type: what the rows are decoded as.
    ///   - table: its name; by default that of the type's table.
    /// - Throws: ``DatabaseError`` with code `noSuchTable`, or with code `migrationRefused` and the column that differs.
    public func rows<Row: TableRow>(of type: Row.Type, in table: String? = nil) throws -> [Row] {
        let row = try schema(of: type)
        guard let table = try tables.reading(table ?? row.name, as: row, rowType: "\(type)") else { return [] }
        var rows: [Row] = []
        rows.reserveCapacity(table.rowCount)
        try table.forEachRow { rows.append(_decode($0, as: type)) }
        return rows
    }

    /// The rows of a table as values without Swift types: products with the stored columns.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchTable`.
    public func rows(in table: String) throws -> [AlgebraicValue] {
        guard let table = try tables.reading(table) else { return [] }
        let type = AlgebraicType.product(table.schema.rowType)
        var rows: [AlgebraicValue] = []
        rows.reserveCapacity(table.rowCount)
        try table.forEachRow { image in
            var reader = BSATNReader(RawSpan(_unsafeBytes: image))
            rows.append(try AlgebraicValue(from: &reader, type: type))
        }
        return rows
    }

    /// Whether there is such a table. A database that skipped the release with it has none, unless the migration says that
    /// it begins with it.
    public func contains(_ table: String) -> Bool { tables.contains(table) }

    /// The number of rows of a table; 0 if there is none of that name.
    public func count(_ table: String) -> Int { tables.rowCount(table) }
}
