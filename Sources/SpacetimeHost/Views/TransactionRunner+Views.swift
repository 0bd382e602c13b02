import SpacetimeEngine
import SpacetimeSATS

/// Views in the life of transactions.
extension TransactionRunner {
    /// Evaluates the views that a query reads and that have not been yet, each in a transaction of its own that takes no offset.
    /// With the lock held, outside of transactions.
    ///
    /// - Throws: what a view threw, as `moduleFailure`. Nothing is left of that view then.
    func materialiseViews(
        of query: BoundQuery, for caller: Caller
    ) throws(DatabaseError) -> [ViewInstances.Instance] {
        guard let views else { return [] }
        var found: [ViewInstances.Instance] = []
        for table in query.tables where catalog.viewTables.view(table.id) != nil {
            if let known = views.known(table.id, for: caller) {
                found.append(known)
                continue
            }
            do {
                _ = try run(
                    .host, reducer: nil, arguments: [], as: catalog.owner,
                    after: { transaction in
                        if let made = try views.materialise(table.id, for: caller, in: transaction) {
                            found.append(made)
                        }
                    })
            } catch {
                throw Self.viewFailure(error)
            }
        }
        return found
    }

    /// Evaluates again what the running transaction has made out of date.
    ///
    /// - Throws: what a view threw, as `moduleFailure`; the transaction has to be undone then.
    func refreshViews() throws(DatabaseError) {
        guard let views else { return }
        do { try views.refresh(in: TransactionReference(runner: self, serial: state.pointee.serial)) } catch {
            throw Self.viewFailure(error)
        }
    }

    private static func viewFailure(_ error: any Error) -> DatabaseError {
        if let error = error as? DatabaseError { return error }
        return DatabaseError(
            .moduleFailure, "a view failed, and with it the transaction that it had to be evaluated for: \(error)",
            cause: error)
    }
}
