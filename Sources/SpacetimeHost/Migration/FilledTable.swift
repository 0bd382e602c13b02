import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

/// A table that a migration writes rows into.
///
/// Not `Sendable`: it belongs to the migration that runs.
package final class FilledTable {
    package let schema: TableSchema
    let id: TableID
    private let datastore: Datastore
    /// The type of the rows, for messages.
    let rowType: String?

    /// - Parameter numbering: what auto-incremented columns go on from.
    init(
        _ schema: TableSchema, rowType: String?, after numbering: [String: Int128], hashSeed: UInt64
    ) throws(EngineError) {
        self.schema = schema
        self.rowType = rowType
        datastore = Datastore(hashSeed: hashSeed)
        id = try datastore.createTable(schema)
        _ = try datastore.continueSequences(of: id, after: numbering)
        datastore.begin()
    }

    /// Inserts a row; zeros in auto-incremented columns are replaced in the writer.
    ///
    /// - Throws: `uniqueViolation` for example.
    package func insert(_ row: inout BSATNWriter) throws(DatabaseError) {
        let result = row.withUnsafeMutableBytes { bytes -> Result<Void, EngineError> in
            do throws(EngineError) {
                try datastore.insert(id, validating: bytes)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = result { throw DatabaseError(error) }
    }

    /// True if inserting may change a row.
    package var numbersRows: Bool { !schema.sequences.isEmpty }

    /// The rows. There are no inserts afterwards.
    func finish() -> DatastoreSnapshot {
        datastore.commit()
        return datastore.snapshot()
    }
}
