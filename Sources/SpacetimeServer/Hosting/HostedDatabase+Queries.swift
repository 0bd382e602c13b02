import SpacetimeDurability
import SpacetimeHost
import Synchronization

extension HostedDatabase {
    /// Runs a query that changes nothing: over a picture if a slow reducer has the database, so that whoever looks whether the
    /// server is alive hears of it at once.
    func answer(_ request: Statements.Request) async throws(DatabaseError) -> StatementResult {
        if let picture = picture.withLock({ $0 }) {
            let statements = core.statements
            do throws(DatabaseError) {
                return try await suspendingAside { () throws(DatabaseError) in
                    try statements.run(request, over: picture.snapshot, at: picture.offset)
                }
            } catch {
                // Views have no rows in a picture.
                guard error.code == .notPossible else { throw error }
            }
        }
        return try await core.statements.run(request)
    }
}
