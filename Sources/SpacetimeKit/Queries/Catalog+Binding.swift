import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
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
        if let view = draft.view { return try rows(ofView: view, for: caller) }
        if let condition = draft.plainCondition {
            let (table, _) = try readableTable(of: draft, by: caller)
            return BoundQuery(
                tables: [BoundQuery.Table(table)], conditions: condition == .all ? [] : [.rows(slot: 0, condition)])
        }
        return try QueryBinder.bind(draft) { draft throws(DatabaseError) in try readableTable(of: draft, by: caller) }
    }

    /// The rows of a view that a client sees.
    private func rows(ofView name: String, for caller: Caller) throws(DatabaseError) -> BoundQuery {
        guard let view = tables.table(named: name, isOwner: caller.identity == owner.identity), view.isView else {
            throw DatabaseError(
                .noSuchTable, "the module has no view '\(name)'; list it: static let views = Views(\(name))")
        }
        guard view.isByCaller else { return BoundQuery(tables: [BoundQuery.Table(view.id)]) }
        // The first column says whose rows they are, and is not seen.
        let columns = view.schema.columns.enumerated().dropFirst().map { position, column in
            QueryColumn(
                column.name,
                .field(QueryField(slot: 0, path: FieldPath(ColumnID(UInt16(position))), type: column.type)))
        }
        return BoundQuery(
            tables: [BoundQuery.Table(view.id)],
            conditions: [.rows(slot: 0, .compare(ColumnID(0), .equal, caller.identity.bsatn()))],
            output: .columns(columns))
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
