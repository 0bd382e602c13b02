/// Names a set of queries that a client subscribed to together. Chosen by the client.
package struct QuerySetID: Hashable, Sendable, Comparable {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    package static func < (left: QuerySetID, right: QuerySetID) -> Bool { left.rawValue < right.rawValue }
}

/// What a client is told, in order.
package enum SessionEvent: Sendable {
    /// A set of queries is being watched from now on; these are their rows.
    case subscribed(SetRows)
    /// A set of queries is not watched any more.
    case unsubscribed(SetRows)
    /// A set of queries could not be kept up to date, and is not watched any more.
    case failed(QuerySetID, DatabaseError)
    /// What a commit changed.
    case update(SessionUpdate)
    /// There is nothing behind it.
    case ended(SubscriptionEnd)
}

/// The rows of a set of queries at one moment.
package struct SetRows: Sendable {
    package let set: QuerySetID
    /// The last commit that the rows include.
    package let offset: TxOffset
    /// The rows of each query as inserts, in the order of the set's queries; or, of a set that was left, as deletes. Empty if
    /// they were not asked for.
    package let rows: [SharedDelta]
}

/// What one commit changed for one client, all in one.
package struct SessionUpdate: Sendable {
    package let offset: TxOffset
    /// Ascending by set, then by query. A row that is in two of a client's sets is in the changes of both.
    package internal(set) var changes: [SetChange]
}

/// What changed in one query of a set.
package struct SetChange: Sendable {
    package let set: QuerySetID
    /// Position of the query in its set.
    package let query: Int
    package let delta: SharedDelta
}

/// Why a client is told nothing more.
package enum SubscriptionEnd: Sendable {
    /// The client fell behind further than its queue allows.
    case overflow
    /// The rows cannot change any more.
    case complete
    /// The database takes no more writes, for this reason.
    case failed(DatabaseError)
}
