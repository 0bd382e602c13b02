import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// Queries of one table or several: `context.db.rows(query)` in a reducer, `db.read { try $0.rows(query) }` elsewhere.
///
/// They see what the reducer has written. What a query returns is copied, so that writing goes on while a loop goes through
/// it; for rows of one table ``Rows`` are read as the loop goes.
extension TableHandles {
    /// The rows of a query's result, in its order if it has one.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchTable` if the module does not have a table of the query,
    ///   `invalidQuery` if the query combines what cannot be combined, `limitReached` if it is too large.
    public func rows<Output>(_ query: some QueryConvertible<Output>) throws -> [Output] {
        var rows: [Output] = []
        let decode = query._decode
        try forEachImage(of: query._draft) { rows.append(decode($0)) }
        return rows
    }

    /// The first row of a query's result, or some row if it has no order; nil if there is none.
    ///
    /// - Throws: as ``rows(_:)``.
    public func first<Output>(_ query: some QueryConvertible<Output>) throws -> Output? {
        var first: Output?
        let decode = query._decode
        try forEachImage(of: query._draft.firstRow) { first = decode($0) }
        return first
    }

    /// The value of a query for one: a count, a sum, a least or greatest value, an average.
    ///
    /// - Throws: as ``rows(_:)``.
    public func value<Value>(_ query: ValueQuery<Value>) throws -> Value {
        guard let value = try first(query) else { throw ValueQuery<Value>.hasNone }
        return value
    }

    private func forEachImage(of draft: _QueryDraft, _ body: (UnsafeRawBufferPointer) -> Void) throws(DatabaseError) {
        let transaction = _spacetimeTransaction
        transaction.requireCurrent()
        let catalog = transaction.runner.catalog
        if draft.readsViews {
            throw DatabaseError(
                .invalidQuery, "views are watched by clients; code of the module calls the same function itself")
        }
        if let condition = draft.plainCondition {
            let table = try catalog.table(of: draft.row, named: draft.table)
            let condition = condition == .all ? nil : ScanCondition(condition)
            try transaction.scan(table, where: condition, window: ScanWindow()).forEach { body($0) }
            return
        }
        let query = try catalog.bound(draft, by: catalog.owner)
        try transaction.forEachResult(of: query, body)
    }
}

extension _QueryDraft {
    /// The query for its first row.
    var firstRow: _QueryDraft { limited(to: min(limit ?? 1, 1)) }
}

extension ValueQuery {
    /// The error for a result without a row, of which an aggregate always has one.
    static var hasNone: DatabaseError {
        DatabaseError(.internalInconsistency, "an aggregate of all rows has no result")
    }
}
