import SpacetimeHost
public import SpacetimeSATS
import SpacetimeSchema

/// The tables after a ``Migration``.
///
/// Tables are named by what clients see (`user_account`) or by what the code says (`UserAccount`). After another migration
/// of the same opening, what is to be renamed or dropped may be missing, because that one had no rows to insert; there is
/// nothing to do then.
public struct NewTables {
    var step: MigrationStep
    /// The tables that rows of a type go to, where no other is named.
    private var filled: [ObjectIdentifier: FilledTable] = [:]

    init(_ step: MigrationStep) { self.step = step }

    // MARK: Rows

    /// Inserts a row. From then on the table holds what this migration inserts, and nothing else.
    ///
    /// The table has the columns, keys and indexes of the row type. Numbers in auto-incremented columns go on where they
    /// were, so none comes twice.
    ///
    /// - Parameters:
    ///   - new: the row. A zero in an auto-incremented column is replaced.
    ///   - table: its name; by default that of the type's table.
    /// - Returns: the row as it is stored: zeros in auto-incremented columns are replaced.
    /// - Throws: ``DatabaseError``: `uniqueViolation` for example, or `migrationRefused` if rows of the type do not fit the
    ///   table of the module (in the last migration) or the one that this migration says it leaves, with the column that
    ///   differs. When the migration ends it is refused, too, if the table had rows that it neither read nor dropped.
    @discardableResult
    public mutating func insert<Row: TableRow>(_ new: Row, into table: String? = nil) throws -> Row {
        let target = try fill(with: Row.self, table)
        var row = BSATNWriter(reservingCapacity: Row.bsatnFixedSize ?? 64)
        new.encode(to: &row)
        try target.insert(&row)
        return target.numbersRows ? row.withUnsafeBytes { _decode($0, as: Row.self) } : new
    }

    private mutating func fill<Row: TableRow>(with type: Row.Type, _ table: String?) throws -> FilledTable {
        if table == nil, let known = filled[ObjectIdentifier(type)] { return known }
        let row = try schema(of: type)
        let target = try step.fill(table ?? row.name, with: row, rowType: "\(type)")
        if table == nil { filled[ObjectIdentifier(type)] = target }
        return target
    }

    /// Inserts a row without a Swift type: a product whose values are the table's columns in their order, of exactly their
    /// types.
    ///
    /// The columns are those of the module's table in the last migration, of the table that this migration says it leaves,
    /// or else those that the table has.
    public mutating func insert(_ new: AlgebraicValue, into table: String) throws {
        try step.fill(table).insert(new)
    }

    // MARK: Tables

    /// Gives a table another name. Its rows stay where they are: nothing is copied or written for them.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchTable`, or `migrationRefused` if another table of the new name has rows
    ///   that were not dropped.
    public mutating func rename(_ old: String, to new: String) throws { try step.rename(old, to: new) }

    /// Gives a column another name. The rows stay where they are: nothing is copied or written for them.
    ///
    /// - Parameters:
    ///   - old: the name that the column has by now.
    ///   - new: the name that it gets.
    ///   - table: the name that the table has by now.
    /// - Throws: ``DatabaseError`` with code `noSuchTable`, or `migrationRefused` if there is no such column or one of the
    ///   new name.
    public mutating func renameColumn(_ old: String, to new: String, of table: String) throws {
        try step.renameColumn(old, to: new, of: table)
    }

    /// Lets a table go, rows and all. If this migration inserts into it, only the rows that it had. Should a table of this
    /// name come again, its auto-incremented numbers go on.
    ///
    /// - Parameter old: the name that it had when the migration began.
    /// - Throws: ``DatabaseError`` with code `noSuchTable`.
    public mutating func drop(_ old: String) throws { try step.drop(old) }
}
