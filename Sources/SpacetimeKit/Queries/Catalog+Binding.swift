import SpacetimeEngine
import SpacetimeHost
import SpacetimeSchema

extension Catalog {
    /// The table whose rows have a Swift type.
    ///
    /// - Parameter name: which one, if the type has several; by default its own.
    /// - Throws: `noSuchTable`.
    func table(of row: any TableRow.Type, named name: String?) throws(DatabaseError) -> TableID {
        tableMap.table(at: try tablePosition(of: ObjectIdentifier(row), named: name, rowType: "\(row)"))
    }

    /// A typed query with its tables looked up. To a client a private table is as if it were not there.
    ///
    /// - Throws: `noSuchTable`, and what ``QueryBinder/bind(_:_:)`` throws.
    func bound(_ draft: _QueryDraft, by caller: Caller) throws(DatabaseError) -> BoundQuery {
        if let condition = draft.plainCondition {
            let (table, _) = try readableTable(of: draft, by: caller)
            return BoundQuery(
                tables: [BoundQuery.Table(table)], conditions: condition == .all ? [] : [.rows(slot: 0, condition)])
        }
        return try QueryBinder.bind(draft) { draft throws(DatabaseError) in try readableTable(of: draft, by: caller) }
    }

    private func readableTable(
        of draft: _QueryDraft, by caller: Caller
    ) throws(DatabaseError) -> (TableID, TableSchema) {
        let table: TableID
        do throws(DatabaseError) { table = try self.table(of: draft.row, named: draft.table) } catch {
            // The reason could name private tables.
            throw caller.identity == owner.identity ? error : notReadable(draft)
        }
        guard isReadable(table, by: caller), let schema = schema(of: table) else { throw notReadable(draft) }
        return (table, schema)
    }

    private func notReadable(_ draft: _QueryDraft) -> DatabaseError {
        Self.noReadableTable(draft.table ?? "\(draft.row)")
    }
}
