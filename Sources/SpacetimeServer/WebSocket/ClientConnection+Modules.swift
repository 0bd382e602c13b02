import DequeModule
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// A client while the module of its database is replaced.
///
/// What comes in is for ``generation``: the positions of reducers in the inbox are that module's. What goes out is told in the terms
/// of ``catalog``, which changes at the place among the events at which the module did.
extension ClientConnection {
    /// Goes on with the module that the database has now, if that is another one. On the event loop.
    func renewIfReplaced() {
        let old = generation
        guard old.core.isReplaced else { return }
        generation = database.generation
        lastCall = ([], -1)
        let caller = Caller(identity: principal.identity)
        for position in inbox.indices {
            inbox[position] = inbox[position].translated(from: old.core, to: generation.core, for: caller)
        }
        ledger.follow(
            generation.core.catalog.schema.reducers.map(\.name),
            generation.core.rates(ledger.limits, of: .identity(principal.identity), in: database.callRates))
    }
}

extension ClientRequest {
    /// The same request for another module: reducers are known by their names.
    func translated(from old: DatabaseCore, to new: DatabaseCore, for caller: Caller) -> ClientRequest {
        guard old !== new, case .call(let request, let reducer, let arguments) = self else { return self }
        let name = old.catalog.schema.reducers[reducer].name
        do throws(DatabaseError) {
            return .call(request, try new.sessions.reducer(named: name, for: caller), arguments)
        } catch { return .refusedCall(request, name, error) }
    }
}
