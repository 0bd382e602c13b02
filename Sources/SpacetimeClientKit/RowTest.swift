import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSchema

/// A condition on the rows of one table, tested on rows as a server sent them.
struct RowTest: Sendable {
    private let test: ForeignRowTest

    init(_ predicate: RowPredicate, _ schema: TableSchema) throws(DatabaseError) {
        do throws(EngineError) { test = try ForeignRowTest(predicate, for: schema) } catch {
            throw DatabaseError(error)
        }
    }

    /// Nil for a query that needs more than a row to be decided, or that all rows meet.
    init?<Row: TableRow>(_ query: some QueryConvertible<Row>) throws(DatabaseError) {
        guard let terms = query._draft.plainTerms, terms != .all else { return nil }
        try self.init(terms, RowSchemas.schema(of: Row.self, named: nil))
    }

    func matches(_ row: UnsafeRawBufferPointer) -> Bool { test.matches(row) }
}
