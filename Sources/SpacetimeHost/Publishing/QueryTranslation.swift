import SpacetimeEngine
import SpacetimeSchema

/// Asks of a database with a new module what was asked of it with the one before: by the names of tables, whose ids may be others.
struct QueryTranslation {
    private let old: Catalog
    private let new: Catalog
    private var tables: [TableID: TableID] = [:]
    /// By the identity of a query that many ask for, which is kept so that no other gets it.
    private var shared: [ObjectIdentifier: (old: PreparedQuery, new: PreparedQuery)] = [:]

    init(from old: Catalog, to new: Catalog) {
        self.old = old
        self.new = new
    }

    /// - Throws: `noSuchTable` if a table or view is gone.
    mutating func translated(_ query: SessionQuery) throws(DatabaseError) -> SessionQuery {
        let before = query.prepared
        if let known = shared[ObjectIdentifier(before)] { return SessionQuery(known.new, values: query.values) }
        var form = before.query
        for position in form.tables.indices {
            form.tables[position].id = try translated(form.tables[position].id)
        }
        let after = form == before.query ? before : PreparedQuery(form, isShared: before.isShared)
        if before.isShared { shared[ObjectIdentifier(before)] = (before, after) }
        return SessionQuery(after, values: query.values)
    }

    private mutating func translated(_ table: TableID) throws(DatabaseError) -> TableID {
        if let known = tables[table] { return known }
        // What is looked at in place of a table that rules guard has a name of its own, which nobody asks for.
        let name = old.schema(of: table)?.name ?? "#\(table.rawValue)"
        guard let same = new.tableID(named: name) else { throw Catalog.noReadableTable(name) }
        tables[table] = same
        return same
    }
}

extension Sessions {
    /// Queries as this core is asked for them, of another one that ran the same database.
    package func translated(_ queries: [SessionQuery], from old: Catalog) throws(DatabaseError) -> [SessionQuery] {
        if old === runner.catalog { return queries }
        var translation = QueryTranslation(from: old, to: runner.catalog)
        var result: [SessionQuery] = []
        for query in queries { result.append(try translation.translated(query)) }
        return result
    }
}
