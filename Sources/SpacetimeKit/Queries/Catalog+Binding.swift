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
        if draft.asksForSender { throw RuleSender.unknown }
        if draft.view == nil, let condition = draft.plainCondition {
            let (table, _) = try readableTable(of: draft, by: caller)
            return BoundQuery(
                tables: [BoundQuery.Table(table)], conditions: condition == .all ? [] : [.rows(slot: 0, condition)])
        }
        // In the order of the query's tables.
        var views: [(view: SQLCatalog.Table, call: ViewCall)?] = []
        var query = try QueryBinder.bind(draft) { draft throws(DatabaseError) in
            guard let call = draft.view else {
                views.append(nil)
                return try readableTable(of: draft, by: caller)
            }
            if let name = draft.table {
                throw DatabaseError(
                    .invalidQuery,
                    "the view '\(call.name)' stands for no table, so not for '\(name)' either; leave out in(_:)")
            }
            let view = try self.view(call, by: caller)
            views.append((view, call))
            return (view.id, view.visibleSchema)
        }
        for (slot, found) in views.enumerated() {
            if let (view, call) = found { query.choose(call, of: view, slot, for: caller) }
        }
        return query
    }

    private func view(_ call: ViewCall, by caller: Caller) throws(DatabaseError) -> SQLCatalog.Table {
        if let view = tables.table(named: call.name, isOwner: caller.identity == owner.identity), view.isView {
            return view
        }
        throw DatabaseError(
            .noSuchTable,
            "the module has no view '\(call.name)'; list the enum that it stands in: static let reducers = Reducers(…)"
        )
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

extension BoundQuery {
    /// Of the rows of a view, which are those of all callers and calls, chooses those of one. Columns in front of those that are
    /// seen say of which each row is.
    fileprivate mutating func choose(
        _ call: ViewCall, of view: SQLCatalog.Table, _ slot: Int, for caller: Caller
    ) {
        if view.hiddenCount == 0 { return }
        self = replacing(slot, by: view.id, view.visibleSchema.columns, behind: view.hiddenCount)
        tables[slot].arguments = zip(call.arguments, view.parameters).map { .literal($0, $1.type) }
        let values = (view.isByCaller ? [caller.identity.bsatn()] : []) + call.arguments
        let conditions = values.enumerated().map { position, value in
            Expression.rows(slot: slot, .compare(ColumnID(position), .equal, value))
        }
        if tables[slot].outerCondition == nil {
            self.conditions += conditions
        } else {
            tables[slot].outerCondition? += conditions
        }
    }
}
