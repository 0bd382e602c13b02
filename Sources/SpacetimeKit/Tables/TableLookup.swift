import SpacetimeEngine
import SpacetimeHost

extension DatabaseCore {
    /// The table of a row type.
    ///
    /// - Parameter name: which one, if the type has several; nil for its own.
    /// - Throws: `noSuchTable`.
    func table<Row: TableRow>(of row: Row.Type, named name: String?) throws(DatabaseError) -> TableID {
        catalog.tableMap.table(at: try catalog.tablePosition(of: ObjectIdentifier(row), named: name, rowType: "\(row)"))
    }
}
