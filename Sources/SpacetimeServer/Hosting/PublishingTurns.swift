import SpacetimeDurability
import SpacetimeSATS

/// Whose turn it is: each database is published, changed or removed by one at a time, and different ones by many at once. So nobody
/// waits for somebody else's `init`, or for somebody else's rows to be migrated.
final class PublishingTurns: Sendable {
    /// Whether databases may be published, and where.
    struct Place {
        var isOpen = false
        /// Nil if databases are kept in memory only.
        var file: RegistryFile?
    }

    private struct State {
        var place = Place()
        /// Databases whose turn somebody has.
        var taken: Set<Identity> = []
        var isWholeTaken = false
    }

    private let state = Monitor(State())

    /// Calls a body that changes some databases, and nobody else does meanwhile. Blocks until it is their turn.
    ///
    /// All of them are waited for at once, so that no two wait for each other.
    func take<Value, E: Error>(_ databases: some Sequence<Identity>, _ body: (Place) throws(E) -> Value) throws(E)
        -> Value
    {
        let wanted = Set(databases)
        var place = Place()
        state.wait { state in
            guard !state.isWholeTaken, state.taken.isDisjoint(with: wanted) else { return false }
            state.taken.formUnion(wanted)
            place = state.place
            return true
        }
        defer { state.wake { $0.taken.subtract(wanted) } }
        return try body(place)
    }

    /// Calls a body when nobody has a turn; and nobody has one meanwhile.
    func takeAll<Value, E: Error>(_ body: (inout Place) throws(E) -> Value) throws(E) -> Value {
        var place = Place()
        state.wait { state in
            guard !state.isWholeTaken, state.taken.isEmpty else { return false }
            state.isWholeTaken = true
            place = state.place
            return true
        }
        defer {
            state.wake { state in
                state.place = place
                state.isWholeTaken = false
            }
        }
        return try body(&place)
    }
}
