package import SpacetimeEngine
package import SpacetimeHost

/// Tables as an SQLite file, for whoever has them without a database that runs.
package enum SQLiteFile {
    /// Writes all tables of modules to a file that is not there yet.
    package static func write(
        _ snapshot: DatastoreSnapshot, offset: TxOffset, identity: String, to path: String
    ) throws(DatabaseError) -> SQLiteExportReport {
        try SQLiteWriter.write(snapshot, offset: offset, identity: identity, to: path)
    }
}
