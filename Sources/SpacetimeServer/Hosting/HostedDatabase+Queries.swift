import SpacetimeHost
import Synchronization

extension HostedDatabase {
    /// Runs a query that changes nothing: over a picture if a slow reducer has the database, so that whoever looks whether the
    /// server is alive hears of it at once.
    func answer(_ request: Statements.Request) async throws(DatabaseError) -> StatementResult {
        let generation = generation
        if let picture = generation.picture.withLock({ $0 }) {
            return try await generation.core.statements.run(request, over: picture.views, at: picture.offset)
        }
        return try await run(request)
    }

    /// Runs a statement, with the module as it is then.
    func run(_ request: Statements.Request) async throws(DatabaseError) -> StatementResult {
        while true {
            do throws(DatabaseError) { return try await core.statements.run(request) } catch {
                if error.code != .moduleReplaced { throw error }
            }
        }
    }
}
