import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// The queries that views consist of, followed as those of clients are: but before the commit, inside of the transaction, so that
/// what changes in a view is part of what the transaction changes. Guarded by the database's lock.
final class ViewQueries {
    private let queries: LiveQueries
    private let catalog: Catalog
    private let search: TableSearch
    private var known: [ObjectIdentifier: ViewQuery] = [:]

    init(_ catalog: Catalog, _ search: TableSearch) {
        self.catalog = catalog
        self.search = search
        queries = LiveQueries(nil, catalog, search.datastore)
    }

    var isEmpty: Bool { known.isEmpty }

    /// Follows a query from now on, if nobody does yet.
    ///
    /// - Throws: `invalidQuery` if it cannot be kept up to date by its changes.
    func follow(_ query: SessionQuery) throws(DatabaseError) -> ViewQuery {
        let (entry, values) = try queries.enter(query)
        if let known = known[ObjectIdentifier(entry)] { return known }
        let made = ViewQuery(entry, values)
        known[ObjectIdentifier(entry)] = made
        return made
    }

    /// Forgets a query that no view has any more.
    func forget(_ query: ViewQuery) {
        guard query.instances.isEmpty, known.removeValue(forKey: ObjectIdentifier(query.query)) != nil else { return }
        queries.forgetUnneeded([query.query])
    }

    /// The rows of a query as they are in the running transaction, each as often as it is there.
    func rows(of query: ViewQuery) throws(EngineError) -> RowBatch {
        try query.query.template.rows(of: query.query, query.values, search, queries.planner)
    }

    /// Calls `body` with what the running transaction has changed so far in each query.
    ///
    /// - Throws: what is wrong with a change, as a sum that does not fit its type. Then the transaction must be undone.
    func forEachChange(
        in datastore: Datastore, _ body: (ViewQuery, RowChanges) -> Void
    ) throws(DatabaseError) {
        guard let changes = datastore.netChanges(wanting: { queries.isFollowed($0) }) else { return }
        try queries.forEachChange(by: changes) { query, changes in
            if let query = known[ObjectIdentifier(query)] { body(query, changes) }
        }
    }
}
