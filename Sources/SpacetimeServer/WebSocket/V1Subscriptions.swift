import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol

/// What a client of the first protocol watches.
///
/// There a query is told once to a client, however many of his sets ask for it. So each distinct text is a set of its own for
/// the database, which is kept as long as one of the client's sets names it.
struct V1Subscriptions {
    struct Query {
        /// The database's set.
        let set: UInt32
        /// How many of the client's sets have it.
        var holders: Int
    }

    /// The texts of each of the client's sets.
    var texts: [UInt32: [String]] = [:]
    var queries: [String: Query] = [:]
    /// The set of the connection's one list, which asks for its rows anew each time.
    var list: UInt32?
    private var lastSet: UInt32 = 0

    init() {}

    /// Nothing is watched any more. Numbers are not used again, so that nothing that is still on its way is taken for another's.
    init(after old: V1Subscriptions) { lastSet = old.lastSet }

    mutating func nextSet() -> UInt32 {
        lastSet &+= 1
        return lastSet
    }
}

/// The answer to one request of the first protocol, put together of the rows of several sets of the database.
///
/// Not `Sendable`: it is filled on the event loop.
final class V1Gathering {
    enum Kind {
        case joined(SetJoin)
        case left(SetLeave)
    }

    let kind: Kind
    /// The database's sets whose rows are missing.
    var missing: Set<UInt32>
    /// All sets that were joined for it, to be left if one of them is refused.
    let sets: [UInt32]
    /// The database's sets that are left for it.
    let leaving: [UInt32]
    var failure: DatabaseError?
    /// The rows of each query.
    var rows: [SharedDelta] = []
    /// What a single query is about, for an answer without rows.
    let table: TableID?

    init(_ kind: Kind, _ step: SetStep, table: TableID?) {
        self.kind = kind
        sets = step.joining.map(\.set)
        leaving = step.leaving
        missing = Set(sets)
        self.table = table
    }
}
