import SpacetimeEngine
import SpacetimeSATS

/// Views in the life of transactions.
extension TransactionRunner {
    /// Evaluates the views that a query reads and that have not been yet, each in a transaction of its own that takes no offset.
    /// With the lock held, outside of transactions.
    ///
    /// - Parameter values: those of the query's parameters.
    /// - Throws: what a view threw, as `moduleFailure`. Nothing is left of that view then.
    func materialiseViews(
        of query: BoundQuery, _ values: [[UInt8]], for caller: Caller
    ) throws(DatabaseError) -> [ViewInstance] {
        guard let views else { return [] }
        var found: [ViewInstance] = []
        for table in query.tables {
            guard let view = catalog.viewTables.view(table.id) else { continue }
            let key = try view.key(for: caller, table.arguments, values)
            if let known = views.known(view, key) {
                found.append(known)
                continue
            }
            do {
                _ = try run(
                    .host, reducer: nil, argumentBytes: UnsafeRawBufferPointer(start: nil, count: 0), as: catalog.owner,
                    isOfViews: true,
                    before: { found.append(try views.materialise(view, key, for: caller, in: $0)) })
            } catch {
                throw Self.viewFailure(error)
            }
        }
        return found
    }

    /// Makes the views what they should be after what the running transaction has written.
    ///
    /// - Throws: what a view threw, as `moduleFailure`; the transaction has to be undone then.
    func refreshViews() throws(DatabaseError) {
        guard let views else { return }
        do { try views.refresh(in: TransactionReference(runner: self, serial: state.serial)) } catch {
            throw Self.viewFailure(error)
        }
    }

    private static func viewFailure(_ error: any Error) -> DatabaseError {
        if let error = error as? DatabaseError { return error }
        return DatabaseError(
            .moduleFailure, "a view failed, and with it what its rows were needed for: \(error)", cause: error)
    }
}
